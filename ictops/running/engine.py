"""Carrying a run: ask for each site what to do next, write it down, do it, hear what came.

One thread decides and writes; executors report into a queue. Nothing is started that is
not in the journal, and whatever is in the journal as started is looked for after a crash
(:mod:`ictops.running.recovery`).
"""

from __future__ import annotations

import queue
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol

from ictops.calendars.window import Window
from ictops.errors import IctopsError
from ictops.plans.model import Plan
from ictops.running.decide import (
    Close,
    Decision,
    Pass,
    RunView,
    Settle,
    SiteView,
    Start,
    Wait,
    decide,
)
from ictops.running.messages import Ended, Event, Order, Report
from ictops.running.outcomes import event_row, settle_end, settle_event
from ictops.running.tally import Tally
from ictops.store.journal import Journal
from ictops.store.lease import Lease
from ictops.store.records import HostRecord, Settled, ShardRecord, SiteState, Wish

BEAT = 15.0
"""Seconds between two signs of life in the journal."""
OTHER_RUN = timedelta(seconds=5)
"""How long to leave hosts alone that another run works on."""
WORKING = Wait(None, "hosts are being worked on")
GLANCE = 0.5
"""Seconds after which a person's wish is looked at again."""
GATHER = 0.02
"""Seconds for which reports are gathered for one commit: a disk's own pace for durable ones."""

Ending = Literal["finished", "paused", "cancelled", "waiting"]


