#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looking for files in all snapshots of a backup server."""

from __future__ import annotations

from datetime import datetime, timedelta

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.server_find import find
from ansible_collections.ictops.schools.plugins.module_utils.server_locks import Locks
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import (
    SPEC,
    Kept,
    said_of_each,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_snapshots import (
    moment,
    snapshots_of,
)

DOCUMENTATION = r"""
---
module: backup_find
short_description: Look for files in all of a backup server's snapshots
description:
  - Runs on the server, as root, also while hosts are backed up. Changes nothing.
extends_documentation_fragment: [ictops.schools.backup_repositories]
options:
  pattern:
    description: Of a name or a path, with C(*), C(?) and C([…]).
    type: str
    required: true
  host:
    description: Only snapshots of this host.
    type: str
    default: ""
  set:
    description: Only snapshots of this set.
    type: str
    default: ""
  after:
    description: Only snapshots that were made then or later; in ISO 8601 with its offset.
    type: str
    default: ""
  before:
    description: Only snapshots that were made then or earlier.
    type: str
    default: ""
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Look for an essay
  ictops.schools.backup_find:
    repositories: [oakfield]
    pattern: "*essay*"
    after: "2026-09-01T00:00:00+01:00"
  become: true
"""

RETURN = r"""
ictops_backup_found:
  description:
    - C(repositories) with, of each, C(repository), C(good), C(message), what was C(found), of the
      newest snapshots first, and whether there is C(more); at most 1000 are told of each.
  returned: always
  type: dict
"""


def main() -> None:
    """Look into each."""
    text = {"type": "str", "default": ""}
    module = AnsibleModule(
        argument_spec={
            **SPEC,
            "pattern": {"type": "str", "required": True},
            "host": text,
            "set": text,
            "after": text,
            "before": text,
        },
        supports_check_mode=True,
    )
    asked = module.params
    try:
        after, before = (_time(asked[name]) for name in ("after", "before"))
    except ValueError as error:
        module.fail_json(msg=str(error))

    def look(one: Kept) -> dict:
        Locks(one.repository).remove_dead()  # or hosts wait for who was killed
        there = [
            each
            for each in snapshots_of(one.repository)
            if asked["host"] in ("", each.host)
            and asked["set"] in ("", each.tags.get("set"))
            and (after is None or each.at >= after)
            # A snapshot's time has parts of a second, what people say has none.
            and (before is None or each.at < before + timedelta(seconds=1))
        ]
        found, more = find(one.repository, there, asked["pattern"])
        return {"found": found, "more": more}

    beside = {"found": [], "more": False}
    said_of_each(module, "ictops_backup_found", look, beside=beside)


def _time(text: str) -> datetime | None:
    return moment(text) if text else None


if __name__ == "__main__":
    main()
