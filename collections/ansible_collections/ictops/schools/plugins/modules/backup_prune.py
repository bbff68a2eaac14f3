#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Forget what is older than its class is kept, on a backup server."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.pruned import (
    forget,
    refuse_the_future,
    rules_of,
)
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    REPOSITORIES,
    Kept,
    each,
    end,
    kept,
    size_of,
    snapshots,
    unlock,
)
from ansible_collections.ictops.schools.plugins.module_utils.restic import run

DOCUMENTATION = r"""
---
module: backup_prune
short_description: Forget what is older than its class is kept, on a backup server
description:
  - Runs on the server, as root; a host may not.
  - Refuses where a snapshot is dated in the future, as the age of others is counted from the
    newest one. Archives are never forgotten by this.
options:
  retention:
    description: By class, how long it is kept, such as C({keep_within: 30d}); restic-forget(1).
    type: dict
    required: true
extends_documentation_fragment:
  - ictops.schools.repositories
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Forget
  ictops.schools.backup_prune:
    repositories: "{{ __backup_server_repositories }}"
    retention:
      pupils: {keep_within: 30d, keep_within_monthly: 1y}
"""

RETURN = r"""
ictops_backup_prune:
  description: Each repository with the snapshots that were removed, and the bytes that were freed.
  returned: always
  type: dict
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "repositories": REPOSITORIES,
            "retention": {"type": "dict", "required": True},
        },
    )
    try:
        rules = rules_of(module.params["retention"])
    except ValueError as error:
        module.fail_json(msg=f"backup_server_retention: {error}")

    now = datetime.now(timezone.utc)  # noqa: UP017 - for hosts with an older Python

    def prune(one: Kept) -> dict[str, Any]:
        repository, folder = one.own, one.folder
        unlock(repository)
        refuse_the_future(snapshots(repository), now)
        before = size_of(folder)
        removed = forget(repository, rules)
        # Always: an earlier one may have been killed between the two.
        run(repository, "prune")
        return {
            "removed": removed,
            "kept": len(snapshots(repository)),
            "bytes_freed": max(0, before - size_of(folder)),
        }

    told = each(kept(module.params["repositories"]), prune)
    end(module, "ictops_backup_prune", told, changed=any(one.get("removed") for one in told))


if __name__ == "__main__":
    main()
