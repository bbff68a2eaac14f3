"""What the journal says of a run, as a decision takes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ictops.calendars.window import Window
from ictops.estate.models import Place
from ictops.plans.model import Plan
from ictops.running.decide import RunView, SiteView
from ictops.store.journal import Journal


def site_view(
    journal: Journal,
    run_id: str,
    plan: Plan,
    site: str,
    *,
    windows: Sequence[Window],
    places: Mapping[str, Place],
    busy: bool = False,
) -> SiteView:
    """Give how far a site is.

    :param busy: whether a shard of it is running.
    """
    return SiteView(
        record=journal.site(run_id, site),
        hosts=journal.hosts(run_id, site),
        waves=len(plan.sites[site].waves),
        windows=windows,
        places=places,
        busy=busy,
    )


def run_view(plan: Plan, *, failed: int, working: int = 0) -> RunView:
    """Give how far the whole run is.

    :param working: how many hosts are being worked on.
    """
    return RunView(
        gate=plan.gate,
        limits=plan.limits,
        batch_seconds=plan.estimate.seconds,
        hosts=len(plan.hosts),
        failed=failed,
        working=working,
    )
