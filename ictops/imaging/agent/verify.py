"""Read back what was written, from the disk itself, and compare it with what it is to be."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.layout import Held, Spot
from ictops.imaging.agent.reading import hash_places
from ictops.imaging.wire.index import ImageIndex


def differing(
    disk: Disk,
    index: ImageIndex,
    spots: Sequence[Spot],
    held: Held,
    read: Callable[[int], None],
) -> list[Spot]:
    """Give the spots that do not hold their chunk; what is held back counts as written.

    :param spots: in the disk's order.
    :param read: told the bytes of each place that was looked at.
    :raises JobFailed: ``disk-failing`` if the disk cannot be read or written.
    """
    disk.forget()
    places = [(one.offset, one.length) for one in spots]
    wrong = []
    for spot, digest in zip(spots, hash_places(disk, places, overlay=held.put_back), strict=True):
        read(spot.length)
        if digest != index.chunks[spot.chunk].digest:
            wrong.append(spot)
    return wrong
