#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a Linux host is made of."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.hardware import hardware_of, uuid_of

DOCUMENTATION = r"""
---
module: hardware_survey
short_description: Say what a Linux host is made of
description:
  - Reads model, serial numbers, firmware and disks from the kernel, as root. Changes nothing.
  - In a run of ictops what it says is kept, and shown by C(ictops inventory hardware).
options:
  root:
    description: The root of the host's files.
    type: path
    default: /
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Look what the host is made of
  ictops.schools.hardware_survey:
  become: true
"""

RETURN = r"""
ictops_hardware:
  description: What it is made of (C(hardware)), and its SMBIOS UUID (C(uuid)).
  returned: always
  type: dict
"""


def main() -> None:
    """Look."""
    module = AnsibleModule(
        argument_spec={"root": {"type": "path", "default": "/"}}, supports_check_mode=True
    )
    root = Path(module.params["root"])
    found = {"hardware": hardware_of(root), "uuid": uuid_of(root)}
    model = found["hardware"]["model"]
    disks = len(found["hardware"]["disks"])
    module.exit_json(changed=False, ictops_hardware=found, msg=f"{model}, {disks} disks")


if __name__ == "__main__":
    main()
