#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The next boot goes to the network, and it comes at once."""

from __future__ import annotations

import subprocess
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils import efi

DOCUMENTATION = r"""
---
module: network_boot
short_description: Boot a Linux PC from the network, once and at once
description:
  - Tells the firmware of a UEFI PC to boot from the network the next time (C(BootNext)), and
    reboots. Where the firmware names no network entry, and on a BIOS PC, the PC boots in its own
    order; the message says so.
options:
  mac:
    description: The MAC of the network card to boot by.
    type: str
    required: true
  efivars:
    description: Where the kernel shows the firmware's variables.
    type: path
    default: /sys/firmware/efi/efivars
  reboot:
    description: The command that reboots, as a list of words.
    type: list
    elements: str
    default: [systemctl, reboot]
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Boot from the network
  ictops.schools.network_boot:
    mac: "{{ host_mac }}"
  become: true
"""

RETURN = r"""
entry:
  description: The firmware's entry that is booted next; nothing where there is none.
  returned: always
  type: str
msg:
  description: What is booted next, for a person.
  returned: always
  type: str
"""

SECONDS = 2
"""Until it reboots: the answer must get away first."""


def choose(folder: Path, mac: str, *, write: bool) -> tuple[str, str]:
    """Have the firmware boot from the network; give the entry, and words for a person."""
    if not folder.is_dir():
        return "", "a BIOS PC: it boots in its own order, and the network must come first in it"
    entry = efi.network_entry(folder, mac)
    if entry is None:
        return "", "its firmware has no network entry: the network must come first in its order"
    if write:
        efi.boot_next(folder, entry.number)
    return entry.description, f"the next boot is {entry.description!r}"


def main() -> None:
    """Choose the next boot, and begin it."""
    module = AnsibleModule(
        argument_spec={
            "mac": {"type": "str", "required": True},
            "efivars": {"type": "path", "default": efi.FOLDER},
            "reboot": {"type": "list", "elements": "str", "default": ["systemctl", "reboot"]},
        },
        supports_check_mode=True,
    )
    asked = module.params
    write = not module.check_mode
    try:
        entry, said = choose(Path(asked["efivars"]), asked["mac"], write=write)
        if write:
            subprocess.Popen(
                ["/bin/sh", "-c", f'sleep {SECONDS}; exec "$@"', "reboot", *asked["reboot"]],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                start_new_session=True,
            )  # fmt: skip
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"the next boot cannot be chosen: {error}")
    module.exit_json(changed=True, entry=entry, msg=said)


if __name__ == "__main__":
    main()
