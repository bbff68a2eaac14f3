"""From the chunks of a disk to an index, and to packs of those chunks that the store lacks."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO, Protocol

from ictops.errors import ImageError
from ictops.imaging.agent.chunking import Extent, chunks_of
from ictops.imaging.agent.cutting import Found, Known, Tables, compressed, runs_of
from ictops.imaging.images.store import pack_path
from ictops.imaging.wire.index import ImageIndex, Pack, Piece, Place
from ictops.imaging.wire.manifest import Partition
from ictops.imaging.wire.words import digest_of

PACK = 64 * 2**20
"""Bytes: what a room receives at once by multicast."""
WORTH = 2 / 3
"""How much of an older piece, and of a pack, a version must use to be made of it."""

Tell = Callable[[int], None]
"""Told of bytes as they are done."""


class Readable(Protocol):
    """What chunks are read from again, by their positions."""

    def seek(self, offset: int, /) -> int: ...
    def read(self, size: int, /) -> bytes: ...


def find_chunks(
    disk: BinaryIO, used: Iterable[tuple[Partition, Iterable[Extent]]], tell: Tell
) -> list[Found]:
    """Cut what is used of a disk's partitions, in order."""
    found = []
    for partition, extents in used:
        for offset, data in chunks_of(disk, partition.start, extents):
            position = partition.start + offset
            found.append(Found(partition.number, offset, len(data), digest_of(data), position))
            tell(len(data))
    return found


def known_chunks(indexes: Iterable[ImageIndex], wanted: Iterable[bytes]) -> dict[bytes, Known]:
    """Give what of the wanted chunks the store has.

    :param indexes: of the versions that there are; the first ones are preferred.
    """
    wanted, known = set(wanted), dict[bytes, Known]()
    for index in indexes:
        for chunk in index.chunks:
            if chunk.digest in wanted and chunk.digest not in known:
                piece = index.pieces[chunk.piece]
                known[chunk.digest] = Known(index.packs[piece.pack], piece, chunk)
    return known


def worthwhile(known: dict[bytes, Known]) -> dict[bytes, Known]:
    """Leave out what lies in pieces, or packs, of which too little is used.

    Else a version would after some years fetch much that it does not use.
    """
    plain: dict[tuple[bytes, int], int] = defaultdict(int)
    for one in known.values():
        plain[one.at] += one.chunk.length
    known = {
        digest: one for digest, one in known.items() if plain[one.at] >= WORTH * one.piece.plain
    }
    stored: dict[bytes, int] = defaultdict(int)
    for one in {one.at: one for one in known.values()}.values():
        stored[one.pack.digest] += one.piece.stored
    return {
        digest: one
        for digest, one in known.items()
        if stored[one.pack.digest] >= WORTH * one.pack.size
    }


def pack_version(
    disk: Readable, found: list[Found], before: Iterable[ImageIndex], work: Path, tell: Tell
) -> tuple[ImageIndex, tuple[bytes, ...]]:
    """Write the packs of what the store lacks, and give the index and the new packs' digests.

    What is new comes first, in pieces of its own; then what the store has but is stored once more:
    so a PC that has an older version fetches no piece for what it already has.

    :param disk: what the chunks were found on; it is read again.
    :param work: where the packs are written.
    """
    wanted: dict[bytes, Found] = {}
    for one in found:
        wanted.setdefault(one.digest, one)
    known = known_chunks(before, wanted)
    reused = worthwhile(known)
    new = [one for one in wanted.values() if one.digest not in known]
    again = [one for one in wanted.values() if one.digest in known and one.digest not in reused]
    tables = Tables()
    for known_one in reused.values():
        tables.add_known(known_one)
    writer = _PackWriter(work, len(tables.packs))
    runs = [run for those in (new, again) for run in runs_of(those, lambda one: one.length)]
    for run, stored in compressed((run, _read(disk, run)) for run in runs):
        pack, offset = writer.add(stored)
        size = sum(one.length for one in run)
        tables.add_piece(Piece(digest_of(stored), pack, offset, len(stored), size), run)
        tell(size)
    for made in writer.close():
        tables.add_pack(made)
    places = (
        Place(one.partition, one.offset, tables.chunk_of[one.digest])
        for one in sorted(found, key=lambda one: (one.partition, one.offset))
    )
    index = tables.index(places)
    return index, tuple(one.digest for one in writer.made)


class _PackWriter:
    """Writes pieces one behind the other into packs."""

    def __init__(self, work: Path, number: int) -> None:
        self._work, self._number = work, number
        self._data = bytearray()
        self.made: list[Pack] = []

    def add(self, stored: bytes) -> tuple[int, int]:
        """Give the pack's number and the offset in it."""
        if self._data and len(self._data) + len(stored) > PACK:
            self._write()
        at = self._number + len(self.made), len(self._data)
        self._data += stored
        return at

    def close(self) -> list[Pack]:
        if self._data:
            self._write()
        return self.made

    def _write(self) -> None:
        pack = Pack(digest_of(self._data), len(self._data))
        path = self._work / pack_path(pack.digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(self._data)
            file.flush()
            os.fsync(file.fileno())
        self.made.append(pack)
        self._data = bytearray()


def _read(disk: Readable, run: Iterable[Found]) -> bytes:
    """Read a run's chunks once more."""
    plain = bytearray()
    for one in run:
        disk.seek(one.position)
        data = disk.read(one.length)
        if digest_of(data) != one.digest:
            raise ImageError("it changes while it is read", do="Nothing may write to it meanwhile")
        plain += data
    return bytes(plain)
