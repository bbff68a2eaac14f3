"""The index of an image: which pieces it is made of, and where each of their chunks goes.

A **chunk** is a run of blocks whose ends its content decides; what two versions share, they share
by chunks. A **piece** is some chunks compressed together (one Zstandard frame, RFC 8878), hashed as
stored: what is fetched, resumed and checked on the way. A **pack** is a file of pieces: what is
stored, and what a room receives by multicast. Chunks are hashed in plain, so that what a disk
already has, and what was written, are known by reading the disk.

The file is one zlib stream of: the magic, four counts, then the records of each kind, all
little-endian. Offsets and lengths are bytes.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass

from ictops.imaging.wire.strict import NotAsAgreed
from ictops.imaging.wire.words import DIGEST_BYTES

MAGIC = b"ictops-index-1\n\0"
_COUNTS = struct.Struct("<4I")
_PACK = struct.Struct(f"<{DIGEST_BYTES}sQ")
_PIECE = struct.Struct(f"<{DIGEST_BYTES}sIQII")
_CHUNK = struct.Struct(f"<{DIGEST_BYTES}sIII")
_PLACE = struct.Struct("<IQI")
LARGEST_PIECE = 16 * 2**20
"""Bytes in plain: what an agent must find room for."""
LARGEST_INDEX = 2**31
"""Bytes in plain: an index for some 25 TB."""


@dataclass(frozen=True, slots=True)
class Pack:
    """A file of pieces, named by the digest of its bytes."""

    digest: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Piece:
    """Chunks that are compressed together."""

    digest: bytes
    """Of its bytes as stored."""
    pack: int
    """Which of the index's packs it is in."""
    offset: int
    """Where in the pack."""
    stored: int
    """Bytes in the pack."""
    plain: int
    """Bytes when decompressed."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of blocks, at its place in a piece."""

    digest: bytes
    """Of its plain bytes."""
    piece: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where a chunk is to be written."""

    partition: int
    """The partition's number in the manifest."""
    offset: int
    """From the partition's first byte; for a WIM, from the file's."""
    chunk: int


@dataclass(frozen=True, slots=True)
class ImageIndex:
    """All of an index, each kind in its order; places by partition, then offset."""

    packs: tuple[Pack, ...]
    pieces: tuple[Piece, ...]
    chunks: tuple[Chunk, ...]
    places: tuple[Place, ...]

    def pack(self) -> bytes:
        """Give the file's bytes; always the same for the same index."""
        parts = [
            MAGIC,
            _COUNTS.pack(*map(len, (self.packs, self.pieces, self.chunks, self.places))),
        ]
        parts += [_PACK.pack(one.digest, one.size) for one in self.packs]
        parts += [
            _PIECE.pack(one.digest, one.pack, one.offset, one.stored, one.plain)
            for one in self.pieces
        ]
        parts += [_CHUNK.pack(one.digest, one.piece, one.offset, one.length) for one in self.chunks]
        parts += [_PLACE.pack(one.partition, one.offset, one.chunk) for one in self.places]
        return zlib.compress(b"".join(parts), 6)


def unpack(data: bytes) -> ImageIndex:
    """Read an index, and see that nothing in it points outside of it.

    :raises NotAsAgreed: if it is none.
    """
    try:
        unzipper = zlib.decompressobj()
        plain = memoryview(unzipper.decompress(data, LARGEST_INDEX))
    except zlib.error as error:
        raise NotAsAgreed(f"this is no index: {error}") from error
    head = len(MAGIC) + _COUNTS.size
    if not unzipper.eof or unzipper.unused_data or len(plain) < head or plain[:16] != MAGIC:
        raise NotAsAgreed("this is no index")
    counts = _COUNTS.unpack(plain[len(MAGIC) : head])
    kinds = (_PACK, _PIECE, _CHUNK, _PLACE)
    if len(plain) != head + sum(n * kind.size for n, kind in zip(counts, kinds, strict=True)):
        raise NotAsAgreed("the index is cut off")
    read, at = [], head
    for count, kind in zip(counts, kinds, strict=True):
        end = at + count * kind.size
        read.append(kind.iter_unpack(plain[at:end]))
        at = end
    index = ImageIndex(
        tuple(Pack(*one) for one in read[0]),
        tuple(Piece(*one) for one in read[1]),
        tuple(Chunk(*one) for one in read[2]),
        tuple(Place(*one) for one in read[3]),
    )
    _look(index)
    return index


def _look(index: ImageIndex) -> None:
    packs, pieces, chunks = index.packs, index.pieces, index.chunks
    for piece in pieces:
        if piece.pack >= len(packs) or piece.offset + piece.stored > packs[piece.pack].size:
            raise NotAsAgreed("a piece lies outside of its pack")
        if not 0 < piece.plain <= LARGEST_PIECE or not piece.stored:
            raise NotAsAgreed("a piece has no size that it may have")
    for chunk in chunks:
        if chunk.piece >= len(pieces) or chunk.offset + chunk.length > pieces[chunk.piece].plain:
            raise NotAsAgreed("a chunk lies outside of its piece")
        if not chunk.length:
            raise NotAsAgreed("a chunk is empty")
    last = (0, 0)
    for place in index.places:
        if place.chunk >= len(chunks):
            raise NotAsAgreed("a place names no chunk")
        if (place.partition, place.offset) < last:
            raise NotAsAgreed("places overlap, or are not in order")
        last = (place.partition, place.offset + chunks[place.chunk].length)


def stored_bytes(pieces: Iterable[Piece]) -> int:
    """Give how many bytes these pieces have in their packs."""
    return sum(one.stored for one in pieces)
