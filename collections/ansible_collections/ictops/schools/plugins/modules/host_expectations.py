#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of a Linux host is not as it is expected, and is for a person to put right."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.administrators import administrators
from ansible_collections.ictops.schools.plugins.module_utils.fingerprint import (
    first_lent,
    listening,
)

DOCUMENTATION = r"""
---
module: host_expectations
short_description: Compare a host's administrators and open ports with what is expected
description:
  - Changes nothing. In check mode it reports a change where something is not as it is expected,
    so that a drift check finds it; otherwise it warns.
options:
  administrators:
    description:
      - The users, and groups of a directory as C(%name), that may become root; root itself is
        always one. Not compared if it is left out.
    type: list
    elements: str
  open_ports:
    description:
      - Where something may listen for other hosts, as C(22/tcp). Not compared if it is left out.
    type: list
    elements: str
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Look whether anybody became an administrator
  ictops.schools.host_expectations:
    administrators: [technician]
  become: true
"""

RETURN = r"""
differs:
  description: What is not as it is expected, C(before) as it is and C(after) as it should be.
  returned: always
  type: list
"""


def of_administrators(expected: list[str], root: Path = Path("/")) -> list[dict]:
    """Give administrators that are too many, or missing."""
    there = administrators(root)
    found = [
        {"what": f"administrator {name}", "before": f"{name} ({', '.join(whys)})", "after": ""}
        for name, whys in there.items()
        if name not in {"root", *expected}
    ]
    return found + [
        {"what": f"administrator {name}", "before": "", "after": name}
        for name in sorted(set(expected) - there.keys())
    ]


def of_ports(expected: list[str], root: Path = Path("/")) -> list[dict]:
    """Give ports that are open to other hosts and should not be, or should be and are not."""
    there = {
        f"{port}/{table.rstrip('6')}"
        for table, port, address in listening(root, first_lent(root))
        if not is_own(table, address)
    }
    wanted = set(expected)
    found = [{"what": f"port {one}", "before": "open", "after": ""} for one in there - wanted]
    found += [{"what": f"port {one}", "before": "", "after": "open"} for one in wanted - there]
    return sorted(found, key=lambda one: one["what"])


def is_own(table: str, address: str) -> bool:
    """Tell whether only the host itself reaches an address, written as the kernel does."""
    if not table.endswith("6"):
        return address.endswith("7F")  # 127.0.0.0/8, the last byte first
    mapped = "0000000000000000FFFF0000"
    return address == "00000000000000000000000001000000" or (
        address.startswith(mapped) and address.endswith("7F")
    )


def main() -> None:
    """Look."""
    lists = {"type": "list", "elements": "str"}
    module = AnsibleModule(
        argument_spec={"administrators": lists, "open_ports": lists}, supports_check_mode=True
    )
    given = module.params
    differs: list[dict] = []
    if given["administrators"] is not None:
        differs += of_administrators(given["administrators"])
    if given["open_ports"] is not None:
        differs += of_ports(given["open_ports"])
    if not module.check_mode:
        for one in differs:
            module.warn(f"{one['what']}: it is {one['before'] or 'not there'}, which is for a "
                        "person to put right")  # fmt: skip
    module.exit_json(changed=module.check_mode and bool(differs), differs=differs)


if __name__ == "__main__":
    main()
