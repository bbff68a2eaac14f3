"""Places of a disk that are read before and after it is erased.

The disk is parted into as many sections as places are wanted, and one place is taken at random
from each: chance alone may leave a tenth of a disk out. A place that holds data is worth more
than an empty one, so a few are looked at in each section. The first and the last MiB, where
partition tables are, always count.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.words import digest_of

PLACE = 64 << 10
"""Bytes of a place."""
EDGE = 1 << 20
"""Bytes of the first and of the last one."""
ALIGNED = 4096
TRIES = 8
"""Places of a section that are looked at for one that holds data."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place of a disk as it was before.

    :ivar digest: of what it held; None where it could not be read.
    """

    offset: int
    length: int
    digest: bytes | None
    blank: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """What places are after the disk was erased.

    :ivar verified: how many hold nothing, or other than before where that is enough.
    :ivar changed: how many of these held data before.
    :ivar fault: what is wrong, or nothing.
    """

    verified: int
    changed: int
    fault: str = ""


def remember(path: Path, count: int, random: Random) -> tuple[int, tuple[Place, ...]]:
    """Give a disk's size in bytes, and the places that will be read again.

    :raises JobFailed: if the disk cannot be opened, or has no bytes as dead ones often say; a
        place that cannot be read is no fault yet.
    """
    disk = Disk(path)
    try:
        if not disk.size:
            raise JobFailed("disk-failing", "the disk says that it is empty", where=str(path))
        edge = min(EDGE, disk.size)
        places = [_look(disk, 0, edge), _look(disk, disk.size - edge, edge)]
        count = max(1, min(count, disk.size // PLACE))
        section = disk.size // count
        for start in range(0, section * count, section):
            for _ in range(TRIES):
                room = max(0, section - PLACE) // ALIGNED
                offset = start + ALIGNED * random.randint(0, room)
                place = _look(disk, offset, min(PLACE, disk.size - offset))
                if not place.blank:
                    break
            places.append(place)
        return disk.size, tuple(places)
    finally:
        disk.close()


def compare(path: Path, places: tuple[Place, ...], *, blank: bool) -> Compared:
    """Read places again, from the disk itself.

    :param blank: whether they must hold nothing; else they must hold other than before.
    :raises JobFailed: if the disk cannot be opened.
    """
    disk = Disk(path)
    verified = changed = 0
    wrong: list[str] = []
    try:
        disk.forget()
        for before in places:
            after = _look(disk, before.offset, before.length)
            if after.digest is None:
                wrong.append(f"the place at byte {before.offset} cannot be read")
            elif after.blank or (not blank and before.digest not in {None, after.digest}):
                verified += 1
                changed += before.digest is not None and not before.blank
            elif blank or before.digest == after.digest:
                wrong.append(f"the place at byte {before.offset} still holds data")
            else:
                wrong.append(f"nobody knows what the place at byte {before.offset} held before")
    finally:
        disk.close()
    if not wrong:
        return Compared(verified, changed)
    fault = f"{len(wrong)} of {len(places)} places are not as they must be: {wrong[0]}"
    return Compared(verified, changed, fault)


def _look(disk: Disk, offset: int, length: int) -> Place:
    data = bytearray(length)
    try:
        disk.read(offset, data)
    except JobFailed:
        return Place(offset, length, None, blank=False)
    # Erased flash reads as zeros or as ones.
    blank = data.count(0) == length or data.count(0xFF) == length
    return Place(offset, length, digest_of(data), blank)
