#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Check that the repositories of a backup server are whole."""

from __future__ import annotations

import time
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.locks import when_free
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    REPOSITORIES,
    Kept,
    each,
    end,
    repositories_of,
)

DOCUMENTATION = r"""
---
module: backup_check
short_description: Check that the repositories of a backup server are whole
description:
  - Reads all that says what is where, and one part of what is kept, so that after as many checks as
    there are parts everything was read.
  - Runs on the server, as root.
options:
  part:
    description: Which part is read, from 1.
    type: int
    required: true
  parts:
    description: How many there are.
    type: int
    required: true
extends_documentation_fragment:
  - ictops.schools.repositories
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Read a seventh
  ictops.schools.backup_check:
    repositories: "{{ __backup_server_repositories }}"
    part: 3
    parts: 7
"""

RETURN = r"""
ictops_backup_check:
  description: Each repository, and whether it is whole.
  returned: always
  type: dict
"""


MOST = 256


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "repositories": REPOSITORIES,
            "part": {"type": "int", "required": True},
            "parts": {"type": "int", "required": True},
        },
        supports_check_mode=True,
    )
    part, parts = module.params["part"], module.params["parts"]
    if not 1 <= part <= parts <= MOST:
        module.fail_json(msg=f"there is no part {part} of {parts}; restic knows {MOST} at most")

    def check(one: Kept) -> dict[str, Any]:
        began = time.monotonic()
        words = ("check", "--read-data-subset", f"{part}/{parts}")
        when_free(one.own, *words, patience=one.patience)
        return {"seconds": round(time.monotonic() - began, 3)}

    told = each(repositories_of(module), check)
    of = {"part": part, "parts": parts, "seconds": 0.0}
    end(module, "ictops_backup_check", [{**of, **one} for one in told])


if __name__ == "__main__":
    main()
