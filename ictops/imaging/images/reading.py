"""A disk's partitions, each as a device or file of its own, for tools that want one."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from ictops.imaging.images.layout import Layout
from ictops.imaging.wire.manifest import Partition

_READ = 2**20


@contextmanager
def alone(disk: Path, layout: Layout | None, partition: Partition, scratch: Path) -> Iterator[Path]:
    """Give a partition by itself: its device, or a sparse copy while this lasts.

    partclone, ntfsfix and btrfs know no offset, and loop devices want a kernel that has them.

    :param layout: None for a plain file.
    """
    if layout is not None and partition.number in layout.devices:
        yield layout.devices[partition.number]
        return
    copy = scratch / f"partition-{partition.number}"
    try:
        copy_part(disk, partition.start, partition.size, copy)
        yield copy
    finally:
        copy.unlink(missing_ok=True)


def copy_part(source: Path, start: int, size: int, target: Path) -> None:
    """Copy a part of a disk, and leave its holes holes, and its zeros too."""
    with source.open("rb") as one, target.open("wb") as other:
        other.truncate(size)
        for first, end in _data(one, start, start + size):
            one.seek(first)
            other.seek(first - start)
            for at in range(first, end, _READ):
                data = one.read(min(_READ, end - at))
                if data.count(0) == len(data):
                    other.seek(len(data), os.SEEK_CUR)
                else:
                    other.write(data)


def _data(file: BinaryIO, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Give where a file is no hole; all of it, where only a device knows."""
    if stat.S_ISBLK(os.fstat(file.fileno()).st_mode):
        yield at, end
        return
    while at < end:
        try:
            at = os.lseek(file.fileno(), at, os.SEEK_DATA)
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but a hole is left
                return
            raise
        hole = min(os.lseek(file.fileno(), at, os.SEEK_HOLE), end)
        if at < hole:
            yield at, hole
        at = hole
