#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wake-on-LAN from a machine that is in the PC's own network."""

from __future__ import annotations

import re
import socket

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: imaging_wake
short_description: Send wake-on-LAN from a machine in the PC's own network
description:
  - Sends the magic packet (AMD's white paper 20213) to each broadcast address. Nothing answers
    it; a PC that is on takes no notice.
options:
  mac:
    description: The MAC of the PC's network card.
    type: str
    required: true
  broadcasts:
    description: Where to.
    type: list
    elements: str
    default: [255.255.255.255]
  interface:
    description:
      - Send from this interface, such as that of the imaging VLAN; else from that of the route to
        each address, which to everybody is the default route.
    type: str
    default: ""
  port:
    description: The UDP port; a network card looks for the packet whatever it is sent to.
    type: int
    default: 9
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Wake the PC
  ictops.schools.imaging_wake:
    mac: "{{ host_mac }}"
    interface: eth1
  delegate_to: boot-server
  become: true
"""

RETURN = r"""
msg:
  description: What was sent.
  returned: always
  type: str
"""

TIMES = 3
"""A packet may be lost."""


def magic_packet(mac: str) -> bytes:
    """Give what wakes the card with this MAC.

    :raises ValueError: if it is none.
    """
    number = bytes.fromhex(re.sub(r"[:.-]", "", mac))
    if len(number) != 6:  # noqa: PLR2004
        raise ValueError(f"{mac} is no MAC")
    return b"\xff" * 6 + number * 16


def send(packet: bytes, address: str, port: int, interface: str) -> None:
    """Send a packet to everybody in a network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        if interface:
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode() + b"\0")
        for _ in range(TIMES):
            sender.sendto(packet, (address, port))


def main() -> None:
    """Send what wakes the PC."""
    module = AnsibleModule(
        argument_spec={
            "mac": {"type": "str", "required": True},
            "broadcasts": {"type": "list", "elements": "str", "default": ["255.255.255.255"]},
            "interface": {"type": "str", "default": ""},
            "port": {"type": "int", "default": 9},
        },
        supports_check_mode=True,
    )
    asked = module.params
    try:
        packet = magic_packet(asked["mac"])
        for address in [] if module.check_mode else asked["broadcasts"]:
            send(packet, address, asked["port"], asked["interface"])
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"wake-on-LAN cannot be sent: {error}")
    module.exit_json(changed=False, msg=f"wake-on-LAN to {asked['mac']}")


if __name__ == "__main__":
    main()
