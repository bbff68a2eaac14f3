#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a network's DHCP servers send to a PC that boots from the network."""

from __future__ import annotations

import os
import select
import socket
import struct
import time
import typing as t

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: imaging_dhcp_check
short_description: Look what a network's DHCP sends to PCs that boot from it
description:
  - Asks as a PC does (a DHCPDISCOVER with the options of RFC 4578), once for each kind of PC, and
    compares the offers with what PCs must be sent. No offer is taken, so no address is used.
  - Fails, in words for the one who looks after the DHCP server, if they are sent anything else.
  - Changes nothing; works in check mode.
options:
  interface:
    description: The interface that the question is sent on.
    type: str
    required: true
  next_server:
    description: The IPv4 address that PCs must be sent to.
    type: str
    required: true
  boot_files:
    description:
      - By client architecture, as a number, the boot file that PCs must be sent.
      - Without any, no DHCP server at all may answer.
    type: dict
    default: {}
  seconds:
    description: Seconds that offers are waited for; some servers take 3 to look for a free address.
    type: int
    default: 8
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Look what the school's DHCP sends
  ictops.schools.imaging_dhcp_check:
    interface: eth0
    next_server: 192.0.2.10
    boot_files:
      "0": grub.0
      "7": shimx64.efi
"""

RETURN = r"""
offers:
  description: By client architecture, what each DHCP server offered.
  returned: always
  type: dict
faults:
  description: What is wrong, a sentence each.
  returned: always
  type: list
  elements: str
"""

KINDS = {0: "BIOS", 6: "32-bit UEFI", 7: "UEFI", 9: "UEFI", 11: "ARM UEFI"}
"""IANA, Processor Architecture Types; most UEFI PCs say 7, some 9."""
COOKIE = b"\x63\x82\x53\x63"
BROADCAST = b"\xff" * 6
ETHERTYPE_IP = 0x0800
DISCOVER, OFFER = 1, 2
BOOT_REPLY = 2
UDP = 17
ETHERNET_AND_IP = 14 + 20
PAD, LAST = 0, 255
"""Options without a length."""
SECOND_SERVER_SECONDS = 1
"""After the first answer, so that a second server is heard, too."""
FIXED = 236
"""Bytes of a DHCP message before its cookie (RFC 2131)."""


def checksum(data: bytes) -> int:
    """Give the Internet checksum (RFC 1071)."""
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def discover(mac: bytes, transaction: bytes, architecture: int) -> bytes:
    """Give the Ethernet frame of a PC's first question."""
    vendor = f"PXEClient:Arch:{architecture:05d}:UNDI:003016".encode()
    options = {
        53: bytes([DISCOVER]),
        55: bytes([1, 3, 6, 43, 54, 60, 66, 67, 128, 129, 130, 131, 132, 133, 134, 135]),
        57: struct.pack("!H", 1472),
        60: vendor,
        93: struct.pack("!H", architecture),
        94: b"\x01\x03\x10",
        97: b"\0" + mac + os.urandom(10),
    }
    fixed = struct.pack("!BBBB4sHH16x16s192x", 1, 1, 6, 0, transaction, 0, 0x8000, mac)
    packed = b"".join(bytes([n, len(value)]) + value for n, value in options.items())
    message = fixed + COOKIE + packed + b"\xff"
    length = 8 + len(message)
    # No UDP checksum: RFC 768 lets IPv4 do without.
    udp = struct.pack("!HHHH", 68, 67, length, 0) + message
    head = struct.pack("!BBHHHBBH4x4s", 0x45, 0, 20 + length, 0, 0, 64, UDP, 0, b"\xff" * 4)
    head = head[:10] + struct.pack("!H", checksum(head)) + head[12:]
    return BROADCAST + mac + struct.pack("!H", ETHERTYPE_IP) + head + udp


def read_options(packed: bytes) -> dict[int, bytes]:
    """Read DHCP options; what is cut off ends them."""
    found: dict[int, bytes] = {}
    at = 0
    while at < len(packed) and packed[at] != LAST:
        if packed[at] == PAD:
            at += 1
            continue
        if at + 1 >= len(packed):
            break
        length = packed[at + 1]
        found[packed[at]] = found.get(packed[at], b"") + packed[at + 2 : at + 2 + length]
        at += 2 + length
    return found


def text(data: bytes) -> str:
    """Read a name that may end with a zero byte."""
    return data.split(b"\0")[0].decode("ascii", "replace")


def offer(frame: bytes, transaction: bytes) -> dict[str, str] | None:
    """Read an Ethernet frame; give what it offers to our question, or nothing if it is none."""
    if len(frame) < ETHERNET_AND_IP or frame[12:14] != struct.pack("!H", ETHERTYPE_IP):
        return None
    if frame[23] != UDP:
        return None
    start = 14 + (frame[14] & 15) * 4
    message = frame[start + 8 :]
    if frame[start + 2 : start + 4] != struct.pack("!H", 68) or len(message) < FIXED + 4:
        return None
    if message[0] != BOOT_REPLY or message[4:8] != transaction:
        return None
    if message[FIXED : FIXED + 4] != COOKIE:
        return None
    options = read_options(message[FIXED + 4 :])
    if options.get(53) != bytes([OFFER]):
        return None
    # RFC 2132, 9.3: the fields for names may hold options instead.
    overload = (options.get(52) or b"\0")[0]
    sname, file = message[44:108], message[108:236]
    for bit, field in ((1, file), (2, sname)):
        if overload & bit:
            options = {**read_options(field), **options}
    address = socket.inet_ntoa(message[20:24])
    return {
        "server": socket.inet_ntoa((options.get(54) or frame[26:30])[:4].ljust(4, b"\0")),
        "address": socket.inet_ntoa(message[16:20]),
        "next_server": "" if address == "0.0.0.0" else address,  # noqa: S104
        "server_name": text(options.get(66, b"") or (b"" if overload & 2 else sname)),
        "boot_file": text(options.get(67, b"") or (b"" if overload & 1 else file)),
    }


