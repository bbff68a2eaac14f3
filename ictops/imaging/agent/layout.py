"""Where on the disk an image's chunks go, and which blocks wait until the end."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ictops.imaging.agent.disk import Disk, Part
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.index import ImageIndex
from ictops.imaging.wire.manifest import BOOT_CODE_BYTES, SECTOR, Manifest, Partition

BLOCK = 4096
EFI_SYSTEM = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
BIOS_BOOT = "21686148-6449-6e6f-744e-656564454649"
_BTRFS_SUPERBLOCK = 64 * 1024


@dataclass(frozen=True, slots=True)
class Spot:
    """A place for a chunk, in bytes from the disk's first."""

    offset: int
    length: int
    chunk: int

    @property
    def end(self) -> int:
        return self.offset + self.length


def spots_of(manifest: Manifest, index: ImageIndex) -> list[Spot]:
    """Give all places that are written block by block, in the disk's order.

    :raises JobFailed: ``image-damaged`` if one lies outside of its partition.
    """
    partitions = {one.number: one for one in manifest.partitions}
    spots = []
    for place in index.places:
        partition = partitions.get(place.partition)
        length = index.chunks[place.chunk].length
        if partition is None:
            raise JobFailed("image-damaged", f"there is no partition {place.partition}")
        if partition.content != "blocks":
            continue
        if place.offset + length > partition.size:
            raise JobFailed("image-damaged", f"partition {partition.number} is too small for it")
        spots.append(Spot(partition.start + place.offset, length, place.chunk))
    spots.sort(key=lambda one: one.offset)
    return spots


def boots(partition: Partition) -> bool:
    """Say whether a firmware would look into it for something to boot."""
    return partition.type in {EFI_SYSTEM, BIOS_BOOT}


def first_blocks(start: int, size: int) -> list[tuple[int, int]]:
    """Give from where to where a partition has what makes it a file system.

    Both the first block and Btrfs' superblock, whatever the file system: of what was there
    before, nobody knows which it was.
    """
    found = [(start, start + min(BLOCK, size))]
    if size >= _BTRFS_SUPERBLOCK + BLOCK:
        found.append((start + _BTRFS_SUPERBLOCK, start + _BTRFS_SUPERBLOCK + BLOCK))
    return found


def overlap(ranges: Sequence[tuple[int, int]], start: int, end: int) -> bool:
    """Say whether something lies in ranges that are sorted and apart from each other."""
    at = bisect_right(ranges, (start, end))
    return bool((at < len(ranges) and ranges[at][0] < end) or (at and ranges[at - 1][1] > start))


class Held:
    """What is written last, so that nobody finds a file system that is half there."""

    def __init__(self, manifest: Manifest) -> None:
        self.boot_code = bytes.fromhex(manifest.boot_code)
        """What a BIOS PC starts by; the agent's own on a PC that has a cache."""
        blocks = [one for one in manifest.partitions if one.content == "blocks"]
        self._ranges = sorted(
            one for partition in blocks for one in first_blocks(partition.start, partition.size)
        )
        self._kept = {start: bytearray(end - start) for start, end in self._ranges}
        self._last = [
            start
            for partition in blocks
            if boots(partition)
            for start, _ in first_blocks(partition.start, partition.size)
        ]

    def take(self, offset: int, data: memoryview) -> list[tuple[int, memoryview]]:
        """Keep what is to wait, and give what may be written now."""
        end = offset + len(data)
        if not self.touches(offset, end):
            return [(offset, data)]
        now, at = [], offset
        for start, stop in self._ranges:
            if stop <= at or start >= end:
                continue
            if start > at:
                now.append((at, data[at - offset : start - offset]))
            begin, until = max(start, at), min(stop, end)
            self._kept[start][begin - start : until - start] = data[begin - offset : until - offset]
            at = until
        if at < end:
            now.append((at, data[at - offset :]))
        return now

    def touches(self, start: int, end: int) -> bool:
        """Say whether something between these bytes is held back."""
        return overlap(self._ranges, start, end)

    def put_back(self, offset: int, data: memoryview) -> None:
        """Put what is kept into what was read from the disk at ``offset``."""
        end = offset + len(data)
        if not self.touches(offset, end):
            return
        for start, stop in self._ranges:
            begin, until = max(start, offset), min(stop, end)
            if begin < until:
                data[begin - offset : until - offset] = self._kept[start][
                    begin - start : until - start
                ]

    def write_file_systems(self, disk: Disk) -> None:
        """Write what makes the partitions file systems, but for those that a firmware reads."""
        for start, kept in self._kept.items():
            if start not in self._last:
                disk.write(start, [kept])
        self._look(disk, [one for one in self._kept.items() if one[0] not in self._last])

    def write_boot(self, disk: Disk) -> None:
        """Make the disk bootable, the last of all.

        What a firmware looks at first comes last, a sector that is there or not: so it finds
        nothing, or all.
        """
        last: list[tuple[int, Part]] = []
        for start in sorted(self._last, reverse=True):
            kept = memoryview(self._kept[start])
            last += [(start + SECTOR, kept[SECTOR:]), (start, kept[:SECTOR])]
        if self.boot_code:
            last.append((0, self.boot_code))
        try:
            for start, part in last:
                disk.write(start, [part])
                disk.flush()
            self._look(disk, last)
        except JobFailed:
            for start, part in last:
                disk.write(start, [bytes(len(part))])
            disk.flush()
            raise

    @staticmethod
    def _look(disk: Disk, written: Sequence[tuple[int, Part]]) -> None:
        disk.forget()
        for start, kept in written:
            found = bytearray(len(kept))
            disk.read(start, found)
            if found != kept:
                raise lying(disk, start)


def unboot(
    disk: Disk, partitions: Sequence[tuple[int, int]], boot_code: bytes = b""
) -> list[tuple[int, int]]:
    """Take away what makes a disk bootable: the boot code, and each file system's first blocks.

    :param boot_code: what takes the boot code's place: it starts the agent, or nothing does.
    :param partitions: start and size of those that it has, and of those that it will have.
    :returns: from where to where the disk holds nothing any more; sorted, apart.
    """
    gone: list[tuple[int, int]] = []
    wanted = {(0, BOOT_CODE_BYTES)}
    for start, size in partitions:
        wanted.update(first_blocks(start, min(size, disk.size - start)))
    for start, end in sorted(wanted):
        if gone and start < gone[-1][1]:
            gone[-1] = (gone[-1][0], max(end, gone[-1][1]))
        else:
            gone.append((start, end))
    for start, end in gone:
        data = bytearray(end - start)
        if start == 0:
            data[: len(boot_code)] = boot_code
        disk.write(start, [data])
    disk.flush()
    return gone


def lying(disk: Disk, offset: int) -> JobFailed:
    return JobFailed(
        "disk-failing",
        f"what was written at byte {offset} is not what the disk gives back",
        where=str(disk.path),
        do="Look at the disk's SMART values and its cable, and change it",
    )
