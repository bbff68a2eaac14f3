"""Which disks a PC has, from /sys, and which of them a job means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.job import DiskChoice
from ictops.imaging.wire.manifest import SECTOR
from ictops.imaging.wire.said import Disk

_NO_DISKS = ("loop", "ram", "zram", "dm-", "md", "sr", "fd", "nbd")
_TRANSPORTS = {"/usb": "usb", "/nvme": "nvme", "/ata": "sata", "/virtio": "virtio", "/mmc": "mmc"}
_SERIAL_PAGE = 4
"""Bytes before the serial number in a SCSI disk's page 80h (SPC-4, 7.8.16)."""


def disks(root: Path = Path("/")) -> Iterator[Disk]:
    """Give the disks of this PC.

    :param root: where its /sys is.
    """
    for folder in sorted((root / "sys/block").glob("*")):
        size = int(text(folder / "size") or 0) * SECTOR  # always of 512 bytes, whatever the disk's
        boot_part = folder.name.startswith("mmcblk") and "boot" in folder.name
        if folder.name.startswith(_NO_DISKS) or boot_part or not size:
            continue
        where = str(folder.resolve())
        transport = next((name for part, name in _TRANSPORTS.items() if part in where), "")
        yield Disk(
            path=f"/dev/{folder.name.replace('!', '/')}",
            serial=_serial(folder),
            model=" ".join((text(folder / "device/model") or text(folder / "device/name")).split()),
            size=size,
            transport=transport,
            rotational=text(folder / "queue/rotational") == "1",
            removable=text(folder / "removable") == "1" or transport == "usb",
        )


def choose(there: Sequence[Disk], choice: DiskChoice) -> Disk:
    """Give the one disk that a job means; never one that is removable.

    :raises JobFailed: ``disk-missing`` if there is none, or more than one.
    """
    able = [one for one in there if not one.removable]
    fit = [
        one
        for one in able
        if choice.serial in {None, one.serial} and choice.size in {None, one.size}
    ]
    if len(fit) == 1:
        return fit[0]
    meant = [f"serial {choice.serial}"] if choice.serial is not None else []
    meant += [f"{choice.size} bytes"] if choice.size is not None else []
    verb = "are" if len(fit) > 1 else "is"
    fits = f"{verb} {' and '.join(meant)}" if meant else "fit" if fit else "fits"
    has = "; ".join(f"{one.path} {one.model} serial {one.serial}, {one.size} bytes" for one in able)
    raise JobFailed(
        "disk-missing",
        f"{f'{len(fit)} disks' if fit else 'no disk'} {fits}; this PC has {has or 'none'}",
        do="Name the disk by its serial number" if fit else "Look whether the disk is connected",
    )


def _serial(folder: Path) -> str:
    for name in ("serial", "device/serial"):
        if found := text(folder / name):
            return found
    try:
        page = (folder / "device/vpd_pg80").read_bytes()
    except OSError:
        return ""
    return page[_SERIAL_PAGE:].decode("ascii", "replace").strip("\0 ")


def text(path: Path) -> str:
    """Read a small file of /sys; nothing if it is not there, or says nothing."""
    try:
        return path.read_bytes().decode("utf-8", "replace").strip("\0 \n")
    except OSError:
        return ""
