"""The disk's partition table: what it has, and what an image wants, by sfdisk(8)."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.manifest import SECTOR, Manifest, Partition

ALIGNED = 2**20
"""Bytes: where a partition that fills the disk ends."""
TABLE = 34 * SECTOR
"""Bytes of a GPT at the disk's begin; it has a copy at the end (UEFI 2.10, 5.3)."""
ATTRIBUTES = {0: "RequiredPartition", 1: "NoBlockIOProtocol", 2: "LegacyBIOSBootable"}
"""Bits of a GPT entry (UEFI 2.10, table 5.8), and the names that sfdisk has for them."""
_OWN = range(48, 64)


@dataclass(frozen=True, slots=True)
class Entry:
    """A partition as the table has it; positions are bytes."""

    number: int
    start: int
    size: int
    type: str
    guid: str
    name: str
    attributes: str


@dataclass(frozen=True, slots=True)
class Table:
    """A partition table."""

    label: str
    """``gpt``, ``dos``, …; or nothing."""
    guid: str
    entries: tuple[Entry, ...]


def wanted(
    manifest: Manifest, disk_size: int, kept: tuple[Entry, ...] = (), kept_start: int = 0
) -> Table:
    """Give the table for a disk of this size; a partition that is to grow fills it.

    :param kept: entries behind the image's; its last partition ends before ``kept_start``.
    :raises JobFailed: ``disk-small``; ``image-damaged`` if no table can hold it.
    """
    reserve = disk_size - TABLE - kept_start if kept else 0
    end = (disk_size - TABLE - reserve) // ALIGNED * ALIGNED
    last = max(one.end for one in manifest.partitions)
    if disk_size < manifest.smallest_disk or disk_size - TABLE - reserve < last:
        raise JobFailed(
            "disk-small",
            f"the disk has {disk_size} bytes, and the image needs"
            f" {max(manifest.smallest_disk, last + TABLE + reserve)}",
            do="Choose a smaller image, or a larger disk",
        )
    if manifest.partitions[0].start < TABLE:
        raise JobFailed("image-damaged", "its first partition lies in the partition table")
    entries = []
    for one in manifest.partitions:
        if '"' in one.name or "\\" in one.name or not one.name.isprintable():
            raise JobFailed("image-damaged", f"{one.name!r} cannot be a partition's name")
        size = max(one.size, end - one.start) if one.grow else one.size
        attributes = _attributes(one)
        entries.append(Entry(one.number, one.start, size, one.type, one.guid, one.name, attributes))
    taken = {one.number for one in entries} | {one.guid for one in entries}
    if any(one.number in taken or one.guid in taken for one in kept):
        raise JobFailed("image-damaged", "it has a partition that is the cache's")
    return Table("gpt", manifest.disk_guid, (*entries, *kept))


def found(path: Path) -> Table:
    """Give the table that a disk has; an empty one if it has none that can be read."""
    command = ["sfdisk", "--json", str(path)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        return Table("", "", ())
    data: dict[str, Any] = json.loads(done.stdout)["partitiontable"]
    sector = data.get("sectorsize", SECTOR)
    return Table(
        data["label"],
        data.get("id", "").lower(),
        tuple(
            Entry(
                int(one["node"].removeprefix(data["device"]).lstrip("p")),
                one["start"] * sector,
                one["size"] * sector,
                one["type"].lower(),
                one.get("uuid", "").lower(),
                one.get("name", ""),
                one.get("attrs", ""),
            )
            for one in data.get("partitions", [])
        ),
    )


def write(disk: Disk, table: Table) -> None:
    """Write a partition table, and see that it is there.

    :raises JobFailed: ``disk-failing``.
    """
    lines = [
        "label: gpt",
        f"label-id: {table.guid}",
        "unit: sectors",
        f"first-lba: {TABLE // SECTOR}",
    ]
    for one in table.entries:
        line = f"{one.number} : start={one.start // SECTOR}, size={one.size // SECTOR}"
        line += f", type={one.type}, uuid={one.guid}"
        line += f', name="{one.name}"' if one.name else ""
        lines.append(line + (f', attrs="{one.attributes}"' if one.attributes else ""))
    # The kernel need not know: nothing here goes through its partitions.
    quiet = [
        "--quiet",
        "--no-reread",
        "--no-tell-kernel",
        "--wipe=never",
        "--wipe-partitions=never",
    ]
    done = subprocess.run(
        ["sfdisk", *quiet, str(disk.path)],
        input="\n".join(lines).encode(),
        capture_output=True,
        check=False,
    )
    disk.forget()
    if done.returncode or found(disk.path) != table:
        why = done.stderr.decode(errors="replace").strip().splitlines()
        raise JobFailed(
            "disk-failing",
            f"the partition table cannot be written: {why[-1] if why else 'it reads otherwise'}",
            where=str(disk.path),
        )


def _attributes(partition: Partition) -> str:
    """Write the 64 bits of a GPT entry as sfdisk has them."""
    bits = [bit for bit in range(64) if partition.attributes >> bit & 1]
    if wrong := [bit for bit in bits if bit not in ATTRIBUTES and bit not in _OWN]:
        raise JobFailed("image-damaged", f"a partition has the reserved attribute {wrong[0]}")
    words = [ATTRIBUTES[bit] for bit in bits if bit in ATTRIBUTES]
    own = ",".join(str(bit) for bit in bits if bit in _OWN)
    return " ".join([*words, f"GUID:{own}"] if own else words)
