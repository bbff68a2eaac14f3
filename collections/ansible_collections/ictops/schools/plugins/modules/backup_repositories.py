#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have repositories, and a key of each in escrow."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.escrow import (
    EscrowError,
    hold,
    is_held,
)
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    REPOSITORIES,
    repositories_of,
    said_of,
)
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError, run

DOCUMENTATION = r"""
---
module: backup_repositories
short_description: Have repositories, and a key of each in escrow
description:
  - Runs on a backup server, as root. A repository that is there stays as it is.
  - The key in escrow is a password of its own, made here and encrypted for those who hold it; only
    what is encrypted is kept. With other holders there is a new one, and the old one opens no more.
options:
  escrow_recipients:
    description: Public keys of age or ssh; see age(1).
    type: list
    elements: str
    default: []
extends_documentation_fragment:
  - ictops.schools.repositories
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Have a school's repositories
  ictops.schools.backup_repositories:
    repositories: "{{ __backup_server_repositories }}"
    escrow_recipients: [age1…]
"""

RETURN = r"""
made:
  description: The names of those that were made now.
  returned: always
  type: list
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "repositories": REPOSITORIES,
            "escrow_recipients": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    recipients = module.params["escrow_recipients"]
    made, sealed = [], []
    for one in repositories_of(module):
        try:
            if not (one.folder / "config").exists():
                made.append(one.name)
                if not module.check_mode:
                    run(one.own, "init")
            if recipients and not is_held(one.escrow, recipients):
                sealed.append(one.name)
                if not module.check_mode:
                    hold(one.own, one.escrow, recipients)
        except (ResticError, EscrowError, OSError) as error:
            module.fail_json(msg=f"{one.name}: {said_of(error)}", made=made)
    module.exit_json(changed=bool(made or sealed), made=made)


if __name__ == "__main__":
    main()
