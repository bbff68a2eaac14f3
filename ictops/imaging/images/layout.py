"""What is on a disk: its partition table, its file systems, and what makes it boot."""

from __future__ import annotations

import json
import re
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ictops.errors import ImageError
from ictops.imaging.agent import grub
from ictops.imaging.agent.area import BOOT_NAME, CACHE_TYPE
from ictops.imaging.agent.layout import BIOS_BOOT, EFI_SYSTEM
from ictops.imaging.agent.table import ATTRIBUTES
from ictops.imaging.agent.tools import ToolFailed
from ictops.imaging.agent.used import EMPTY, filesystem_at
from ictops.imaging.images.tools import attempt, run
from ictops.imaging.wire.manifest import (
    BOOT_CODE_BYTES,
    SECTOR,
    BootEntry,
    Content,
    Filesystem,
    Firmware,
    Partition,
)

LINUX = "0fc63daf-8483-4772-8e79-3d69d8477de4"
_BITS = {name: bit for bit, name in ATTRIBUTES.items()}
_GROWS = {"ext4", "btrfs", "ntfs"}
_RECOVERY = "de94bba4-06d1-4d40-a16a-bfd50179d6ac"
"""Windows' recovery tools: nobody keeps anything there."""
LOADERS = (
    ("Debian", r"\EFI\debian\shimx64.efi"),
    ("Ubuntu", r"\EFI\ubuntu\shimx64.efi"),
    ("Windows Boot Manager", r"\EFI\Microsoft\Boot\bootmgfw.efi"),
    ("Linux", r"\EFI\BOOT\BOOTX64.EFI"),
)
"""What the firmware can be told to boot, the first that is there."""
WINDOWS = "Windows Boot Manager"
MIB = 2**20


@dataclass(frozen=True, slots=True)
class Layout:
    """What is on a disk. Bytes."""

    disk_guid: str
    partitions: tuple[Partition, ...]
    firmware: tuple[Firmware, ...]
    boot_entry: BootEntry | None
    boot_code: bytes
    """For BIOS PCs; or nothing."""
    smallest_disk: int
    devices: dict[int, Path] = field(default_factory=dict)
    """The devices of partitions by number, where the disk is one."""

    @property
    def windows(self) -> bool:
        return self.boot_entry is not None and self.boot_entry.label == WINDOWS


def read_layout(disk: Path) -> Layout:
    """Read what is on a disk.

    :param disk: a block device, or a file with a disk's bytes.
    :raises ImageError: if it has no GPT, or nothing that a PC could boot.
    """
    table = _table(disk)
    if table["label"] != "gpt":
        raise ImageError(
            f"its partition table is of kind {table['label']}, not GPT",
            where=str(disk),
            do="Convert it first (Windows: mbr2gpt; Linux: gdisk)",
        )
    unit = int(table.get("sectorsize", SECTOR))
    entries = sorted(table.get("partitions", []), key=lambda one: int(one["start"]))
    # A PC's cache is its own, and what starts the agent from its disk.
    ours = [one for one in entries if _is_ours(one)]
    entries = [one for one in entries if one not in ours]
    if not entries:
        raise ImageError("it has no partition", where=str(disk))
    last = entries[-1]
    found = tuple(_partition(disk, one, unit, last=one is last) for one in entries)
    nodes = {one.number: Path(entry["node"]) for one, entry in zip(found, entries, strict=True)}
    end = found[-1].end + 33 * unit  # the second partition table is behind the last partition
    boots_bios = any(one.type == BIOS_BOOT for one in found)
    code = _first(disk, BOOT_CODE_BYTES) if boots_bios else b""
    if ours and code and grub.goes_on_at(code) * unit >= found[-1].end:
        raise ImageError(
            "its boot code starts ictops' agent, not its system: it is a BIOS PC with a cache",
            where=str(disk),
            do="Take a PC without a cache",
        )
    entry = next((_boot_entry(disk, one) for one in found if one.type == EFI_SYSTEM), None)
    firmware: list[Firmware] = ["uefi"] if entry else []
    if boots_bios:
        firmware.append("bios")
    if not firmware:
        raise ImageError(
            "nothing on it boots: no EFI loader and no BIOS boot partition", where=str(disk)
        )
    return Layout(
        disk_guid=table["id"].lower(),
        partitions=found,
        firmware=tuple(firmware),
        boot_entry=entry,
        boot_code=code,
        smallest_disk=-(-end // MIB) * MIB,
        devices={number: node for number, node in nodes.items() if is_device(node)},
    )


def is_device(path: Path) -> bool:
    """Tell whether it is a block device."""
    return path.exists() and stat.S_ISBLK(path.stat().st_mode)


def _table(disk: Path) -> dict[str, Any]:
    if not disk.exists():
        raise ImageError("there is no such disk or file", where=str(disk))
    try:
        table: dict[str, Any] = json.loads(run("sfdisk", "--json", disk))["partitiontable"]
    except (ImageError, ValueError, KeyError) as error:
        raise ImageError("it has no partition table", where=str(disk)) from error
    return table


def _partition(disk: Path, entry: dict[str, Any], unit: int, *, last: bool) -> Partition:
    number = re.search(r"(\d+)$", entry["node"])
    if number is None:
        raise ImageError(f"{entry['node']} has no number", where=str(disk))
    start, size, type_ = (
        int(entry["start"]) * unit,
        int(entry["size"]) * unit,
        entry["type"].lower(),
    )
    filesystem: Filesystem = "none" if type_ in EMPTY else _filesystem(disk, start, size)
    content: Content = "empty" if type_ in EMPTY else "blocks"
    return Partition(
        number=int(number[1]),
        guid=entry["uuid"].lower(),
        type=type_,
        # From a stranger's disk, and to be written by the agent's sfdisk: a plain word.
        name=re.sub(r"[^A-Za-z0-9 ._+-]", "_", entry.get("name", ""))[:36],
        start=start,
        size=size,
        filesystem=filesystem,
        content=content,
        attributes=_attributes(entry.get("attrs", "")),
        grow=last and filesystem in _GROWS and type_ != _RECOVERY,
    )


def _is_ours(entry: dict[str, Any]) -> bool:
    type_, name = entry["type"].lower(), entry.get("name", "")
    return type_ == CACHE_TYPE or (type_, name) == (EFI_SYSTEM, BOOT_NAME)


def _attributes(words: str) -> int:
    bits = 0
    for word in words.split():
        name, _, numbers = word.partition(":")
        for number in numbers.split(",") if numbers else [str(_BITS.get(name, -1))]:
            if int(number) < 0:
                raise ImageError(f"a partition has an attribute that is not known: {word}")
            bits |= 1 << int(number)
    return bits


def _filesystem(disk: Path, start: int, size: int) -> Filesystem:
    try:
        return filesystem_at(disk, start, size)
    except ToolFailed as error:
        raise ImageError(str(error), where=str(disk)) from error


def _boot_entry(disk: Path, esp: Partition) -> BootEntry | None:
    for label, loader in LOADERS:
        path = loader.replace("\\", "/")
        if attempt("mdir", "-b", "-i", f"{disk}@@{esp.start}", f"::{path}").returncode == 0:
            return BootEntry(label, esp.number, loader)
    return None


def _first(disk: Path, size: int) -> bytes:
    with disk.open("rb") as file:
        return file.read(size)
