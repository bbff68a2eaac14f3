#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deleting what a backup server need not keep."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.server_prune import prune
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import (
    SPEC,
    said_of_each,
)

DOCUMENTATION = r"""
---
module: backup_prune
short_description: Delete what a backup server need not keep
description:
  - Runs on the server, as root. Archives are never deleted, and nothing is where a snapshot is
    dated in the future.
extends_documentation_fragment: [ictops.schools.backup_repositories]
options:
  retention:
    description:
      - What is kept, by class. Of each C(keep_last), a number, and C(keep_within),
        C(keep_within_daily) and so on, times such as C(1y6m14d). Classes that are not named are
        kept for ever.
    type: dict
    required: true
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Delete what is old
  ictops.schools.backup_prune:
    repositories: [oakfield]
    retention:
      pupils: {keep_last: 3, keep_within_daily: 35d, keep_within_monthly: 1y1m}
  become: true
"""

RETURN = r"""
ictops_backup_prune:
  description:
    - C(repositories) with, of each, C(repository), C(good), C(message), the snapshots that were
      C(removed), how many are C(kept), and C(bytes_freed).
  returned: always
  type: dict
"""


def main() -> None:
    """Look into each."""
    module = AnsibleModule(
        argument_spec={**SPEC, "retention": {"type": "dict", "required": True}},
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False, ictops_backup_prune={"repositories": []})
    said_of_each(
        module,
        "ictops_backup_prune",
        lambda one: prune(one, module.params["retention"]),
        beside={"removed": [], "kept": 0, "bytes_freed": 0},
        changes=lambda said: bool(said["removed"] or said["bytes_freed"]),
    )


if __name__ == "__main__":
    main()
