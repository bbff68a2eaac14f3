#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a backup server has: its repositories, and the snapshots in them."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.server_copy import is_copied
from ansible_collections.ictops.schools.plugins.module_utils.server_escrow import is_escrowed
from ansible_collections.ictops.schools.plugins.module_utils.server_locks import Locks
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import (
    SPEC,
    Kept,
    said_of_each,
    size_of,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_snapshots import snapshots_of

DOCUMENTATION = r"""
---
module: backup_list
short_description: List a backup server's snapshots
description:
  - Runs on the server, as root, also while hosts are backed up. Changes nothing.
extends_documentation_fragment: [ictops.schools.backup_repositories]
options:
  host:
    description: Only snapshots of this host.
    type: str
    default: ""
  set:
    description: Only snapshots of this set.
    type: str
    default: ""
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: List what is kept
  ictops.schools.backup_list:
    repositories: [oakfield]
  become: true
"""

RETURN = r"""
ictops_backup_list:
  description:
    - C(repositories) with, of each, C(repository), C(good), C(message), C(bytes), whether its keys
      are C(escrowed), whether there is a second C(copy), and C(snapshots), newest first.
  returned: always
  type: dict
"""


def main() -> None:
    """Look at each."""
    module = AnsibleModule(
        argument_spec={
            **SPEC,
            "host": {"type": "str", "default": ""},
            "set": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    asked = module.params

    def look(one: Kept) -> dict:
        Locks(one.repository).remove_dead()  # or hosts wait for who was killed
        snapshots = [
            {
                "snapshot": each.id,
                "host": each.host,
                "set": each.tags.get("set", ""),
                "class": each.tags.get("class", ""),
                "kind": each.tags.get("kind", ""),
                "archive": each.archive,
                "at": each.at.isoformat(),
                "paths": list(each.paths),
            }
            for each in snapshots_of(one.repository)
            if asked["host"] in ("", each.host) and asked["set"] in ("", each.tags.get("set"))
        ]
        return {
            "bytes": size_of(one.folder),
            "escrowed": is_escrowed(one),
            "copy": is_copied(one),
            "snapshots": snapshots,
        }

    said_of_each(module, "ictops_backup_list", look)


if __name__ == "__main__":
    main()
