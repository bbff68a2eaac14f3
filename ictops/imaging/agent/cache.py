"""What a PC keeps of an image: pieces, and what describes them, in a folder of its own.

A pack is a file with holes: each piece lies where it has its place in the pack, so nothing need be
written down of which are there. Nothing read here is believed: a piece has its digest, as if it
came from the network, and a manifest its signature. Whatever goes wrong with the cache is told
once, and the work goes on without it.
"""

from __future__ import annotations

import errno
import os
import shutil
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.fetch import Deliver, Pieces
from ictops.imaging.wire.index import ImageIndex, Pack
from ictops.imaging.wire.job import ImageRef
from ictops.imaging.wire.words import digest_of

_SPARE = 2 * 2**20
"""Bytes that are left free: for jobs, reports and the file system itself."""
_ALIKE = 3 * 4096
"""Bytes: a smaller piece may lie in blocks that its neighbours have, too."""


class Cache:
    """A folder with what a PC keeps.

    :param say: told what goes wrong, once.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.folder = folder
        self._say = say
        self._lock = threading.Lock()
        self._room = 0
        self._broken = False

    # --- Whole files, by their path on a boot server.

    def small(self, path: str, largest: int, digest: str = "") -> bytes:
        """Give a file that is kept.

        :raises JobFailed: ``image-damaged`` if it is not there, or not as it is to be.
        """
        try:
            with self._place(path).open("rb") as file:
                data = file.read(largest + 1)
        except OSError as error:
            raise _not_kept(path, error.strerror or "") from error
        if len(data) > largest or (digest and digest_of(data).hex() != digest):
            raise _not_kept(path, "it is damaged")
        return data

    def keep_small(self, path: str, data: bytes) -> None:
        """Keep a file, if there is room."""
        try:
            write_whole(self._place(path), data)
        except OSError as error:
            self._say(f"the cache does not keep {path}: {error.strerror}")

    # --- Pieces.

    def make_room(self, index: ImageIndex, refs: Iterable[ImageRef]) -> None:
        """Let go of other images' packs, the longest unused first, until this one's find room.

        :param refs: the images whose descriptions stay.
        """
        try:
            self._forget_images({(one.name, one.version) for one in refs})
            mine = {one.digest.hex() for one in index.packs}
            others = [one for one in self._packs() if one.name not in mine]
            others.sort(key=lambda one: one.stat().st_mtime)
            absent = (n for n in range(len(index.pieces)) if not self.has(index, n))
            needed = sum(index.pieces[number].stored for number in absent) + _SPARE
            for one in others:
                if self._free() >= needed:
                    break
                one.unlink()
            for one in self._packs():
                if one.name in mine:
                    os.utime(one)
            self._room = self._free() - _SPARE
            if self._room + _SPARE < needed:
                self._say(f"the cache is too small: {needed - self._room} bytes are not kept")
        except OSError as error:
            self._fault(error)

    def has(self, index: ImageIndex, number: int) -> bool:
        """Say whether something is kept where a piece has its place; it may be damaged."""
        piece = index.pieces[number]
        if piece.stored <= _ALIKE:
            # Its neighbours fill the file system's blocks: holes tell nothing of it.
            return self.piece(index, number) is not None
        try:
            with self._pack(index.packs[piece.pack]).open("rb") as file:
                data = os.lseek(file.fileno(), piece.offset, os.SEEK_DATA)
                hole = os.lseek(file.fileno(), piece.offset, os.SEEK_HOLE)
        except OSError:
            return False  # there is no such pack, or nothing up to its end
        return data == piece.offset and hole >= piece.offset + piece.stored

    def piece(self, index: ImageIndex, number: int) -> bytearray | None:
        """Give a piece; None if it is not kept, or damaged."""
        piece = index.pieces[number]
        data = bytearray(piece.stored)
        try:
            with self._pack(index.packs[piece.pack]).open("rb", buffering=0) as file:
                file.seek(piece.offset)
                read = file.readinto(data)
        except OSError as error:
            if error.errno != errno.ENOENT:
                self._fault(error)
            return None
        return data if read == len(data) and digest_of(data) == piece.digest else None

    def keep(self, index: ImageIndex, number: int, data: bytes | bytearray) -> None:
        """Keep a piece, if there is room."""
        piece = index.pieces[number]
        with self._lock:
            if self._broken or self._room < piece.stored:
                return
            self._room -= piece.stored
        path = self._pack(index.packs[piece.pack])
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
            try:
                if os.pwrite(descriptor, data, piece.offset) != len(data):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            finally:
                os.close(descriptor)
        except OSError as error:
            self._fault(error)

    # --- How it lies in the folder.

    def _place(self, path: str) -> Path:
        return self.folder / path.strip("/")

    def _pack(self, pack: Pack) -> Path:
        name = pack.digest.hex()
        return self.folder / "packs" / name[:2] / name

    def _packs(self) -> list[Path]:
        return list((self.folder / "packs").glob("??/*"))

    def _forget_images(self, keep: set[tuple[str, str]]) -> None:
        for one in (self.folder / "images").glob("*/*"):
            if (one.parent.name, one.name) not in keep:
                shutil.rmtree(one)

    def _free(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def _fault(self, error: OSError) -> None:
        with self._lock:
            told, self._broken = self._broken, True
        if not told:
            self._say(f"the cache is not used any more: {error.strerror}")


class FromCache:
    """Brings those pieces that are kept; what is not, or is damaged, is left in ``missed``."""

    def __init__(self, cache: Cache, stop: threading.Event) -> None:
        self._cache = cache
        self.stop = stop
        self.missed: set[int] = set()

    def pieces(
        self, index: ImageIndex, wanted: Sequence[int], deliver: Deliver
    ) -> list[Callable[[], None]]:
        def work() -> None:
            for number in wanted:
                if self.stop.is_set():
                    return
                data = self._cache.piece(index, number)
                if data is None:
                    self.missed.add(number)
                else:
                    deliver(number, data)

        return [work]


class IntoCache:
    """Pieces from elsewhere, each of which is kept as it comes."""

    def __init__(self, cache: Cache, source: Pieces) -> None:
        self._cache = cache
        self._source = source
        self.stop = source.stop

    def pieces(
        self, index: ImageIndex, wanted: Sequence[int], deliver: Deliver
    ) -> list[Callable[[], None]]:
        def keep(number: int, data: bytearray) -> None:
            self._cache.keep(index, number, data)
            deliver(number, data)

        return self._source.pieces(index, wanted, keep)


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file so that it is there in whole, or not at all, also when the power goes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _not_kept(path: str, why: str) -> JobFailed:
    return JobFailed("image-damaged", f"the cache does not have it: {why}", where=path)
