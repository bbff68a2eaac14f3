"""Runs that are begun at once: they wait for no window, and no host keeps another from its turn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from ictops.operations.apply import create_run
from ictops.operations.planning import Draft, Request, Work, make_plan, sites_of
from ictops.planning.waves import CanaryRule
from ictops.plans.model import Gate, Plan
from ictops.settings import Limits, Settings
from ictops.store.journal import Journal
from ictops.store.records import Scheduled

RETRY = timedelta(minutes=5)
"""How often a host is tried again that a person waits for."""
NO_RETRY = timedelta(days=1)
"""Longer than a run lasts: a host that is off is told, and looked at the next time."""
MANY = 1_000_000
NO_LIMITS = Limits(site=MANY, room=MANY, switch=MANY, total=MANY)


def at_once(
    sites: tuple[str, ...], limit: str | None, limits: Limits, retry_every: timedelta = RETRY
) -> Request:
    """Ask for a plan of one wave without a window, which no failure stops."""
    return Request(
        sites=sites,
        span=None,
        limit=limit,
        # One that is off or fails would keep the others from theirs.
        canary=CanaryRule("none"),
        shares=(),
        gate=Gate(site_failures="100%", run_failures="100%"),
        limits=limits,
        retry_every=retry_every,
    )


def of_hosts(settings: Settings, names: Sequence[str]) -> Request:
    """Ask for a plan of these hosts, at once.

    :param names: of hosts, no patterns.
    :raises PlanError: if one is not in the inventory.
    """
    return at_once(sites_of(settings, names), ",".join(names), settings.limits)


def begin(journal: Journal, plan: Plan, reason: str, *, scheduled: Scheduled | None = None) -> str:
    """Write a run of such a plan down, and give its id.

    :param reason: why it waits for no window; it is kept in the journal.
    :param scheduled: the claim of a schedule that the run is for.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    return create_run(journal, plan, now, now_reason=reason, scheduled=scheduled)


def begin_reading(
    journal: Journal,
    settings: Settings,
    work: Work,
    sites: tuple[str, ...],
    limit: str | None,
    reason: str,
    *,
    scheduled: Scheduled | None = None,
) -> str:
    """Write a run down that changes nothing on hosts, all at the same time; give its id.

    It tries no host twice.

    :param sites: codes, or nothing for every site.
    :param limit: an Ansible host pattern.
    :param reason: why it need not wait for a window.
    :param scheduled: the claim of a schedule that the run is for.
    :raises PlanError: if there is no such host.
    """
    plan = reading_draft(settings, work, sites, limit).plan
    return begin(journal, plan, reason, scheduled=scheduled)


def reading_draft(
    settings: Settings, work: Work, sites: tuple[str, ...], limit: str | None
) -> Draft:
    """Draft a plan for what changes nothing: all sites side by side, and no host twice.

    :param sites: codes, or nothing for every site.
    :param limit: an Ansible host pattern.
    :raises PlanError: if there is no such host.
    """
    return make_plan(settings, at_once(sites, limit, NO_LIMITS, NO_RETRY), work)
