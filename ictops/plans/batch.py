"""Which hosts of a wave go next: a batch, under the limits of site, room and whole run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from ictops.settings import Limits

HostT = TypeVar("HostT")


def take_batch(
    waiting: deque[HostT],
    room_of: Callable[[HostT], object | None],
    limits: Limits,
    free: int,
) -> list[HostT]:
    """Take the next batch out of ``waiting``, in its order, and give it.

    A host whose room is full is passed over and keeps its place; a host without a room counts
    towards none. ``free`` is how many hosts the run may still start (``limits.total`` less
    those being worked on). Empty only where nothing waits or nothing is free.
    """
    size = min(limits.site, free)
    batch: list[HostT] = []
    passed_over: list[HostT] = []
    rooms: dict[object, int] = {}  # not a Counter: plans for 100,000 hosts are played many times
    while waiting and len(batch) < size:
        host = waiting.popleft()
        room = room_of(host)
        there = rooms.get(room, 0)
        if room is not None and there >= limits.room:
            passed_over.append(host)
            continue
        rooms[room] = there + 1
        batch.append(host)
    waiting.extendleft(reversed(passed_over))
    return batch
