"""Carrying a run: ask for each site what to do next, write it down, do it, hear what came.

One thread decides and writes; executors report into a queue. Nothing is started that is
not in the journal, and whatever is in the journal as started is looked for after a crash
(:mod:`ictops.running.recovery`).
"""

from __future__ import annotations

import gc
import queue
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from ictops.errors import JournalError
from ictops.plans.model import Plan
from ictops.running.course import Course, Executor, Notice
from ictops.running.decide import Close, Decision, Pass, Settle, Start, Wait, decide
from ictops.running.messages import Ended, Event, Order
from ictops.running.outcomes import event_row, settle_end, settle_event
from ictops.running.progress import progress_of
from ictops.running.tally import Tally
from ictops.running.views import run_view, site_view
from ictops.store.journal import Journal
from ictops.store.lease import Lease
from ictops.store.records import Ending, HostRecord, Settled, ShardRecord, SiteState, Wish

BEAT = 15.0
"""Seconds between two signs of life in the journal."""
OTHER_RUN = timedelta(seconds=5)
"""How long to leave hosts alone that another run works on."""
SHORT = timedelta(minutes=2)
"""How long a run is kept that has nothing to do, where others would carry it on."""
WORKING = Wait(None, "hosts are being worked on")
GLANCE = 0.5
"""Seconds after which a person's wish is looked at again."""
GATHER = 0.035
"""Seconds for which reports are gathered for one commit; all are to be on the disk after 0.05."""
MOST = 100
"""Reports that are not kept waiting for more."""


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
        """What the carrying is about to end in, once no shard is at work any more."""
        self._at_once = False
        self._cut = False
        """Whether we ended what was at work."""
        self._shards: dict[int, ShardRecord] = {}
        self._tallies: dict[int, Tally] = {}
        self._site_of = {h: code for code, site in plan.sites.items() for h in site.hosts}
        self._said: dict[str, str] = {}
        self._open: dict[str, Wait | None] = {}
        """What each open site waits for; None: it has not been asked since things changed."""
        self._closed: set[str] = set()
        self._telling: set[str] = set()
        """Hosts that say how far they are."""

    def carry(self) -> Ending:
        """Carry the run until it ends, is stopped, or has nothing to do before long.

        :raises IctopsError: if it cannot go on (journal full, lease lost); every process
            of the run has been ended by then, and the run can be resumed.
        """
        gc.freeze()  # what is loaded by now stays: looking through it again holds reports up
        try:
            return self.lease.let_go(self._loop(), self._summary(), at=self.clock())
        except BaseException:
            self.executor.cancel()
            # Whoever takes it over finds shards that did not end, and looks what became of
            # them. Where this cannot be written, it is ours until this process is gone.
            with suppress(JournalError):
                self.lease.release()
            raise
        finally:
            gc.unfreeze()

    def stop(self, ending: Ending, *, at_once: bool = False) -> None:
        """Begin to end the carrying; a signal's handler or another thread may call this.

        :param ending: ``paused`` and ``cancelled`` hold, whatever is asked later.
        :param at_once: whether to end what is at work, or to let it finish.
        """
        if self.stopping in {None, "waiting"}:
            self.stopping = ending
        self._at_once |= at_once

    def _loop(self) -> Ending:
        beaten = time.monotonic()
        glanced = -GLANCE
        for record in self.journal.sites(self.lease.run_id):
            if record.state == "open":
                self._open[record.site] = None
        while True:
            wish: Wish | None = None
            if time.monotonic() - glanced >= GLANCE or None in self._open.values():
                glanced = time.monotonic()
                wish = self.lease.wish()
            self._heed(wish)
            soonest: datetime | None = None
            if self.stopping is None:
                soonest = self._advance()
            if not self._shards and not self._open and self.stopping != "cancelled":
                return "finished"
            if not self._shards and self.stopping is not None:
                return self.stopping
            if self._may_give_back(soonest):
                return "waiting"
            self._listen(self._patience(soonest))
            if time.monotonic() - beaten > BEAT:
                self.lease.beat()
                beaten = time.monotonic()

    def _heed(self, wish: Wish | None) -> None:
        """Begin to end if a person asked for it; a cancel beats a pause."""
        if wish == "cancel":
            self.stopping, self._at_once = "cancelled", True
        elif wish == "pause":
            self.stop("paused")
        if self._at_once and not self._cut:
            self._cut = True
            self.executor.cancel()

    def _may_give_back(self, soonest: datetime | None) -> bool:
        if self._shards or self.stopping is not None or self.course.wait_for_windows:
            return False
        return soonest is None or soonest - self.clock() > SHORT

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
        waits = [w for w in self._open.values() if w is not None and w.until is not None]
        if not self.course.wait_for_windows:
            waits = [w for w in waits if not w.for_person]
        return min((w.until for w in waits if w.until is not None), default=None)

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
        view = site_view(
            self.journal,
            self.lease.run_id,
            self.plan,
            site,
            windows=self.course.windows[site],
            places=self.course.places,
            busy=any(shard.site == site for shard in self._shards.values()),
        )
        working = sum(len(shard.hosts) for shard in self._shards.values())
        run = run_view(self.plan, failed=failed, working=working)
        step = decide(view, run, now)
        match step:
            case Start():
                return self._start(site, step, view.hosts)
            case Settle():
                name = self.plan.sites[site].waves[step.wave].name
                self.lease.update_site(site, "wave tried", name, at=now, settled_at=now)
            case Pass():
                name = self.plan.sites[site].waves[step.wave].name
                self.lease.update_site(
                    site, "gate passed", name, at=now, passed=step.wave + 1, settled_at=None
                )
            case Close():
                self._close(site, step, view.hosts, now)
            case Wait() if not view.busy:
                self._tell(site, step.reason)
        return step

    def _close(self, site: str, step: Close, hosts: Sequence[HostRecord], now: datetime) -> None:
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

    def _start(self, site: str, step: Start, hosts: Sequence[HostRecord]) -> Decision:
        if step.kind == "work":
            off = {h.host for h in hosts if h.outcome == "unreachable"}
            self._wake(site, [host for host in step.hosts if host in off])
        shard = self.lease.start_shard(
            site=site,
            wave=step.wave,
            kind=step.kind,
            token=f"{self.lease.run_id}-{secrets.token_hex(8)}",
            hosts=step.hosts,
            cluster=self.plan.cluster,
            at=self.clock(),
            alone=not self.plan.beside,
        )
        if shard is None:
            others = ", ".join(self.journal.claimed_by(self.plan.cluster, step.hosts))
            wait = Wait(self.clock() + OTHER_RUN, f"run {others} works on these hosts")
            self._tell(site, wait.reason)
            return wait
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
                check=self.plan.check,
                strategy=self.course.strategy,
                forks=self.course.forks,
                ends_at=self._window_end(site),
            )
        )
        waves = self.plan.sites[site].waves
        name = waves[min(step.wave, len(waves) - 1)].name
        self.course.notice(Notice(site, "start", f"{name}: {', '.join(shard.hosts)}"))
        return step

    def _window_end(self, site: str) -> datetime | None:
        now = self.clock()
        return next((w.end for w in self.course.windows[site] if now in w), None)

    def _wake(self, site: str, hosts: Sequence[str]) -> None:
        """Send wake-on-LAN to those of these hosts whose MAC is known."""
        known = [host for host in hosts if host in self.course.macs]
        if known:
            self.lease.decide("wake-on-LAN", ", ".join(known), at=self.clock(), site=site)
            self.course.wake(site, [self.course.macs[host] for host in known])

    # -- hearing ----------------------------------------------------------------

    def _listen(self, patience: float) -> None:
        """Wait for a report, and take in all that come within a moment; one commit for all."""
        try:
            reports = [self.executor.reports.get(timeout=patience)]
        except queue.Empty:
            return
        until = time.monotonic() + GATHER
        while len(reports) < MOST:
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
            self._tell_progress(report)
            host = self._tallies[report.shard].add(report)
            if host is not None:
                tally = self._tallies[report.shard]
                settled += settle_event(tally, shard, host, self._next_try())
        self.lease.record([event_row(e) for e in events], settled, at=self.clock())
        self._announce(settled)
        for report in ended:
            self._end(report)

    def _tell_progress(self, event: Event) -> None:
        """Tell of a task that says how far its host is while it waits for it, and of its end."""
        host, told = event.host, progress_of(event)
        if host is None or (told is None and host not in self._telling):
            return
        notice = Notice(self._site_of[host], "progress", "", host)
        if told is None:
            self._telling.discard(host)
        else:
            self._telling.add(host)
            notice = replace(notice, text=told.text, outcome=told.step, percent=told.percent)
        self.course.notice(notice)

    def _end(self, ended: Ended) -> None:
        shard = self._shards.pop(ended.shard)
        tally = self._tallies.pop(ended.shard)
        settled = settle_end(
            tally,
            shard,
            ended,
            self._next_try(),
            cut_off=self._cut,
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
        off: dict[str, list[str]] = {}
        for one in settled:
            site = self._site_of[one.host]
            if one.outcome:
                self.course.notice(Notice(site, "host", one.reason, one.host, one.outcome))
            if one.outcome == "unreachable" and self._will_be_tried(site, one):
                off.setdefault(site, []).append(one.host)
        for site, hosts in off.items():
            self._wake(site, hosts)  # now: it takes a minute until they are up

    def _will_be_tried(self, site: str, host: Settled) -> bool:
        last = max((w.end for w in self.course.windows[site]), default=None)
        again = host.next_try_at
        return self.stopping is None and again is not None and last is not None and again < last

    def _next_try(self) -> datetime:
        return self.clock() + self.plan.retry_every

    def _summary(self) -> str:
        counts = self.journal.counts(self.lease.run_id)
        total: dict[str, int] = {}
        for site in counts.values():
            for outcome, number in site.items():
                total[outcome] = total.get(outcome, 0) + number
        return ", ".join(f"{number} {outcome}" for outcome, number in sorted(total.items()))
