"""Spans of time in which changes may be made, and arithmetic on them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, order=True)
class Window:
    """From ``start`` up to but not including ``end``; both aware, kept in UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError("a window needs aware datetimes")
        if self.end <= self.start:
            raise ValueError(f"a window must end after it starts: {self.start} to {self.end}")

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def __contains__(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


def merge(windows: Iterable[Window]) -> list[Window]:
    """Give the same time as ``windows``, sorted, with no two that touch or overlap."""
    merged: list[Window] = []
    for window in sorted(windows):
        if merged and window.start <= merged[-1].end:
            merged[-1] = Window(merged[-1].start, max(merged[-1].end, window.end))
        else:
            merged.append(window)
    return merged


def intersect(left: Iterable[Window], right: Iterable[Window]) -> list[Window]:
    """Give the time that is in both."""
    one, other = merge(left), merge(right)
    shared: list[Window] = []
    i = j = 0
    while i < len(one) and j < len(other):
        start, end = max(one[i].start, other[j].start), min(one[i].end, other[j].end)
        if start < end:
            shared.append(Window(start, end))
        if one[i].end <= other[j].end:
            i += 1
        else:
            j += 1
    return shared


def subtract(windows: Iterable[Window], taken: Iterable[Window]) -> list[Window]:
    """Give the time in ``windows`` that is not in ``taken``."""
    left = merge(windows)
    for hole in merge(taken):
        pieces: list[Window] = []
        for window in left:
            if hole.end <= window.start or window.end <= hole.start:
                pieces.append(window)
                continue
            if window.start < hole.start:
                pieces.append(Window(window.start, hole.start))
            if hole.end < window.end:
                pieces.append(Window(hole.end, window.end))
        left = pieces
    return left
