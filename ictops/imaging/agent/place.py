"""Put chunks that a disk has to their new places on the same disk, with little memory."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ictops.imaging.agent.disk import Part


@dataclass(frozen=True, slots=True)
class Move:
    """A copy from one place to another; offsets and length in bytes."""

    source: int
    target: int
    length: int

    def joined(self, other: Move) -> Move | None:
        """Give both as one, if the other goes on where this one ends."""
        goes_on = (self.source + self.length, self.target + self.length)
        if goes_on != (other.source, other.target):
            return None
        return Move(self.source, self.target, self.length + other.length)


def move_all(
    moves: Sequence[Move],
    room: int,
    read: Callable[[int, int], Part],
    write: Callable[[int, Part], None],
) -> list[int]:
    """Carry out copies, each before its source is written over by another.

    Where copies wait for each other in a circle, one's content is kept in memory; if it does not
    fit, that copy is given up.

    :param moves: their targets do not overlap.
    :param room: bytes that may be kept.
    :param read: offset and length.
    :returns: the moves that were given up, by number.
    """
    holds_up, waits_for = _dependencies(moves)
    ready = deque(one for one, count in enumerate(waits_for) if not count)
    open_ = dict.fromkeys(range(len(moves)))
    kept: dict[int, Part] = {}
    given_up: list[int] = []

    def released(number: int) -> None:
        for other in holds_up[number]:
            waits_for[other] -= 1
            if not waits_for[other] and other in open_:
                ready.append(other)

    circle = iter(range(len(moves)))
    while open_:
        while ready:
            number = ready.popleft()
            move = moves[number]
            del open_[number]
            if number in kept:
                room += move.length
                write(move.target, kept.pop(number))
            else:
                write(move.target, read(move.source, move.length))
                released(number)
        if not open_:
            break
        # All that are left wait for each other: one is taken out, in the disk's order. What was
        # taken out holds up nobody any more, so there always is another one.
        number = next(one for one in circle if one in open_)
        move = moves[number]
        if move.length <= room:
            room -= move.length
            kept[number] = read(move.source, move.length)
        else:
            given_up.append(number)
            del open_[number]
        released(number)
    return given_up


def _dependencies(moves: Sequence[Move]) -> tuple[list[list[int]], list[int]]:
    """Give for each move which others wait until it is read, and for how many it waits."""
    order = sorted(range(len(moves)), key=lambda one: moves[one].source)
    sources = [moves[one].source for one in order]
    longest = max((one.length for one in moves), default=0)
    holds_up: list[list[int]] = [[] for _ in moves]
    waits_for = [0] * len(moves)
    for number, move in enumerate(moves):
        end = move.target + move.length
        first = bisect_left(sources, move.target - longest)
        for at in range(first, bisect_left(sources, end)):
            other = order[at]
            if other != number and sources[at] + moves[other].length > move.target:
                holds_up[other].append(number)
                waits_for[number] += 1
    return holds_up, waits_for
