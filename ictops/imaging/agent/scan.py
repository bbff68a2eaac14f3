"""Find out which chunks of an image a disk still has, and where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.layout import Held, Spot
from ictops.imaging.agent.reading import hash_places
from ictops.imaging.wire.index import ImageIndex
from ictops.imaging.wire.words import digest_of

_SAMPLES = 256
"""Places that are looked at first: a disk that has none of them is not read in full."""


@dataclass
class Scan:
    """What a disk has."""

    there: set[int] = field(default_factory=set)
    """Spots of the image, by number, that hold what they are to hold."""
    found: dict[bytes, tuple[int, int]] = field(default_factory=dict)
    """Where on the disk a wanted chunk is, by digest: offset and length."""
    unreadable: int = 0
    """Places that could not be read."""


def scan(
    disk: Disk,
    index: ImageIndex,
    spots: Sequence[Spot],
    held: Held,
    read: Callable[[int], None],
) -> Scan:
    """Look which spots of the image are as they are to be.

    What is to be held back is taken into ``held`` where the disk has it.

    :param read: told the bytes of each place that was looked at.
    """
    seen = Scan()
    disk.forget()
    chunks = index.chunks
    places = [(one.offset, one.length) for one in spots]
    if not _any_there(disk, places, [chunks[one.chunk].digest for one in spots]):
        return seen
    for number, digest in enumerate(hash_places(disk, places, unread=True)):
        spot = spots[number]
        read(spot.length)
        if digest is None:
            seen.unreadable += 1
        elif digest == chunks[spot.chunk].digest:
            seen.there.add(number)
            seen.found[digest] = (spot.offset, spot.length)
    for number in seen.there:
        _hold(disk, spots[number], held)
    return seen


def scan_seed(
    disk: Disk,
    index: ImageIndex,
    spots: Sequence[Spot],
    missing: set[bytes],
    found: dict[bytes, tuple[int, int]],
) -> None:
    """Look where another image, that the disk may have had, put chunks that are missing.

    :param spots: the other image's.
    :param missing: digests; what is found is taken out.
    :param found: what is found is put in.
    """
    chunks = index.chunks
    able = [one for one in spots if chunks[one.chunk].digest in missing and one.end <= disk.size]
    places = [(one.offset, one.length) for one in able]
    expected = [chunks[one.chunk].digest for one in able]
    if not _any_there(disk, places, expected):
        return
    for spot, digest in zip(able, hash_places(disk, places, unread=True), strict=True):
        if digest in missing:
            missing.discard(digest)
            found[digest] = (spot.offset, spot.length)


def _any_there(disk: Disk, places: Sequence[tuple[int, int]], expected: Sequence[bytes]) -> bool:
    step = max(1, len(places) // _SAMPLES)
    sample = places[::step]
    digests = hash_places(disk, sample, unread=True)
    return any(
        # An empty disk has all the chunks of zeros, and nothing else.
        one == other and one != digest_of(bytes(length))
        for one, other, (_, length) in zip(digests, expected[::step], sample, strict=True)
    )


def _hold(disk: Disk, spot: Spot, held: Held) -> None:
    if held.touches(spot.offset, spot.end):
        data = bytearray(spot.length)
        disk.read(spot.offset, data)
        held.take(spot.offset, memoryview(data))
