"""What a run came to: per site, per outcome, and who is left."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from ictops.errors import Exit
from ictops.running.progress import RETRY, progress_in
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
class AtWork:
    """How far a host is in what takes long. Times and rates as :class:`Progress` has them."""

    host: str
    at: datetime
    step: str
    percent: int | None
    rate: float | None
    remaining: int | None
    text: str


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
    at_work: list[AtWork] = field(default_factory=list)
    """Hosts that say how far they are in what takes long."""
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
        at_work=at_work(journal, run_id),
        trouble=trouble,
    )


def at_work(journal: Journal, run_id: str) -> list[AtWork]:
    """Give how far the hosts are that say it, by name."""
    found = []
    for event in journal.latest(run_id, RETRY):
        told = progress_in(json.loads(event.data)["data"])
        if told is not None and event.host is not None:
            found.append(AtWork(event.host, event.at, **told.model_dump()))
    return found


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
