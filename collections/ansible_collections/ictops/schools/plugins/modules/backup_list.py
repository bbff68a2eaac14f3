#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Tell what is in the repositories of a backup server."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    REPOSITORIES,
    Kept,
    each,
    end,
    repositories_of,
    size_of,
    snapshots,
)

DOCUMENTATION = r"""
---
module: backup_list
short_description: Tell what is in the repositories of a backup server
description:
  - Runs on the server, as root. Nothing is changed, and no backup is kept waiting.
options:
  host:
    description: Only what this host has backed up.
    type: str
    default: ""
  set:
    description: Only this set.
    type: str
    default: ""
extends_documentation_fragment:
  - ictops.schools.repositories
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: List what is there
  ictops.schools.backup_list:
    repositories: "{{ __backup_server_repositories }}"
"""

RETURN = r"""
ictops_backup_list:
  description: Each repository with its size in bytes and its snapshots, the newest first.
  returned: always
  type: dict
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "repositories": REPOSITORIES,
            "host": {"type": "str", "default": ""},
            "set": {"type": "str", "default": ""},
        },
        supports_check_mode=True,
    )
    host, wanted = module.params["host"], module.params["set"]

    def look(one: Kept) -> dict[str, Any]:
        words = (["--host", host] if host else []) + (["--tag", f"set={wanted}"] if wanted else [])
        return {
            "bytes": size_of(one.folder),
            "escrowed": one.escrow.exists(),
            "copy": one.copy is not None,
            "snapshots": [
                {
                    "snapshot": found.id, "host": found.host, "set": found.set, "at": found.at,
                    "class": found.class_, "kind": found.kind, "archive": found.archive,
                    "paths": found.paths,
                }
                for found in snapshots(one.own, *words)
            ],
        }  # fmt: skip

    end(module, "ictops_backup_list", each(repositories_of(module), look))


if __name__ == "__main__":
    main()
