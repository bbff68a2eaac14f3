#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring a file or a folder back from a backup."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.reached import REPOSITORY, reached
from ansible_collections.ictops.schools.plugins.module_utils.repositories import said_of
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError
from ansible_collections.ictops.schools.plugins.module_utils.restored import (
    PlaceError,
    RestoreError,
    restore,
)

DOCUMENTATION = r"""
---
module: backup_restore
short_description: Bring a file or a folder back from a backup
description:
  - Runs on the host to which it is brought, as root. Owners, permissions and times are those of the
    backup. Everything is restored beside its place first, read back, and renamed into it.
  - Nothing is overwritten unless that is asked for.
options:
  snapshot:
    description: The id of the snapshot that has it.
    type: str
    required: true
  path:
    description: The whole path, as it was backed up.
    type: str
    required: true
  to:
    description: The folder below which the path is put; empty for its own place.
    type: str
    default: ""
  overwrite:
    description: Whether what is there is replaced.
    type: bool
    default: false
extends_documentation_fragment:
  - ictops.schools.reached
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Bring an essay back
  ictops.schools.backup_restore:
    repository: {url: "rclone:", password_file: /etc/ictops-backup/password}
    snapshot: 3f2a91c0
    path: /home/ann/essay.odt
    to: /var/lib/ictops-restored/today
"""

RETURN = r"""
ictops_backup_restored:
  description: Where it is now, whose it is, and its files and bytes.
  returned: when it was restored
  type: dict
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "repository": REPOSITORY,
            "snapshot": {"type": "str", "required": True},
            "path": {"type": "str", "required": True},
            "to": {"type": "str", "default": ""},
            "overwrite": {"type": "bool", "default": False},
        },
    )
    given = module.params
    what = {name: given[name] for name in ("snapshot", "path", "to", "overwrite")}
    try:
        told = restore(reached(given["repository"]), **what)
    except (RestoreError, PlaceError, ResticError, OSError) as error:
        module.fail_json(msg=said_of(error))
    module.exit_json(changed=True, ictops_backup_restored=told)


if __name__ == "__main__":
    main()
