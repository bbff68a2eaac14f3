#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bringing second copies up to date, from the backup server."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError
from ansible_collections.ictops.schools.plugins.module_utils.server_copy import copy, shown
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import (
    SPEC,
    Kept,
    in_words,
    said_of_each,
)

DOCUMENTATION = r"""
---
module: backup_copy
short_description: Bring the second copies of a backup server's repositories up to date
description:
  - Runs on the server, as root. Makes a copy's repository where there is none yet.
extends_documentation_fragment: [ictops.schools.backup_repositories]
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Bring them up to date
  ictops.schools.backup_copy:
    repositories: [oakfield]
  become: true
"""

RETURN = r"""
ictops_backup_copy:
  description:
    - C(repositories) that have a second copy, with, of each, C(repository), C(good), C(message),
      where it is copied C(to), how many snapshots were C(copied), and how many C(snapshots) are
      there now.
  returned: always
  type: dict
"""


def main() -> None:
    """Copy each."""
    module = AnsibleModule(argument_spec=dict(SPEC), supports_check_mode=True)
    if module.check_mode:
        module.exit_json(changed=False, ictops_backup_copy={"repositories": []})

    def bring(one: Kept) -> dict | None:
        if one.copy is None:
            return None
        try:
            return copy(one)
        except ResticError as error:
            return {"good": False, "message": in_words(error), "to": shown(one.copy.url)}

    said_of_each(
        module,
        "ictops_backup_copy",
        bring,
        beside={"to": "", "copied": 0, "snapshots": 0},
        changes=lambda said: said["copied"] > 0,
    )


if __name__ == "__main__":
    main()
