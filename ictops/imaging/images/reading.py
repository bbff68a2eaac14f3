"""A disk's partitions, each as a device or file of its own, for tools that want one."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ictops.imaging.images.layout import Layout
from ictops.imaging.wire.manifest import Partition


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
    """Copy a part of a file, and leave its holes holes."""
    with source.open("rb") as one, target.open("wb") as other:
        other.truncate(size)
        at, end = start, start + size
        while at < end:
            try:
                at = os.lseek(one.fileno(), at, os.SEEK_DATA)
            except OSError as error:
                if error.errno == errno.ENXIO:  # nothing but a hole is left
                    break
                raise
            hole = min(os.lseek(one.fileno(), at, os.SEEK_HOLE), end)
            other.seek(at - start)
            while at < hole:
                done = os.sendfile(other.fileno(), one.fileno(), at, hole - at)
                if not done:
                    raise EOFError(f"{source} ends at {at}, before {end}")
                at += done
