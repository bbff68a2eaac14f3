"""What a PC is: its name plate, memory, firmware and network cards, from /sys and /proc."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from ictops.imaging.agent.disks import disks, text
from ictops.imaging.wire.said import Hardware
from ictops.imaging.wire.words import GUID, MAC

_ETHERNET = "1"
"""ARPHRD_ETHER of linux/if_arp.h."""
_SECURE_BOOT = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


def hardware(root: Path = Path("/")) -> Hardware:
    """Give what this PC is.

    :param root: where its /sys and /proc are.
    """
    plate = root / "sys/class/dmi/id"
    firmware: Literal["uefi", "bios"] = "uefi" if (root / "sys/firmware/efi").is_dir() else "bios"
    return Hardware(
        vendor=text(plate / "sys_vendor"),
        model=text(plate / "product_name"),
        serial=text(plate / "product_serial"),
        firmware=firmware,
        secure_boot=_secure_boot(root),
        memory=memory("MemTotal", root),
        disks=tuple(disks(root)),
        macs=tuple(_macs(root)),
    )


def uuid(mac: str, root: Path = Path("/")) -> str:
    """Give the PC's SMBIOS UUID; where its maker gave it none, one made of its MAC."""
    found = text(root / "sys/class/dmi/id/product_uuid").lower()
    if GUID.fullmatch(found) and set(found) - set("0f-"):
        return found
    return f"00000000-0000-0000-0000-{mac.replace(':', '')}"


def memory(what: Literal["MemTotal", "MemAvailable"], root: Path = Path("/")) -> int:
    """Give an amount of memory, in bytes."""
    for line in text(root / "proc/meminfo").splitlines():
        name, _, value = line.partition(":")
        if name == what:
            return int(value.split()[0]) * 1024
    return 0


def _secure_boot(root: Path) -> bool:
    try:
        # Four bytes of attributes, then the value (UEFI 2.10, 3.3).
        return (root / _SECURE_BOOT).read_bytes()[4:5] == b"\1"
    except OSError:
        return False


def _macs(root: Path) -> list[str]:
    cards = sorted((root / "sys/class/net").glob("*"))
    real = [one for one in cards if (one / "device").exists() and text(one / "type") == _ETHERNET]
    return [mac for one in real if MAC.fullmatch(mac := text(one / "address").lower())]
