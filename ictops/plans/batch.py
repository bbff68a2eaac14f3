"""Which hosts of a wave go next: a batch, under the limits of site, room, switch and whole run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import TypeVar

from ictops.estate.models import Place
from ictops.settings import Limits

HostT = TypeVar("HostT")


def take_batch(
    waiting: deque[HostT],
    place_of: Callable[[HostT], Place],
    limits: Limits,
    free: int,
) -> list[HostT]:
    """Take the next batch out of ``waiting``, in its order, and give it.

    A host whose room or switch is full is passed over and keeps its turn; a host without one
    counts towards none. ``free`` is how many hosts the run may still start (``limits.total`` less
    those being worked on). Empty only where nothing waits or nothing is free.
    """
    size = min(limits.site, free)
    batch: list[HostT] = []
    passed_over: list[HostT] = []
    # Not Counters: plans for 100,000 hosts are played many times.
    rooms: dict[str | None, int] = {}
    switches: dict[str | None, int] = {}
    while waiting and len(batch) < size:
        host = waiting.popleft()
        room, switch = place_of(host)
        in_room, at_switch = rooms.get(room, 0), switches.get(switch, 0)
        room_full = room is not None and in_room >= limits.room
        if room_full or (switch is not None and at_switch >= limits.switch):
            passed_over.append(host)
            continue
        rooms[room] = in_room + 1
        switches[switch] = at_switch + 1
        batch.append(host)
    waiting.extendleft(reversed(passed_over))
    return batch
