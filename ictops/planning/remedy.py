"""What would make a plan fit that does not: the smallest limit, or more time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from ictops.planning.fit import SiteTimes, Workload, fits
from ictops.plans.durations import format_duration
from ictops.settings import Limits

_FINE = 50


@dataclass(frozen=True, slots=True)
class Remedy:
    """Limits under which the plan fits; None where no limits help."""

    limits: Limits | None
    longest_overflow: timedelta

    def words(self, now: Limits, sites_over: int) -> str:
        """Say what to do, with the options that do it."""
        more = (
            f"{format_duration(_up_to_minute(self.longest_overflow))} more at the end of the last "
            f"window of {'the site' if sites_over == 1 else f'each of {sites_over} sites'}"
        )
        if self.limits is None:
            return f"No limit makes it fit; it needs {more}, fewer hosts, or an earlier start"
        options = [
            f"--{name}-limit {wanted}"
            for name in ("site", "room", "switch", "total")
            if (wanted := getattr(self.limits, name)) != getattr(now, name)
        ]
        return f"It fits with {' '.join(options)}, or with at most {more}"


def find_remedy(load: Workload, times: Sequence[SiteTimes], limits: Limits) -> Remedy:
    """Search for the smallest limits with which all fits.

    One limit alone is tried first; where no single one helps, all are raised and then
    lowered again one after the other. Above 50 only rounded-up values are tried, since
    nobody sets a limit of 1,937.
    """
    hosts = sum(len(places) for site in load.sites for _, places in site.waves)
    largest = max(len(places) for site in load.sites for _, places in site.waves)
    most = {"site": largest, "room": largest, "switch": largest, "total": hosts}

    def good(**changed: int) -> bool:
        return fits(load, limits.model_copy(update=changed))

    longest = max(one.overflow for one in times)
    for name, top in most.items():
        now = getattr(limits, name)
        if top > now and good(**{name: top}):
            found = _smallest(now + 1, top, lambda value, key=name: good(**{key: value}))  # type: ignore[misc]
            return Remedy(limits.model_copy(update={name: found}), longest)
    wide = {name: max(top, getattr(limits, name)) for name, top in most.items()}
    if not good(**wide):
        return Remedy(None, longest)
    for name in most:
        now, top = getattr(limits, name), wide[name]

        def still_good(value: int, key: str = name) -> bool:
            return good(**(wide | {key: value}))

        wide[name] = now if still_good(now) else _smallest(now + 1, top, still_good)
    return Remedy(limits.model_copy(update=wide), longest)


def _smallest(low: int, high: int, good: Callable[[int], bool]) -> int:
    """Give the smallest good value; ``high`` is known to be good."""
    values = _steps(low, high)
    left, right = 0, len(values) - 1
    while left < right:
        middle = (left + right) // 2
        if good(values[middle]):
            right = middle
        else:
            left = middle + 1
    return values[left]


def _steps(low: int, high: int) -> list[int]:
    """Give every value up to 50, then ever coarser round ones; ``high`` is the last."""
    values, value = [], low
    while value < high:
        values.append(value)
        step = 1 if value < _FINE else 10 ** (len(str(value)) - 1) // 2 or 1
        value = (value // step + 1) * step
    return [*values, high]


def _up_to_minute(length: timedelta) -> timedelta:
    minute = timedelta(minutes=1)
    return -(-length // minute) * minute
