"""What a run came to: per site, per outcome, and who is left."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from ictops.errors import Exit
from ictops.store.journal import Journal
from ictops.store.records import STRAGGLING, HostRecord


@dataclass(frozen=True, slots=True)
class SiteReport:
    """One school's part of a run."""

    site: str
    state: str
    reason: str
    outcomes: dict[str, int]
    waiting_for_approval: bool = False


@dataclass(frozen=True, slots=True)
class RunReport:
    """A run, for a person or a script."""

    run: str
    title: str
    state: str
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    now_reason: str | None
    wish: str | None
    carried: bool
    """Whether a living process carries the run."""
    sites: list[SiteReport] = field(default_factory=list)
    trouble: list[HostRecord] = field(default_factory=list)
    """Hosts that failed, were not begun, or were or are to be tried again, with the reason."""


def report_of(journal: Journal, run_id: str) -> RunReport:
    """Give what a run came to so far.

    :raises RunError: if there is no such run.
    """
    run = journal.run(run_id)
    counts = journal.counts(run_id)
    sites = [
        SiteReport(s.site, s.state, s.reason, dict(Counter(counts.get(s.site, {}))))
        for s in journal.sites(run_id)
    ]
    trouble = [
        host
        for host in journal.hosts(run_id)
        if host.outcome == "failed" or host.outcome in STRAGGLING or host.tries > 1
    ]
    return RunReport(
        run=run.id,
        title=run.title,
        state=run.state,
        created_at=run.created_at,
        created_by=run.created_by,
        ended_at=run.ended_at,
        now_reason=run.now_reason,
        wish=run.wish,
        carried=journal.is_carried(run),
        sites=sites,
        trouble=trouble,
    )


def exit_code(report: RunReport) -> Exit:
    """Give the exit code that tells a script what the run came to."""
    by_state = {"paused": Exit.PAUSED, "cancelled": Exit.CANCELLED, "waiting": Exit.NOT_NOW}
    if report.state in by_state:
        return by_state[report.state]
    outcomes: Counter[str] = Counter()
    for site in report.sites:
        outcomes.update(site.outcomes)
    if outcomes["failed"] or any(site.state == "stopped" for site in report.sites):
        return Exit.HOSTS_FAILED
    return Exit.STRAGGLERS if outcomes["unreachable"] or outcomes["deferred"] else Exit.OK
