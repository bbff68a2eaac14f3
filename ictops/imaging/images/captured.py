"""A reference PC's disk, from what its boot server kept of it to a sparse file of its bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from ictops.errors import ImageDamaged, ImageError
from ictops.imaging.images.restore import write_places
from ictops.imaging.images.store import Store
from ictops.imaging.wire import strict
from ictops.imaging.wire.drop import CAPTURED, LISTED, PIECES, Kept, read_listed
from ictops.imaging.wire.index import ImageIndex, Pack, unpack
from ictops.imaging.wire.said import WHOLE_DISK, Captured
from ictops.imaging.wire.words import digest_of

_HERE = bytes(32)
"""What the file of pieces is called among packs; it is no pack's digest."""


def rebuild(folder: Path, store: Store, disk: Path, say: Callable[[str], None]) -> Path:
    """Write what was captured of a disk into a sparse file, and give it.

    :param folder: as it was fetched from the boot server.
    :param store: has the packs that the PC did not send, as an image in them was named to it.
    :raises ImageError: if it is no capture, or not all of one.
    :raises ImageDamaged: if it is not what the PC sent.
    """
    try:
        captured = strict.loads(Captured, (folder / CAPTURED).read_bytes())
        kept, _ = read_listed((folder / LISTED).read_text())
        index = unpack(b"".join(_read(folder, one, kept) for one in captured.index))
        size = (folder / PIECES).stat().st_size
    except FileNotFoundError as error:
        name = Path(str(error.filename)).name
        raise ImageError(f"it is no capture: {name} is missing", where=str(folder)) from error
    except (strict.NotAsAgreed, UnicodeDecodeError) as error:
        raise ImageDamaged(f"it is no capture: {error}", where=str(folder)) from error
    for place in index.places:
        end = place.offset + index.chunks[place.chunk].length
        if place.partition != WHOLE_DISK or end > captured.disk:
            raise ImageDamaged("its index leads behind the disk", where=str(folder))
    index = _with_places(index, kept, size)

    def find(digest: bytes) -> Path:
        if digest == _HERE:
            return folder / PIECES
        path = store.pack(digest)
        if not path.exists():
            raise ImageError(
                "an image is gone of which the PC sent only the difference",
                where=str(folder),
                do="Capture the PC again",
            )
        return path

    total = sum(index.chunks[one.chunk].length for one in index.places)
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        before, done = done, done + count
        if 100 * before // total < 100 * done // total:
            say(f"putting the disk together: {100 * done // total} %")

    write_places(index, find, disk, tell, starts={WHOLE_DISK: 0}, size=captured.disk)
    return disk


def _with_places(index: ImageIndex, kept: dict[str, Kept], size: int) -> ImageIndex:
    """Give an index whose pieces are found where they were kept, as far as they were."""
    here = len(index.packs)
    pieces = tuple(
        replace(one, pack=here, offset=kept[one.digest.hex()].offset)
        if one.digest.hex() in kept
        else one
        for one in index.pieces
    )
    return replace(index, packs=(*index.packs, Pack(_HERE, size)), pieces=pieces)


def _read(folder: Path, digest: str, kept: dict[str, Kept]) -> bytes:
    if digest not in kept:
        raise ImageDamaged("its index is missing", where=str(folder))
    place = kept[digest]
    with (folder / PIECES).open("rb") as file:
        file.seek(place.offset)
        data = file.read(place.size)
    if digest_of(data).hex() != digest:
        raise ImageDamaged("its index is damaged", where=str(folder))
    return data
