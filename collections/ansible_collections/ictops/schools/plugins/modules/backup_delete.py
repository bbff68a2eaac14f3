#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deleting an archive for good, on the backup server."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError
from ansible_collections.ictops.schools.plugins.module_utils.server_delete import delete
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import (
    SPEC,
    BackupFault,
    in_words,
    one_of,
)

DOCUMENTATION = r"""
---
module: backup_delete
short_description: Delete an archive for good
description:
  - Runs on the server, as root. Deletes the archive's snapshots and their data, first in the second
    copy. What is gone already counts as deleted.
extends_documentation_fragment: [ictops.schools.backup_repositories]
options:
  repository:
    description: The repository that the archive is in.
    type: str
    required: true
  archive:
    description: The archive's name.
    type: str
    required: true
  snapshots:
    description: Its snapshots. Nothing is deleted if one is not of this archive.
    type: list
    elements: str
    required: true
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Delete what is no longer to be kept
  ictops.schools.backup_delete:
    repositories: [oakfield]
    repository: oakfield
    archive: leavers-2026
    snapshots: [3d28a14b5c90f4dd3e6f0d5de4c9d3f1b2d9a0c7f8e11b6f6a3c9f5f0b7d1e22]
  become: true
"""

RETURN = r"""
ictops_backup_deleted:
  description:
    - The C(repository), the C(archive), which snapshots are C(removed), and of which the copy is,
      C(copy_removed); also if it failed halfway.
  returned: always
  type: dict
"""


def main() -> None:
    """Delete it."""
    module = AnsibleModule(
        argument_spec={
            **SPEC,
            "repository": {"type": "str", "required": True},
            "archive": {"type": "str", "required": True},
            "snapshots": {"type": "list", "elements": "str", "required": True},
        },
        supports_check_mode=True,
    )
    asked = module.params
    said = {
        "repository": asked["repository"],
        "archive": asked["archive"],
        "removed": [],
        "copy_removed": [],
    }
    try:
        one = one_of(asked["repository"], asked)
        delete(
            one,
            asked["archive"],
            asked["snapshots"],
            said.__setitem__,
            do_it=not module.check_mode,
        )
    except (BackupFault, ResticError, OSError) as error:
        module.fail_json(msg=in_words(error), ictops_backup_deleted=said)
    module.exit_json(changed=True, ictops_backup_deleted=said)


if __name__ == "__main__":
    main()
