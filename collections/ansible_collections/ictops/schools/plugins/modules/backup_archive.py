#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archive what leavers have left."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.archived import ArchiveError, archive
from ansible_collections.ictops.schools.plugins.module_utils.reached import REPOSITORY, reached
from ansible_collections.ictops.schools.plugins.module_utils.repositories import said_of
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError
from ansible_collections.ictops.schools.plugins.module_utils.staging import PlaceError

DOCUMENTATION = r"""
---
module: backup_archive
short_description: Archive what leavers have left
description:
  - Runs on the host, as root. All of it is backed up under the archive's name, restored again to a
    scratch folder, and compared with what is on the host. Only then it is removed, if that is asked
    for.
options:
  name:
    description: The repository's name.
    type: str
    required: true
  host:
    description: The host's name in the inventory.
    type: str
    required: true
  archive:
    description: The archive's name.
    type: str
    required: true
  paths:
    description: The folders and files.
    type: list
    elements: str
    required: true
  remove:
    description: Whether they are removed from the host.
    type: bool
    default: false
  scratch:
    description: The folder in which it is compared; it needs as much room as all of it takes.
    type: path
    required: true
extends_documentation_fragment:
  - ictops.schools.reached
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Archive
  ictops.schools.backup_archive:
    repository: {url: "rclone:", password_file: /etc/ictops-backup/password}
    name: oakfield
    host: oak-srv-01
    archive: leavers-2026
    paths: [/home/ann]
    remove: true
    scratch: /var/tmp
"""

RETURN = r"""
ictops_backup_archived:
  description: The snapshot, its files and bytes, and what was removed.
  returned: when it was archived
  type: dict
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "repository": REPOSITORY,
            "name": {"type": "str", "required": True},
            "host": {"type": "str", "required": True},
            "archive": {"type": "str", "required": True},
            "paths": {"type": "list", "elements": "str", "required": True},
            "remove": {"type": "bool", "default": False},
            "scratch": {"type": "path", "required": True},
        },
    )
    given = module.params
    about = {"name": given["archive"], "repository": given["name"]}
    told: dict[str, Any] = {}
    try:
        archive(
            reached(given["repository"]), given["host"], given["archive"], given["paths"], told,
            away=given["remove"], scratch=given["scratch"],
        )  # fmt: skip
    except (ArchiveError, PlaceError, ResticError, OSError) as error:
        more = {"ictops_backup_archived": {**about, **told}} if told else {}
        module.fail_json(msg=said_of(error), **more)
    module.exit_json(changed=True, ictops_backup_archived={**about, **told})


if __name__ == "__main__":
    main()
