"""Magnetic disks: overwritten once with zeros, and all of it read back.

One pass is what NIST SP 800-88 asks for on magnetic disks. nwipe writes it where it can. This is
what follows where nwipe is not there, cannot be started, or does not begin, and where the disk is
a plain file, which nwipe does not take. Reading back is the same for both.
"""

from __future__ import annotations

from pathlib import Path

from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.method import NotErased, Tell

BLOCK = 4 << 20
"""Bytes that are written at once."""
TOLD_EVERY = 64
"""Blocks after which is told how far it is."""


def overwrite(path: Path, tell: Tell) -> None:
    """Write zeros over a whole disk, and read all of it back.

    :raises JobFailed: if a place cannot be written or read.
    :raises NotErased: if a place reads as something else.
    """
    disk = Disk(path)
    try:
        zeros = bytes(BLOCK)
        for offset in range(0, disk.size, BLOCK):
            disk.write(offset, [memoryview(zeros)[: disk.size - offset]])
            if offset // BLOCK % TOLD_EVERY == 0:
                disk.start_writing()
                tell(offset / disk.size / 2)
        read_back(disk, tell)
    finally:
        disk.close()


def read_back(disk: Disk, tell: Tell) -> None:
    """Read all of a disk, from the disk itself: it must be zeros.

    :param tell: hears of the second half, as the first one was to write.
    :raises JobFailed: if what was written cannot be flushed, or a place not be read.
    :raises NotErased: if a place reads as something else.
    """
    disk.forget()
    zeros, buffer = bytes(BLOCK), memoryview(bytearray(BLOCK))
    for offset in range(0, disk.size, BLOCK):
        part = buffer[: disk.size - offset]
        disk.read(offset, part)
        if part != zeros[: len(part)]:
            raise NotErased(f"what was written did not stay, at byte {offset} or behind it")
        if offset // BLOCK % TOLD_EVERY == 0:
            tell((1 + offset / disk.size) / 2)
