"""Magnetic disks: overwritten once with zeros, and all of it read back.

One pass is what NIST SP 800-88 asks for on magnetic disks. It is done here and not by nwipe:
unattended, Debian's nwipe 0.34 waits for ever at a disk that it cannot open, ends with 0 after a
wrong option, and takes no plain file, so that it cannot be tried. What it would do with
``--method=zero --verify=last`` is the same.
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
        steps = 2 * disk.size or 1
        for offset in range(0, disk.size, BLOCK):
            disk.write(offset, [memoryview(zeros)[: disk.size - offset]])
            if offset // BLOCK % TOLD_EVERY == 0:
                disk.start_writing()
                tell(offset / steps)
        disk.forget()
        buffer = memoryview(bytearray(BLOCK))
        for offset in range(0, disk.size, BLOCK):
            part = buffer[: disk.size - offset]
            disk.read(offset, part)
            if part != zeros[: len(part)]:
                raise NotErased(f"what was written did not stay, at byte {offset} or behind it")
            if offset // BLOCK % TOLD_EVERY == 0:
                tell((disk.size + offset) / steps)
    finally:
        disk.close()
