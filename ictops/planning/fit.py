"""Whether a plan fits its windows, found by playing it through batch by batch.

The rules are those of the run: every site works on one batch at a time, a batch is as many
hosts of its current wave as the limits allow, it starts only where it can end within the
window, and between two waves there is the soak. The last window of a site is played as if it
had no end, so that what does not fit shows by how much.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ictops.calendars.window import Window, merge
from ictops.estate.models import Place
from ictops.plans.batch import take_batch
from ictops.settings import Limits

_RELEASE, _READY = 0, 1


@dataclass(frozen=True, slots=True)
class SiteWork:
    """What there is to do at one site: where each host is, wave by wave, and when."""

    code: str
    waves: tuple[tuple[str, tuple[Place, ...]], ...]
    """Name of each wave, and the place of each of its hosts in order."""
    windows: tuple[Window, ...]
    """At least one, sorted, not overlapping."""


@dataclass(frozen=True, slots=True)
class Workload:
    """All that there is to do; sites without hosts or windows have been left out."""

    sites: tuple[SiteWork, ...]
    seconds: float
    """What one batch takes."""
    soak: timedelta
    not_before: datetime


@dataclass(frozen=True, slots=True)
class WaveTimes:
    """When a wave would start and end."""

    name: str
    hosts: int
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class SiteTimes:
    """How one site would go."""

    code: str
    waves: tuple[WaveTimes, ...]
    overflow: timedelta
    """How much longer the last window would have to be; zero where all fits."""

    @property
    def start(self) -> datetime:
        return self.waves[0].start

    @property
    def end(self) -> datetime:
        return self.waves[-1].end


class _Site:
    """A site while it is played."""

    __slots__ = ("ends", "spans", "starts", "waiting", "wave", "waves", "window")

    def __init__(self, work: SiteWork) -> None:
        self.spans = [(w.start.timestamp(), w.end.timestamp()) for w in work.windows]
        self.waves = [places for _, places in work.waves]
        self.wave = 0
        self.window = 0
        self.waiting: deque[Place] = deque(self.waves[0])
        self.starts: list[float] = []
        self.ends: list[float] = []

    def may_start(self, at: float, seconds: float) -> float:
        """Give the first moment from ``at`` on at which a batch may start."""
        last = len(self.spans) - 1
        while self.window < last:
            start, end = self.spans[self.window]
            if max(at, start) + seconds <= end:
                break
            self.window += 1
        return max(at, self.spans[self.window][0])


def simulate(load: Workload, limits: Limits) -> list[SiteTimes]:
    """Play the plan through and give how each site would go."""
    sites = [_Site(work) for work in load.sites]
    _play(sites, load, limits)
    return [_times(work, site) for work, site in zip(load.sites, sites, strict=True)]


def fits(load: Workload, limits: Limits) -> bool:
    """Tell whether every site would end within its windows."""
    if _too_much(load, limits):
        return False
    return _play([_Site(work) for work in load.sites], load, limits, stop_early=True)


def _too_much(load: Workload, limits: Limits) -> bool:
    """Tell by counting alone, which is much quicker, where something can never fit."""
    most, none = min(limits.site, limits.total), timedelta(0)
    for site in load.sites:
        wanted = sum(-(-len(places) // most) for _, places in site.waves)
        spans = (max(none, w.end - max(w.start, load.not_before)) for w in site.windows)
        if wanted > sum(span.total_seconds() // load.seconds for span in spans):
            return True
    hosts = sum(len(places) for site in load.sites for _, places in site.waves)
    spans = (
        max(none, window.end - max(window.start, load.not_before))
        for window in merge(window for site in load.sites for window in site.windows)
    )
    return hosts * load.seconds > limits.total * sum(span.total_seconds() for span in spans)


def _play(
    sites: Sequence[_Site], load: Workload, limits: Limits, *, stop_early: bool = False
) -> bool:
    """Play all sites through; give whether all fit, or stop at the first that does not."""
    seconds, soak = load.seconds, load.soak.total_seconds()
    events = [(load.not_before.timestamp(), _READY, index, 0) for index in range(len(sites))]
    heapq.heapify(events)
    free, fit = limits.total, True
    queue: deque[int] = deque()
    while events:
        at, kind, index, size = heapq.heappop(events)
        if kind == _RELEASE:
            free += size
        else:
            site = sites[index]
            start = site.may_start(at, seconds)
            if start > at:
                heapq.heappush(events, (start, _READY, index, 0))
            elif not free:
                queue.append(index)
                continue
            else:
                size, pause = _start(site, limits, free, at, at + seconds)
                free -= size
                end = at + seconds
                heapq.heappush(events, (end, _RELEASE, index, size))
                if end > site.spans[-1][1]:
                    fit = False
                    if stop_early:
                        return False
                if site.wave < len(site.waves):
                    heapq.heappush(events, (end + (soak if pause else 0.0), _READY, index, 0))
        if free and queue:
            heapq.heappush(events, (at, _READY, queue.popleft(), 0))
    return fit


def _start(site: _Site, limits: Limits, free: int, at: float, end: float) -> tuple[int, bool]:
    """Start a batch; give its size, and whether it is the last of its wave."""
    if len(site.starts) == site.wave:
        site.starts.append(at)
        site.ends.append(end)
    batch = take_batch(site.waiting, _itself, limits, free)
    site.ends[site.wave] = end
    if site.waiting:
        return len(batch), False
    site.wave += 1
    if site.wave < len(site.waves):
        site.waiting = deque(site.waves[site.wave])
    return len(batch), True


def _itself(place: Place) -> Place:
    return place


def _times(work: SiteWork, site: _Site) -> SiteTimes:
    waves = tuple(
        WaveTimes(name, len(places), _moment(start), _moment(end))
        for (name, places), start, end in zip(work.waves, site.starts, site.ends, strict=True)
    )
    over = max(0.0, site.ends[-1] - site.spans[-1][1])
    return SiteTimes(work.code, waves, timedelta(seconds=over))


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
