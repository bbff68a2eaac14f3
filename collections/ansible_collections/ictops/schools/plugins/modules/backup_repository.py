#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have a repository, and a key of it in escrow."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.escrow import (
    EscrowError,
    hold,
    is_held,
)
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    REPOSITORIES,
    own,
    said_of,
)
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError, run

DOCUMENTATION = r"""
---
module: backup_repository
short_description: Have a repository, and a key of it in escrow
description:
  - Runs on a backup server, as root. A repository that is there stays as it is.
  - The key in escrow is a password of its own, made here and encrypted for those who hold it; only
    what is encrypted is kept. With other holders there is a new one, and the old one opens no more.
options:
  repository:
    description: The repository, as the role C(backup_server) knows it.
    type: dict
    required: true
  escrow_recipients:
    description: Public keys of age or ssh; see age(1).
    type: list
    elements: str
    default: []
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Have a school's repository
  ictops.schools.backup_repository:
    repository: "{{ __backup_server_repositories | first }}"
    escrow_recipients: [age1…]
"""

RETURN = r"""
made:
  description: Whether the repository was made now.
  returned: always
  type: bool
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "repository": {
                "type": "dict", "required": True, "options": REPOSITORIES["options"],
            },
            "escrow_recipients": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )  # fmt: skip
    one, recipients = module.params["repository"], module.params["escrow_recipients"]
    made = not Path(one["url"], "config").exists()
    file = Path(one["escrow_file"])
    hands_over = bool(recipients) and not is_held(file, recipients)
    if not module.check_mode:
        try:
            if made:
                run(own(one), "init")
            if hands_over:
                hold(own(one), file, recipients)
        except (ResticError, EscrowError, OSError) as error:
            module.fail_json(msg=f"{one['name']}: {said_of(error)}")
    module.exit_json(changed=made or hands_over, made=made)


if __name__ == "__main__":
    main()
