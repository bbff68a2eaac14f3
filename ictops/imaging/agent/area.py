"""What is ours on a disk, behind the image: a partition to start the agent from, and the cache.

At the disk's end lie, in this order: a gap with GRUB for BIOS PCs, a small FAT partition that a
firmware boots, and an ext4 partition that keeps pieces. No image ever writes there, and what makes
a half-written disk unable to boot leaves it alone: so a PC whose power went while it was healed
starts its agent from there again.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.layout import EFI_SYSTEM
from ictops.imaging.agent.mount import attached, run
from ictops.imaging.agent.table import ALIGNED, TABLE, Entry, Table

CACHE_TYPE = "1c709501-7ac5-4e0f-9d55-0b1c709501ca"
"""Our own: nobody else looks into it, or takes it for a place to install to."""
BOOT_NAME, CACHE_NAME = "ictops-boot", "ictops-cache"
BOOT_BYTES = 128 * 2**20
"""Two of the agent's Linux: the new one is whole before the old one goes."""
GAP = 2**20
"""Bytes before the boot partition, for GRUB's image for BIOS PCs."""
_FILES = "8192"
"""How many the cache can have: packs are large, and few."""
_BOOT_NUMBER, _CACHE_NUMBER = 127, 128
"""The last that a GPT has (UEFI 2.10, 5.3.2): no image has so many partitions."""


@dataclass(frozen=True, slots=True)
class Area:
    """Our two partitions."""

    boot: Entry
    cache: Entry

    @property
    def start(self) -> int:
        """Where the image's partitions must end."""
        return self.boot.start - GAP

    @property
    def entries(self) -> tuple[Entry, Entry]:
        return (self.boot, self.cache)


def there_is(table: Table) -> Area | None:
    """Give our partitions as a disk's table has them; None if it has none, or not both."""
    caches = [one for one in table.entries if one.type == CACHE_TYPE]
    boots = [one for one in table.entries if (one.type, one.name) == (EFI_SYSTEM, BOOT_NAME)]
    if len(caches) != 1 or len(boots) != 1:
        return None
    boot, cache = boots[0], caches[0]
    apart = boot.start + boot.size <= cache.start and boot.start >= TABLE + GAP
    return Area(boot, cache) if apart else None


def area_for(disk_size: int, cache: int) -> Area:
    """Give where our partitions go on a disk, with a cache of so many bytes.

    :raises JobFailed: ``disk-small``.
    """
    size = -(-cache // ALIGNED) * ALIGNED
    start = (disk_size - TABLE) // ALIGNED * ALIGNED - size
    if start - BOOT_BYTES - GAP < TABLE:
        raise JobFailed(
            "disk-small",
            f"a cache of {cache} bytes does not fit on a disk of {disk_size}",
            do="Set workstation_image_cache lower",
        )
    boot = Entry(
        _BOOT_NUMBER, start - BOOT_BYTES, BOOT_BYTES, EFI_SYSTEM, str(uuid.uuid4()), BOOT_NAME, ""
    )
    return Area(
        boot, Entry(_CACHE_NUMBER, start, size, CACHE_TYPE, str(uuid.uuid4()), CACHE_NAME, "")
    )


def same_places(one: Area, other: Area) -> bool:
    """Say whether two areas are the same but for the names that chance gave them."""
    pairs = zip(one.entries, other.entries, strict=True)
    return all((a.number, a.start, a.size) == (b.number, b.start, b.size) for a, b in pairs)


def make_file_systems(disk: Disk, area: Area) -> None:
    """Make both partitions empty.

    :raises JobFailed: ``agent``, with what the program said.
    """
    with attached(disk, area.boot) as device:
        # Clusters of 1 KiB: GRUB's environment block is one of them.
        run("mkfs.fat", "-F", "32", "-s", "2", "-n", "ICTOPSBOOT", str(device))
    make_cache(disk, area)


def make_cache(disk: Disk, area: Area) -> None:
    """Make the cache empty; how the PC starts its agent is left as it is."""
    with attached(disk, area.cache) as device:
        # Large files, and few of them; all of it is ours: nothing is kept for root.
        words = ["-q", "-F", "-t", "ext4", "-N", _FILES, "-m", "0", "-L", CACHE_NAME]
        run("mke2fs", *words, str(device))
