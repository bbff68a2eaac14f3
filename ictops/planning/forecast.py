"""How a plan would go if nothing failed: when each site starts and ends, and what is too much."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from ictops.calendars.window import merge
from ictops.estate.models import Place
from ictops.planning.fit import SiteTimes, SiteWork, Workload, simulate
from ictops.planning.remedy import Remedy, find_remedy
from ictops.plans.model import Plan, SitePlan


@dataclass(frozen=True, slots=True)
class Forecast:
    """How each site of a plan would go."""

    sites: Mapping[str, SiteTimes]
    without_window: tuple[str, ...]
    """Sites with hosts to change and no window (left) to do it in."""
    remedy: Remedy | None
    """What would make it fit; None where it fits, or where no site has a window."""

    @property
    def overflows(self) -> dict[str, timedelta]:
        """By how long which site is too late."""
        return {code: one.overflow for code, one in self.sites.items() if one.overflow}

    @property
    def fits(self) -> bool:
        return not self.without_window and not self.overflows


def forecast(plan: Plan, places: Mapping[str, Place], not_before: datetime) -> Forecast:
    """Play ``plan`` through from ``not_before`` on; ``places`` tells where hosts are."""
    works = [_work(code, site, places, not_before) for code, site in plan.sites.items()]
    busy = [work for work in works if work.waves]
    load = Workload(
        sites=tuple(work for work in busy if work.windows),
        seconds=plan.estimate.seconds,
        soak=plan.gate.soak,
        not_before=not_before,
    )
    times = simulate(load, plan.limits)
    over = any(one.overflow for one in times)
    return Forecast(
        sites={one.code: one for one in times},
        without_window=tuple(work.code for work in busy if not work.windows),
        remedy=find_remedy(load, times, plan.limits) if over else None,
    )


def _work(code: str, site: SitePlan, places: Mapping[str, Place], not_before: datetime) -> SiteWork:
    return SiteWork(
        code=code,
        waves=tuple(
            (w.name, tuple(places.get(host, Place()) for host in w.hosts)) for w in site.waves
        ),
        windows=tuple(w for w in merge(s.window for s in site.windows) if w.end > not_before),
    )