def ask(
    interface: str, architectures: list[int], seconds: float, *, all_seconds: bool
) -> dict[int, list[dict[str, str]]]:
    """Ask once as each kind of PC; give what all servers offer to each.

    :param all_seconds: wait for all of the time, also when each kind has been answered.
    :raises OSError: if the interface is not there or down.
    """
    # An address of our own making (the second bit says so): the host's own lease is not touched.
    # The same for all, so that a server which looks whether an address is free does so once.
    mac = bytes([0x02]) + os.urandom(5)
    asked = {os.urandom(4): number for number in architectures}
    offers: dict[int, dict[str, dict[str, str]]] = {number: {} for number in architectures}
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE_IP)) as link:
        link.bind((interface, ETHERTYPE_IP))
        for transaction, number in asked.items():
            link.send(discover(mac, transaction, number))
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0 and select.select([link], [], [], left)[0]:
            frame = link.recv(65535)
            for transaction, number in asked.items():
                found = offer(frame, transaction)
                if found:
                    offers[number][found["server"]] = found
                    if all(offers.values()) and not all_seconds:
                        ends = min(ends, time.monotonic() + SECOND_SERVER_SECONDS)
    return {number: list(found.values()) for number, found in offers.items()}


def faults_of(offers: list[dict[str, str]], next_server: str, boot_file: str) -> list[str]:
    """Tell what is wrong with the offers to a kind of PC."""
    if not offers:
        return ["no DHCP server answers"]
    faults = []
    for one in offers:
        said = []
        if next_server not in {one["next_server"], one["server_name"]}:
            said.append(f"next-server {one['next_server'] or one['server_name'] or 'none'}")
        if one["boot_file"] != boot_file:
            said.append(f"boot file {one['boot_file'] or 'none'}")
        if said:
            faults.append(f"the DHCP server {one['server']} sends {' and '.join(said)}")
    return faults


def look(parameters: dict[str, t.Any]) -> tuple[dict[int, list[dict[str, str]]], list[str]]:
    """Ask for every kind of PC; give the offers and what is wrong with them."""
    wanted = {int(number): file for number, file in parameters["boot_files"].items()}
    offers = ask(
        parameters["interface"],
        sorted(wanted) or [7],
        parameters["seconds"],
        all_seconds=not wanted,
    )
    if not wanted:
        return offers, [
            f"the DHCP server {one['server']} answers here; two cannot serve one network: "
            "take it away, or let this one work beside it"
            for one in offers[7]
        ]
    next_server = parameters["next_server"]
    told: dict[str, list[str]] = {}
    for number, file in sorted(wanted.items()):
        for fault in faults_of(offers[number], next_server, file):
            told.setdefault(fault, []).append(f"{KINDS.get(number, 'other')} ({number})")
    return offers, [f"to PCs with {', '.join(kinds)}: {fault}" for fault, kinds in told.items()]


def advice(next_server: str, boot_files: dict[str, str]) -> str:
    """Tell what a DHCP server must send."""
    numbers: dict[str, list[str]] = {}
    for number, file in sorted(boot_files.items(), key=lambda one: int(one[0])):
        numbers.setdefault(file, []).append(number)
    files = ", ".join(f"{file} to {' and '.join(n)}" for file, n in numbers.items())
    return (
        f"The DHCP server must send next-server (siaddr; option 66) {next_server}, and as boot "
        f"file (option 67), by the client architecture that a PC says (option 93): {files}"
    )


def main() -> None:
    """Ask, and fail with all that is wrong at once."""
    module = AnsibleModule(
        argument_spec={
            "interface": {"type": "str", "required": True},
            "next_server": {"type": "str", "required": True},
            "boot_files": {"type": "dict", "default": {}},
            "seconds": {"type": "int", "default": 8},
        },
        supports_check_mode=True,
    )
    interface = module.params["interface"]
    try:
        found, faults = look(module.params)
    except OSError as error:
        module.fail_json(msg=f"cannot ask on the interface {interface}: {error.strerror}")
    except ValueError as error:
        module.fail_json(msg=f"boot_files: {error}")
    offers = {str(number): one for number, one in found.items()}  # as JSON has names
    if faults:
        must = [advice(module.params["next_server"], module.params["boot_files"])]
        told = ". ".join(faults + (must if module.params["boot_files"] else []))
        module.fail_json(msg=told, offers=offers, faults=faults)
    module.exit_json(changed=False, offers=offers, faults=[])


if __name__ == "__main__":
    main()
