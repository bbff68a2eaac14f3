"""A version from the store back onto a disk, to see before it is published that it comes back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path

from ictops.errors import ImageDamaged
from ictops.imaging.agent.cutting import decompressed
from ictops.imaging.wire.index import ImageIndex, Piece, Place
from ictops.imaging.wire.manifest import Manifest
from ictops.imaging.wire.strict import NotAsAgreed
from ictops.imaging.wire.words import digest_of


def restore(
    manifest: Manifest,
    index: ImageIndex,
    find: Callable[[bytes], Path],
    target: Path,
    tell: Callable[[int], None],
    elsewhere: Mapping[int, int] | None = None,
) -> None:
    """Write every place of an image into a new sparse file of the disk's size.

    :param find: gives where the pack of a digest is.
    :param elsewhere: where partitions begin, by number, that are written elsewhere.
    :raises ImageDamaged: if a piece or a chunk is not what the index says.
    """
    start = {one.number: one.start for one in manifest.partitions} | dict(elsewhere or {})
    write_places(index, find, target, tell, starts=start, size=manifest.smallest_disk)


def write_places(
    index: ImageIndex,
    find: Callable[[bytes], Path],
    target: Path,
    tell: Callable[[int], None],
    *,
    starts: Mapping[int, int],
    size: int,
) -> None:
    """Write every place of an index into a new sparse file.

    :param starts: where partitions begin, by number.
    :raises ImageDamaged: if a piece or a chunk is not what the index says.
    """
    places: dict[int, list[Place]] = defaultdict(list)
    for place in index.places:
        places[place.chunk].append(place)
    inside: dict[int, list[int]] = defaultdict(list)
    for number, chunk in enumerate(index.chunks):
        inside[chunk.piece].append(number)
    with target.open("xb") as file:
        file.truncate(size)
        for number, piece in enumerate(index.pieces):
            pack = find(index.packs[piece.pack].digest)
            plain = read_piece(piece, pack)
            for one in inside[number]:
                chunk = index.chunks[one]
                data = plain[chunk.offset : chunk.offset + chunk.length]
                if digest_of(data) != chunk.digest:
                    raise ImageDamaged("a chunk is not what the index says", where=str(pack))
                for place in places[one]:
                    file.seek(starts[place.partition] + place.offset)
                    file.write(data)
                    tell(chunk.length)


def read_piece(piece: Piece, pack: Path) -> bytes:
    """Give a piece's plain bytes.

    :raises ImageDamaged: if they are not those that were stored.
    """
    with pack.open("rb") as file:
        file.seek(piece.offset)
        stored = file.read(piece.stored)
    if digest_of(stored) != piece.digest:
        raise ImageDamaged("a piece is damaged", where=str(pack))
    try:
        return decompressed(piece, stored)
    except NotAsAgreed as error:
        raise ImageDamaged(str(error), where=str(pack)) from error
