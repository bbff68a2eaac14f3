"""From chunks to pieces and the tables of an index: the same at a PC and on the control box."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar

import zstandard

from ictops.imaging.wire.index import Chunk, ImageIndex, Pack, Piece, Place
from ictops.imaging.wire.strict import NotAsAgreed

T = TypeVar("T")
PIECE = 2**20
"""Bytes in plain: measured on a Debian, pieces of half of it make 3 % more to fetch."""
LEVEL = 6
"""Of Zstandard: 3 makes 5 % more to fetch; 9 makes 1 % less in twice the time."""


@dataclass(frozen=True, slots=True)
class Found:
    """A chunk at its place on the disk that is read."""

    partition: int
    offset: int
    length: int
    digest: bytes
    position: int
    """From the disk's first byte."""


@dataclass(frozen=True, slots=True)
class Known:
    """A chunk that the store has: in the pieces of one of its packs."""

    pack: Pack
    piece: Piece
    chunk: Chunk

    @property
    def at(self) -> tuple[bytes, int]:
        """What its piece is known by."""
        return self.pack.digest, self.piece.offset


@dataclass(slots=True)
class Tables:
    """An index as it grows."""

    packs: list[Pack] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    chunks: list[Chunk] = field(default_factory=list)
    chunk_of: dict[bytes, int] = field(default_factory=dict)
    """The chunk of a digest."""
    _pack_of: dict[bytes, int] = field(default_factory=dict)
    _piece_of: dict[tuple[bytes, int], int] = field(default_factory=dict)

    def add_pack(self, pack: Pack) -> int:
        """Add a pack if it is not there, and give its number."""
        number = self._pack_of.setdefault(pack.digest, len(self.packs))
        if number == len(self.packs):
            self.packs.append(pack)
        return number

    def add_known(self, one: Known) -> None:
        """Add a chunk of an older pack, and the piece that it is in."""
        if one.at not in self._piece_of:
            self._piece_of[one.at] = len(self.pieces)
            self.pieces.append(replace(one.piece, pack=self.add_pack(one.pack)))
        self._add(replace(one.chunk, piece=self._piece_of[one.at]))

    def add_piece(self, piece: Piece, run: Iterable[Found]) -> None:
        """Add a new piece with its chunks, one behind the other."""
        self.pieces.append(piece)
        offset = 0
        for one in run:
            self._add(Chunk(one.digest, len(self.pieces) - 1, offset, one.length))
            offset += one.length

    def index(self, places: Iterable[Place]) -> ImageIndex:
        """Give the index."""
        return ImageIndex(tuple(self.packs), tuple(self.pieces), tuple(self.chunks), tuple(places))

    def _add(self, chunk: Chunk) -> None:
        self.chunk_of[chunk.digest] = len(self.chunks)
        self.chunks.append(chunk)


def runs_of(chunks: Iterable[T], length: Callable[[T], int]) -> Iterator[list[T]]:
    """Give chunks in runs, each of which makes one piece."""
    run: list[T] = []
    size = 0
    for one in chunks:
        if run and size + length(one) > PIECE:
            yield run
            run, size = [], 0
        run.append(one)
        size += length(one)
    if run:
        yield run


def compressed(pieces: Iterable[tuple[T, bytes]]) -> Iterator[tuple[T, bytes]]:
    """Give pieces as they are stored, compressed on all cores, in order.

    :param pieces: in plain; what comes with one goes with it.
    """
    workers = os.cpu_count() or 1
    waiting: deque[tuple[T, Future[bytes]]] = deque()
    with ThreadPoolExecutor(workers, "compress") as pool:
        for what, plain in pieces:
            waiting.append((what, pool.submit(_compress, plain)))
            if len(waiting) > 2 * workers:
                first, stored = waiting.popleft()
                yield first, stored.result()
        for first, stored in waiting:
            yield first, stored.result()


def decompressed(
    piece: Piece, stored: bytes | bytearray, unzip: zstandard.ZstdDecompressor | None = None
) -> bytes:
    """Give a piece in plain.

    :param stored: its bytes, whose digest was compared: they are those that its maker stored.
    :param unzip: one thread's, for many pieces.
    :raises NotAsAgreed: if they are not what the index says.
    """
    name = piece.digest.hex()[:12]
    try:
        # zstandard takes a size in the frame before this one: so the size is looked at, too.
        unzip = unzip or zstandard.ZstdDecompressor()
        plain = unzip.decompress(stored, max_output_size=piece.plain)
    except zstandard.ZstdError as error:
        raise NotAsAgreed(f"piece {name} is no Zstandard: {error}") from error
    if len(plain) != piece.plain:
        raise NotAsAgreed(f"piece {name} has another size than the index says")
    return plain


def _compress(plain: bytes) -> bytes:
    return zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compress(plain)
