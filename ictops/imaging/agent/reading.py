"""Read many places of a disk, in its order, and hash them: one reader, two that hash."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise

from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.words import digest_of

_AT_ONCE = 4 * 2**20
"""Bytes of one read."""
_GAP = 128 * 2**10
"""Bytes between two places that are rather read than jumped over."""
_HASHERS = 2
_BUFFERS = _HASHERS + 2
Place = tuple[int, int]
"""Offset and length, in bytes."""
Overlay = Callable[[int, memoryview], None]
"""Changes what was read at an offset before it is hashed."""


def _batches(places: Sequence[Place]) -> Iterator[tuple[int, int]]:
    """Give from which place to which one read goes."""
    if not places:
        return
    first, begin = 0, places[0][0]
    for at, (before, place) in enumerate(pairwise(places), 1):
        apart = place[0] - sum(before) > _GAP or place[0] < before[0]
        if apart or sum(place) - begin > _AT_ONCE:
            yield first, at
            first, begin = at, place[0]
    yield first, len(places)


def hash_places(
    disk: Disk, places: Sequence[Place], *, overlay: Overlay | None = None, unread: bool = False
) -> Iterator[bytes | None]:
    """Give the digest of each place, in their order.

    :param places: sorted by offset.
    :param unread: give None for a place that cannot be read, instead of raising.
    :raises JobFailed: ``disk-failing``.
    """
    free: deque[bytearray] = deque(bytearray(_AT_ONCE) for _ in range(_BUFFERS))
    waiting: deque[tuple[Future[list[bytes]], bytearray]] = deque()

    def hashed(buffer: bytearray, first: int, end: int) -> list[bytes]:
        begin = places[first][0]
        view = memoryview(buffer)
        digests = []
        for offset, length in places[first:end]:
            part = view[offset - begin : offset - begin + length]
            if overlay:
                overlay(offset, part)
            digests.append(digest_of(part))
        return digests

    with ThreadPoolExecutor(_HASHERS, "hash") as pool:
        for first, end in _batches(places):
            if not free:
                future, buffer = waiting.popleft()
                yield from future.result()
                free.append(buffer)
            begin = places[first][0]
            length = max(map(sum, places[first:end])) - begin
            buffer = free.popleft()
            if length > len(buffer):
                buffer = bytearray(length)
            try:
                disk.read(begin, memoryview(buffer)[:length])
            except JobFailed:
                if not unread:
                    raise
                while waiting:
                    future, other = waiting.popleft()
                    yield from future.result()
                    free.append(other)
                yield from _one_by_one(disk, places[first:end], buffer, overlay)
                free.append(buffer)
                continue
            waiting.append((pool.submit(hashed, buffer, first, end), buffer))
        for future, _ in waiting:
            yield from future.result()


def _one_by_one(
    disk: Disk, places: Sequence[Place], buffer: bytearray, overlay: Overlay | None
) -> Iterator[bytes | None]:
    for offset, length in places:
        part = memoryview(buffer)[:length]
        try:
            disk.read(offset, part)
        except JobFailed:
            yield None
            continue
        if overlay:
            overlay(offset, part)
        yield digest_of(part)