class Executor(Protocol):
    """Runs shards, here or far away; the same messages either way."""

    reports: queue.Queue[Report]

    def start(self, order: Order) -> None: ...

    def cancel(self) -> None: ...

    def forget(self, token: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Notice:
    """Something that a person who watches would want to see."""

    site: str
    """Empty where it is about the whole run."""
    what: Literal["start", "host", "site", "wait", "note"]
    text: str
    host: str = ""
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Course:
    """What a run is carried by, beside its plan."""

    strategy: Literal["resident", "linear"]
    forks: int
    windows: Mapping[str, list[Window]]
    """The windows of each site, or one open one where a person overrode them."""
    rooms: Mapping[str, str]
    before_retry: Callable[[str, list[str]], None] = lambda _site, _hosts: None
    """Told of the site and hosts that were unreachable, just before they are tried again."""
    notice: Callable[[Notice], None] = lambda _notice: None
    wait_for_windows: bool = True
    """Whether to sit through closed windows, or to give the run back until one opens."""


class Engine:
    """One process's carrying of one run."""

    def __init__(
        self,
        journal: Journal,
        lease: Lease,
        plan: Plan,
        executor: Executor,
        course: Course,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.journal = journal
        self.lease = lease
        self.plan = plan
        self.executor = executor
        self.course = course
        self.clock = clock
        self.stopping: Ending | None = None
        self._shards: dict[int, ShardRecord] = {}
        self._tallies: dict[int, Tally] = {}
        self._site_of = {h: code for code, site in plan.sites.items() for h in site.hosts}
        self._said: dict[str, str] = {}
        self._open: dict[str, Wait | None] = {}
        """What each open site waits for; None: it has not been asked since things changed."""
        self._closed: set[str] = set()

    def carry(self) -> Ending:
        """Carry the run until it ends, is paused or cancelled, or its windows are closed.

        :raises IctopsError: if it cannot go on (journal full, lease lost); every process
            of the run has been ended by then, and the run can be resumed.
        """
        try:
            ending = self._loop()
        except (IctopsError, KeyboardInterrupt):
            self.executor.cancel()
            raise
        self.lease.let_go(ending, self._summary(), at=self.clock())
        return ending

    def _loop(self) -> Ending:
        beaten = time.monotonic()
        for record in self.journal.sites(self.lease.run_id):
            if record.state == "open":
                self._open[record.site] = None
        while True:
            self._heed(self.lease.wish())
            soonest: datetime | None = None
            if self.stopping is None:
                soonest = self._advance()
            if not self._shards and (not self._open or self.stopping is not None):
                return self.stopping or "finished"
            if self._may_give_back(soonest):
                return "waiting"
            self._listen(self._patience(soonest))
            if time.monotonic() - beaten > BEAT:
                self.lease.beat(self.clock())
                beaten = time.monotonic()

    def _heed(self, wish: Wish | None) -> None:
        """Begin to pause or to cancel if a person asked for it; a cancel beats a pause."""
        if wish == "cancel" and self.stopping != "cancelled":
            self.stopping = "cancelled"
            self.executor.cancel()
        elif wish == "pause" and self.stopping is None:
            self.stopping = "paused"

    def _may_give_back(self, soonest: datetime | None) -> bool:
        idle = not self._shards and self.stopping is None
        far = soonest is None or soonest - self.clock() > timedelta(minutes=2)
        return idle and far and not self.course.wait_for_windows

    def _patience(self, soonest: datetime | None) -> float:
        if soonest is None:
            return GLANCE
        return max(0.0, min(GLANCE, (soonest - self.clock()).total_seconds()))

    # -- deciding ---------------------------------------------------------------

    def _advance(self) -> datetime | None:
        """Let every site go as far as it can; give when to look again, if that is known."""
        now = self.clock()
        due = [
            site
            for site, wait in self._open.items()
            if wait is None or (wait.until is not None and wait.until <= now)
        ]
        if due:
            failed = self.journal.failed(self.lease.run_id)
            for site in due:
                self._advance_site(site, failed)
        self._open = {s: w for s, w in self._open.items() if s not in self._closed}
        return min((w.until for w in self._open.values() if w and w.until), default=None)

    def _advance_site(self, site: str, failed: int) -> None:
        step = self._step(site, failed)
        while isinstance(step, Settle | Pass):
            step = self._step(site, failed)
        if isinstance(step, Close):
            self._closed.add(site)
        else:
            self._open[site] = step if isinstance(step, Wait) else WORKING

    def _step(self, site: str, failed: int) -> Decision:
        now = self.clock()
        hosts = self.journal.hosts(self.lease.run_id, site)
        view = SiteView(
            record=self.journal.site(self.lease.run_id, site),
            hosts=hosts,
            waves=len(self.plan.sites[site].waves),
            windows=self.course.windows[site],
            rooms=self.course.rooms,
            busy=any(shard.site == site for shard in self._shards.values()),
        )
        run = RunView(
            gate=self.plan.gate,
            limits=self.plan.limits,
            batch_seconds=self.plan.estimate.seconds,
            hosts=len(self._site_of),
            failed=failed,
            working=sum(len(shard.hosts) for shard in self._shards.values()),
        )
        step = decide(view, run, now)
        match step:
            case Start():
                return self._start(site, step, hosts)
            case Settle():
                name = self.plan.sites[site].waves[step.wave].name
                self.lease.update_site(site, "wave tried", name, at=now, settled_at=now)
            case Pass():
                name = self.plan.sites[site].waves[step.wave].name
                self.lease.update_site(
                    site, "gate passed", name, at=now, passed=step.wave + 1, settled_at=None
                )
            case Close():
                self._close(site, step, hosts, now)
            case Wait() if not view.busy:
                self._tell(site, step.reason)
        return step

    def _close(self, site: str, step: Close, hosts: list[HostRecord], now: datetime) -> None:
        unbegun = f"not begun: {step.reason}"
        left = [
            Settled(h.host, "ended", h.outcome or "deferred", h.reason or unbegun)
            for h in hosts
            if h.state == "pending"
        ]
        state: SiteState = "stopped" if step.stopped else "done"
        self.lease.end_site(site, state, step.reason, left, at=now)
        self.course.notice(Notice(site, "site", step.reason, outcome=state))

    def _tell(self, site: str, text: str) -> None:
        if self._said.get(site) != text:
            self._said[site] = text
            self.course.notice(Notice(site, "wait", text))

    # -- doing ------------------------------------------------------------------

    def _start(self, site: str, step: Start, hosts: list[HostRecord]) -> Decision:
        again = [h.host for h in hosts if h.host in set(step.hosts) and h.outcome == "unreachable"]
        if again and step.kind == "work":
            self.course.before_retry(site, again)
        shard = self.lease.start_shard(
            site=site,
            wave=step.wave,
            kind=step.kind,
            token=f"{self.lease.run_id}-{secrets.token_hex(8)}",
            hosts=step.hosts,
            cluster=self.plan.cluster,
            at=self.clock(),
        )
        if shard is None:
            return Wait(self.clock() + OTHER_RUN, "another run works on these hosts")
        self._shards[shard.id] = shard
        self._tallies[shard.id] = Tally()
        check = self.plan.gate.health if step.kind == "health" else None
        self.executor.start(
            Order(
                run=self.lease.run_id,
                shard=shard.id,
                attempt=shard.attempt,
                fence=self.lease.fence,
                token=shard.token,
                site=site,
                kind=step.kind,
                inventory=self.plan.sites[site].inventory,
                playbook=check or self.plan.playbook,
                hosts=shard.hosts,
                extra_vars=self.plan.extra_vars,
                strategy=self.course.strategy,
                forks=self.course.forks,
            )
        )
        waves = self.plan.sites[site].waves
        name = waves[min(step.wave, len(waves) - 1)].name
        self.course.notice(Notice(site, "start", f"{name}: {', '.join(shard.hosts)}"))
        return step

    # -- hearing ----------------------------------------------------------------

    def _listen(self, patience: float) -> None:
        """Wait for a report, and take in all that come within a moment; one commit for all."""
        try:
            reports = [self.executor.reports.get(timeout=patience)]
        except queue.Empty:
            return
        until = time.monotonic() + GATHER
        while len(reports) < 500:  # noqa: PLR2004 - a commit's size, not a limit
            try:
                reports.append(self.executor.reports.get(timeout=max(0, until - time.monotonic())))
            except queue.Empty:
                break
        events: list[Event] = []
        ended: list[Ended] = []
        settled: list[Settled] = []
        for report in reports:
            shard = self._shards.get(report.shard)
            if shard is None or report.fence != self.lease.fence:
                continue
            if isinstance(report, Ended):
                ended.append(report)
                continue
            events.append(report)
            host = self._tallies[report.shard].add(report)
            if host is not None:
                tally = self._tallies[report.shard]
                settled += settle_event(tally, shard, host, self._next_try())
        self.lease.record([event_row(e) for e in events], settled, at=self.clock())
        self._announce(settled)
        for report in ended:
            self._end(report)

    def _end(self, ended: Ended) -> None:
        shard = self._shards.pop(ended.shard)
        tally = self._tallies.pop(ended.shard)
        settled = settle_end(
            tally,
            shard,
            ended,
            self._next_try(),
            cut_off=self.stopping == "cancelled",
            idempotent=self.plan.idempotent,
        )
        now = self.clock()
        self.lease.end_shard(
            shard.id, status=ended.status, reason=ended.reason, settled=settled, at=now
        )
        if shard.kind == "health" and self.stopping is None:
            name = self.plan.sites[shard.site].waves[shard.wave].name
            self.lease.update_site(
                shard.site, "health checked", name, at=now, checked=shard.wave + 1
            )
        self._announce(settled)
        self.executor.forget(shard.token)
        for site, wait in self._open.items():  # whoever waits for something like this
            if wait is not None and (site == shard.site or wait.until is None):
                self._open[site] = None

    def _announce(self, settled: list[Settled]) -> None:
        for one in settled:
            if one.outcome:
                site = self._site_of[one.host]
                self.course.notice(Notice(site, "host", one.reason, one.host, one.outcome))

    def _next_try(self) -> datetime:
        return self.clock() + self.plan.retry_every

    def _summary(self) -> str:
        counts = self.journal.counts(self.lease.run_id)
        total: dict[str, int] = {}
        for site in counts.values():
            for outcome, number in site.items():
                total[outcome] = total.get(outcome, 0) + number
        return ", ".join(f"{number} {outcome}" for outcome, number in sorted(total.items()))
