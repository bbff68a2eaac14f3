#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looking for damage in a backup server's repositories."""

from __future__ import annotations

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.server_check import check
from ansible_collections.ictops.schools.plugins.module_utils.server_locks import Locks
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import (
    SPEC,
    Kept,
    said_of_each,
)

DOCUMENTATION = r"""
---
module: backup_check
short_description: Look for damage in a backup server's repositories
description:
  - Runs on the server, as root. Looks at the structure of each repository, and reads a part of
    its data. Changes nothing.
extends_documentation_fragment: [ictops.schools.backup_repositories]
options:
  part:
    description: Which part of the data is read, from 1.
    type: int
    default: 1
  parts:
    description: In how many parts the data is read.
    type: int
    default: 1
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Read a seventh of what is kept
  ictops.schools.backup_check:
    repositories: [oakfield]
    part: 2
    parts: 7
  become: true
"""

RETURN = r"""
ictops_backup_check:
  description:
    - C(repositories) with, of each, C(repository), C(good), C(message) if there is damage,
      C(part), C(parts) and C(seconds).
  returned: always
  type: dict
"""


def main() -> None:
    """Look at each."""
    whole = {"type": "int", "default": 1}
    module = AnsibleModule(
        argument_spec={**SPEC, "part": whole, "parts": whole}, supports_check_mode=True
    )
    part, parts = module.params["part"], module.params["parts"]
    if not 1 <= part <= parts:
        module.fail_json(msg=f"there is no part {part} of {parts}")

    def look(one: Kept) -> dict:
        Locks(one.repository).remove_dead()  # or hosts wait for who was killed
        begun = time.monotonic()
        found = check(one, part, parts)
        took = round(time.monotonic() - begun, 1)
        return {"good": not found, "message": found, "seconds": took}

    said_of_each(module, "ictops_backup_check", look, beside={"part": part, "parts": parts})


if __name__ == "__main__":
    main()
