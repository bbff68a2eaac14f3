#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Forget what is older than its class is kept, on a backup server."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.pruned import prune, rules_of
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    REPOSITORIES,
    each,
    end,
    repositories_of,
)

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
    told = each(repositories_of(module), lambda one: prune(one, rules))
    told = [{"removed": [], "kept": 0, "bytes_freed": 0, **one} for one in told]
    changed = any(one["removed"] or one["bytes_freed"] for one in told)
    end(module, "ictops_backup_prune", told, changed)


if __name__ == "__main__":
    main()
