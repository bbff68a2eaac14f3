#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Delete an archive from a backup server for good."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.deleted import Refused, delete
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    REPOSITORIES,
    repositories_of,
    said_of,
)
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError

DOCUMENTATION = r"""
---
module: backup_delete
short_description: Delete an archive from a backup server for good
description:
  - From the repository, and from its second copy. Only snapshots that have the archive's tag.
  - Runs on the server, as root.
options:
  repository:
    description: The name of the one that has it.
    type: str
    required: true
  archive:
    description: The archive's name.
    type: str
    required: true
  snapshots:
    description: The ids of its snapshots.
    type: list
    elements: str
    required: true
extends_documentation_fragment:
  - ictops.schools.repositories
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Delete what leavers left
  ictops.schools.backup_delete:
    repositories: "{{ __backup_server_repositories }}"
    repository: oakfield
    archive: leavers-2019
    snapshots: [3f2a91c0]
"""

RETURN = r"""
ictops_backup_deleted:
  description:
    - The snapshots that are C(removed), also if it was done before, and those of which the second
      copy was, C(copy_removed); as far as it came, if it failed.
  returned: always
  type: dict
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "repositories": REPOSITORIES,
            "repository": {"type": "str", "required": True},
            "archive": {"type": "str", "required": True},
            "snapshots": {"type": "list", "elements": "str", "required": True},
        },
    )
    given = module.params
    found = [one for one in repositories_of(module) if one.name == given["repository"]]
    if not found:
        module.fail_json(msg=f"this server has no repository {given['repository']}")
    told = {
        "repository": given["repository"], "archive": given["archive"],
        "removed": [], "copy_removed": [],
    }  # fmt: skip
    try:
        changed = delete(found[0], given["archive"], given["snapshots"], told.__setitem__)
    except (Refused, ResticError, OSError) as error:
        module.fail_json(msg=said_of(error), ictops_backup_deleted=told)
    module.exit_json(changed=changed, ictops_backup_deleted=told)


if __name__ == "__main__":
    main()
