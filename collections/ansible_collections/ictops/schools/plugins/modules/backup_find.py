#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Look for files in all snapshots of a backup server."""

from __future__ import annotations

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.found import find
from ansible_collections.ictops.schools.plugins.module_utils.moments import moment
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    REPOSITORIES,
    Kept,
    each,
    end,
    repositories_of,
)

DOCUMENTATION = r"""
---
module: backup_find
short_description: Look for files in all snapshots of a backup server
description:
  - Runs on the server, as root. Nothing is changed, and no backup is kept waiting.
  - The newest snapshots are looked through first, and no more than are needed for 1,000 finds.
options:
  pattern:
    description: A name or a path; V(*) and V(?) stand for others, unless V(\\) is before them.
    type: str
    required: true
  host:
    description: Only what this host has backed up.
    type: str
    default: ""
  set:
    description: Only this set.
    type: str
    default: ""
  after:
    description: Only snapshots from this time on (ISO 8601).
    type: str
    default: ""
  before:
    description: Only snapshots up to this time (ISO 8601).
    type: str
    default: ""
extends_documentation_fragment:
  - ictops.schools.repositories
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Look for an essay
  ictops.schools.backup_find:
    repositories: "{{ __backup_server_repositories }}"
    pattern: "*essay*"
"""

RETURN = r"""
ictops_backup_found:
  description: Each repository with what was found, the newest first, and whether there is more.
  returned: always
  type: dict
"""


def main() -> None:
    """Run the module."""
    text = {"type": "str", "default": ""}
    module = AnsibleModule(
        argument_spec={
            "repositories": REPOSITORIES,
            "pattern": {"type": "str", "required": True},
            **dict.fromkeys(("host", "set", "after", "before"), text),
        },
        supports_check_mode=True,
    )
    given = module.params
    try:
        times = {name: moment(given[name]) for name in ("after", "before") if given[name]}
    except ValueError as error:
        module.fail_json(msg=str(error))

    def look(one: Kept) -> dict[str, Any]:
        found, more = find(one.own, given["pattern"], given["host"], given["set"], **times)
        return {"found": found, "more": more}

    end(module, "ictops_backup_found", each(repositories_of(module), look))


if __name__ == "__main__":
    main()
