"""A disk, read and written at absolute positions; a plain file will do.

Everything goes through the whole disk, so nothing depends on whether the kernel has read a new
partition table, or on what it calls a partition.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import struct
from collections.abc import Sequence
from pathlib import Path

from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.manifest import SECTOR

_LIBC = ctypes.CDLL(None, use_errno=True)
_START_WRITING = 2
"""SYNC_FILE_RANGE_WRITE, see sync_file_range(2)."""
_BLKROSET, _BLKROGET, _BLKSSZGET = 0x125D, 0x125E, 0x1268
"""See linux/fs.h."""
_AT_ONCE = 512
"""Parts for one pwritev(2), which takes up to 1024."""
Part = bytes | bytearray | memoryview


class Disk:
    """A block device or a plain file, open for reading and writing.

    :param read_only: for reading alone; of a device, the kernel then lets nobody write to it.
    :raises JobFailed: ``disk-missing`` or ``disk-failing`` if it cannot be opened for this.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path, self.read_only = path, read_only
        mode = os.O_RDONLY if read_only else os.O_RDWR
        try:
            device = stat.S_ISBLK(path.stat().st_mode)
            # The kernel then refuses a disk that somebody has mounted.
            self._fd = os.open(path, mode | os.O_CLOEXEC | (os.O_EXCL if device else 0))
            if device and read_only:
                fcntl.ioctl(self._fd, _BLKROSET, struct.pack("i", 1))
        except OSError as error:
            raise _unopened(path, error) from error
        # The kernel may open a device for writing, and refuse only each write.
        if device and not read_only and _asked(self._fd, _BLKROGET):
            os.close(self._fd)
            raise _unopened(path, OSError(errno.EROFS, os.strerror(errno.EROFS)))
        self.number = os.fstat(self._fd).st_rdev if device else 0
        """By which the kernel knows it, and nothing else while this is open; 0 of a plain file."""
        self.size = os.lseek(self._fd, 0, os.SEEK_END)
        self.sector = _asked(self._fd, _BLKSSZGET) if device else SECTOR
        """Bytes that its partition table counts in."""

    def close(self) -> None:
        os.close(self._fd)

    def read(self, offset: int, into: memoryview | bytearray) -> None:
        """Fill a buffer with what stands at ``offset``.

        :raises JobFailed: ``disk-failing``.
        """
        view = memoryview(into)
        while view:
            try:
                count = os.preadv(self._fd, [view], offset)
            except OSError as error:
                raise self._failing("reading", offset, error.strerror) from error
            if not count:
                raise self._failing("reading", offset, "the disk ends there")
            offset += count
            view = view[count:]

    def write(self, offset: int, parts: Sequence[Part]) -> None:
        """Write parts one behind the other, beginning at ``offset``.

        :raises JobFailed: ``disk-failing``.
        """
        left = [memoryview(one) for one in parts]
        if offset + sum(map(len, left)) > self.size:
            # A file would grow in silence.
            raise self._failing("writing", offset, "the disk ends there")
        while left:
            try:
                count = os.pwritev(self._fd, left[:_AT_ONCE], offset)
            except OSError as error:
                raise self._failing("writing", offset, error.strerror) from error
            offset += count
            while left and count >= len(left[0]):
                count -= len(left.pop(0))
            if count:
                left[0] = left[0][count:]

    def start_writing(self) -> None:
        """Let the kernel begin to write what waits in memory; a flush is short then."""
        _LIBC.sync_file_range(self._fd, ctypes.c_int64(0), ctypes.c_int64(0), _START_WRITING)

    def flush(self) -> None:
        """Wait until all that was written is on the disk.

        :raises JobFailed: ``disk-failing``.
        """
        try:
            os.fsync(self._fd)
        except OSError as error:
            raise self._failing("flushing", 0, error.strerror) from error

    def forget(self) -> None:
        """Let go of what is kept in memory: the next read is from the disk itself."""
        self.flush()
        os.posix_fadvise(self._fd, 0, 0, os.POSIX_FADV_DONTNEED)

    def _failing(self, doing: str, offset: int, why: str | None) -> JobFailed:
        return JobFailed(
            "disk-failing",
            f"{doing} at byte {offset} failed: {why}",
            where=str(self.path),
            do="Look at the disk's SMART values and its cable, and change it",
        )


def _asked(fd: int, what: int) -> int:
    (answer,) = struct.unpack("i", fcntl.ioctl(fd, what, bytes(4)))
    return int(answer)


def _unopened(path: Path, error: OSError) -> JobFailed:
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return JobFailed(
            "disk-failing",
            "the disk is read-only",
            where=str(path),
            do="Look for a write lock; an SSD at its end becomes read-only, so change it",
        )
    if error.errno == errno.ENOENT:
        return JobFailed("disk-missing", "there is no such disk", where=str(path))
    return JobFailed("disk-failing", f"it cannot be opened: {error.strerror}", where=str(path))
