# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a Linux host is made of, as the kernel tells it.

What is given has the fields of ictops' ``imaging.wire.said.Hardware``.
"""

from __future__ import annotations

import re
from pathlib import Path

EFI_GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
NO_DISKS = re.compile(r"(loop|ram|zram|dm-|md|sr|fd|nbd|drbd)")
"""Block devices that are no disks of the host's own."""
SECTOR = 512
"""Bytes of what /sys counts sizes in, whatever the disk's own sectors are (block/stat)."""
NOTHING = re.compile(
    r"(to be filled.*|default string|system (manufacturer|.*(name|number))|not specified|none|0+)",
    re.IGNORECASE,
)
"""What makers leave in DMI where they wrote nothing."""


def hardware_of(root: Path) -> dict:
    """Give what the host at ``root`` is made of."""
    dmi = root / "sys/class/dmi/id"
    efi = root / "sys/firmware/efi"
    secure = _bytes(efi / f"efivars/SecureBoot-{EFI_GLOBAL}")
    return {
        "vendor": _dmi(dmi / "sys_vendor"),
        "model": _dmi(dmi / "product_name"),
        "serial": _dmi(dmi / "product_serial"),
        "firmware": "uefi" if efi.is_dir() else "bios",
        "secure_boot": secure[-1:] == b"\1",
        "memory": _memory(root),
        "disks": disks_of(root),
        "macs": _macs(root),
    }


def uuid_of(root: Path) -> str:
    """Give the SMBIOS UUID, or nothing."""
    found = _text(root / "sys/class/dmi/id/product_uuid").lower()
    return found if re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", found) else ""


def disks_of(root: Path) -> list:
    """Give the disks, by their kernel's names."""
    block = root / "sys/block"
    names = sorted(path.name for path in block.iterdir()) if block.is_dir() else []
    found = [_disk(block / name) for name in names if not NO_DISKS.match(name)]
    return [disk for disk in found if disk["size"] > 0]


def _disk(folder: Path) -> dict:
    sectors = _text(folder / "size")
    return {
        "path": f"/dev/{folder.name}",
        "serial": _serial(folder),
        "model": _text(folder / "device/model"),
        "size": int(sectors) * SECTOR if sectors.isdecimal() else 0,
        "transport": _transport(folder),
        "rotational": _text(folder / "queue/rotational") == "1",
        "removable": _text(folder / "removable") == "1",
    }


def _serial(folder: Path) -> str:
    for name in ("device/serial", "serial"):
        if found := _text(folder / name):
            return found
    # SCSI Primary Commands (SPC-5), unit serial number page: four bytes before the text.
    return _clean(_bytes(folder / "device/vpd_pg80")[4:])


def _transport(folder: Path) -> str:
    if folder.name.startswith("nvme"):
        return "nvme"
    if folder.name.startswith("mmcblk"):
        return "mmc"
    parts = folder.resolve().parts
    for name in ("usb", "ata", "virtio"):
        if any(re.fullmatch(rf"{name}[0-9]+", part) for part in parts):
            return "sata" if name == "ata" else name
    return ""


def _macs(root: Path) -> list:
    net = root / "sys/class/net"
    cards = sorted(net.iterdir()) if net.is_dir() else []
    return [
        mac for card in cards if (card / "device").exists() and (mac := _text(card / "address"))
    ]


def _memory(root: Path) -> int:
    found = re.search(r"^MemTotal: *([0-9]+) kB", _text(root / "proc/meminfo"), re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


def _dmi(path: Path) -> str:
    found = _text(path)
    return "" if NOTHING.fullmatch(found) else found


def _text(path: Path) -> str:
    return _clean(_bytes(path))


def _clean(data: bytes) -> str:
    return data.decode(errors="replace").replace("\0", "").strip()


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # a kernel without it, or a device that has none
        return b""
