"""What PCs send of their disks, kept until the control box has fetched it.

A folder for each job. A piece is put behind the others, and listed when the disk has it: so what a
power cut leaves is what is listed, and a PC that asks what is lacking goes on from there.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from ictops.imaging.service.files import write
from ictops.imaging.service.refused import Refused
from ictops.imaging.wire import strict
from ictops.imaging.wire.drop import CAPTURED, LISTED, PIECES, Kept, line, read_listed
from ictops.imaging.wire.said import Captured
from ictops.imaging.wire.words import DIGEST, digest_of

SPARE = 2 * 2**30
"""Bytes that stay free on the boot server: its own system must go on."""
_REACHED = 0o711
"""Who is lent the files in it must reach them; the files are the service's until then."""


def free_bytes(folder: Path) -> int:
    """Give how many bytes may still be written below a folder."""
    return shutil.disk_usage(folder).free


class Drop:
    """The pieces of one job. Every method may be called from any thread.

    :param most: bytes that are taken.
    """

    def __init__(self, folder: Path, most: int, free: Callable[[Path], int] = free_bytes) -> None:
        self._folder, self._most, self._free = folder, most, free
        self._lock = threading.Lock()
        self._gone = False
        folder.mkdir(exist_ok=True)
        folder.chmod(_REACHED)
        (folder / LISTED).touch(mode=0o600)
        (folder / PIECES).touch(mode=0o600)
        text = (folder / LISTED).read_text(errors="replace")
        self._kept, self._listed = read_listed(text)
        self._end = max((one.end for one in self._kept.values()), default=0)
        os.truncate(folder / LISTED, self._listed)
        os.truncate(folder / PIECES, self._end)

    def lacking(self, digests: Iterable[str]) -> tuple[str, ...]:
        """Give those that are not there."""
        with self._lock:
            return tuple(one for one in digests if one not in self._kept)

    def add(self, digest: str, data: bytes) -> None:
        """Keep a piece; one that is there already is not kept twice.

        :raises Refused: if it is not what its digest says, or there is no room for it.
        """
        if not DIGEST.fullmatch(digest) or digest_of(data).hex() != digest:
            raise Refused(400, "the piece is not what its digest says")
        with self._lock:
            self._look()
            if digest in self._kept:
                return
            if self._end + len(data) > self._most:
                raise Refused(409, f"the job may send {self._most} bytes, and there are more")
            if self._free(self._folder) < SPARE + len(data):
                raise Refused(409, f"the boot server has less than {SPARE} bytes left")
            kept = Kept(self._end, len(data))
            with (self._folder / PIECES).open("r+b") as file:
                file.seek(kept.offset)
                file.write(data)
                file.flush()
                os.fdatasync(file.fileno())  # or a power cut may leave the line without the bytes
            text = line(digest, kept).encode("ascii")
            with (self._folder / LISTED).open("r+b") as file:
                file.seek(self._listed)  # over what a disk that failed has left of a line
                file.write(text)
            self._listed += len(text)
            self._kept[digest], self._end = kept, kept.end

    def finish(self, captured: Captured) -> None:
        """Say that all is there.

        :raises Refused: if it is not.
        """
        with self._lock:
            self._look()
            if not all(one in self._kept for one in captured.index):
                raise Refused(409, "the index was not sent")
            with (self._folder / LISTED).open("rb") as file:
                os.fsync(file.fileno())
            write(self._folder / CAPTURED, strict.dumps(captured))

    def remove(self) -> None:
        """Take it all away; nothing is kept any more."""
        with self._lock:
            self._gone = True
            shutil.rmtree(self._folder, ignore_errors=True)

    def _look(self) -> None:
        if self._gone or not self._folder.is_dir():
            raise Refused(409, "the job is over")


class Drops:
    """The folder of all of them."""

    def __init__(self, root: Path, free: Callable[[Path], int] = free_bytes) -> None:
        self._root, self._free = root, free
        self._lock = threading.Lock()
        self._open: dict[str, Drop] = {}
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(_REACHED)

    def of(self, job: str, most: int) -> Drop:
        """Give what is kept of a job."""
        with self._lock:
            if job not in self._open:
                self._open[job] = Drop(self._root / job, most, self._free)
            return self._open[job]

    def remove(self, job: str) -> None:
        """Take away what is kept of a job, if there is anything."""
        with self._lock:
            drop = self._open.pop(job, None)
        if drop is not None:
            drop.remove()
        elif (self._root / job).is_dir():
            shutil.rmtree(self._root / job, ignore_errors=True)

    def keep_only(self, jobs: Collection[str]) -> None:
        """Take away what is kept of all other jobs."""
        for folder in self._root.iterdir():
            if folder.name not in jobs:
                self.remove(folder.name)
