"""What a site of a run does next: a function of the journal, the plan and the time.

No clock, no disk, no process: :mod:`ictops.running.engine` asks, writes the answer down
and does it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from ictops.calendars.window import Window
from ictops.estate.models import Place
from ictops.plans.batch import take_batch
from ictops.plans.model import Budget, Gate
from ictops.running.messages import ShardKind
from ictops.settings import Limits
from ictops.store.records import GOOD, STRAGGLING, HostRecord, SiteRecord


@dataclass(frozen=True, slots=True)
class SiteView:
    """All that a decision about one site rests on."""

    record: SiteRecord
    hosts: Sequence[HostRecord]
    waves: int
    windows: Sequence[Window]
    places: Mapping[str, Place]
    """Where each host is."""
    busy: bool
    """Whether a shard of this site is running."""


@dataclass(frozen=True, slots=True)
class RunView:
    """What a site's decision must know of the rest of the run."""

    gate: Gate
    limits: Limits
    batch_seconds: float
    """How long a batch of hosts is expected to take."""
    hosts: int
    failed: int
    working: int
    """Hosts that shards are working on, over all sites."""


@dataclass(frozen=True, slots=True)
class Start:
    """Start a shard on these hosts."""

    wave: int
    hosts: list[str]
    kind: ShardKind = "work"


@dataclass(frozen=True, slots=True)
class Settle:
    """Every host of the wave has been tried: its soak begins."""

    wave: int


@dataclass(frozen=True, slots=True)
class Pass:
    """The gate after this wave is open."""

    wave: int


@dataclass(frozen=True, slots=True)
class Close:
    """The site is over: done, or stopped by a gate."""

    stopped: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do before ``until``, or before something else happens if that is None."""

    until: datetime | None
    reason: str
    for_person: bool = False
    """Whether a person must do something, who may take days; ``until`` is only to look."""


APPROVAL_GLANCE = timedelta(seconds=2)

Decision = Start | Settle | Pass | Close | Wait


def allowed(budget: Budget, hosts: int) -> int:
    """Give how many of ``hosts`` may fail; a share is rounded down."""
    return budget if isinstance(budget, int) else hosts * int(budget.rstrip("%")) // 100


def decide(site: SiteView, run: RunView, now: datetime) -> Decision:
    """Give the next step of a site."""
    if site.busy:
        return Wait(None, "hosts are being worked on")
    stopped = _over_budget(site, run)
    if stopped:
        return Close(stopped=True, reason=stopped)
    wave = site.record.passed
    open_hosts = [h for h in site.hosts if h.state == "pending"]
    if wave >= site.waves and not open_hosts:
        return Close(stopped=False, reason="every host has been done")
    if wave < site.waves and all(_tried(h) for h in site.hosts if h.wave == wave):
        gate = _gate(site, run, now)
        if gate is not None and not (isinstance(gate, Wait) and open_hosts):
            return gate
    else:
        gate = None
    due = [h for h in open_hosts if h.wave <= wave and _due(h, now)]
    if due:
        return _start_or_wait(site, run, due, now)
    times = [h.next_try_at for h in open_hosts if h.next_try_at is not None and h.wave <= wave]
    if isinstance(gate, Wait) and gate.until is not None:
        times.append(gate.until)
    last = max((w.end for w in site.windows), default=now)
    late = not isinstance(gate, Wait) and times and min(times) >= last
    if now >= last or late:
        left = f"no time is left to try {len(open_hosts)} again"
        return Close(stopped=False, reason="its last window is over" if now >= last else left)
    until = min(times, default=None)
    if isinstance(gate, Wait):
        return Wait(until, gate.reason, for_person=gate.for_person and until == gate.until)
    return Wait(until, f"{len(open_hosts)} to be tried again")


def _tried(host: HostRecord) -> bool:
    return host.state == "ended" or host.outcome in STRAGGLING


def _due(host: HostRecord, now: datetime) -> bool:
    return host.next_try_at is None or host.next_try_at <= now


def _over_budget(site: SiteView, run: RunView) -> str:
    """Tell why the site must stop, or give an empty text."""
    failed = [h for h in site.hosts if h.outcome == "failed"]
    canaries = [h for h in failed if h.wave == 0]
    if canaries and site.waves > 1:
        # Whatever the budget: a canary is there to stop the rest.
        return f"canary {canaries[0].host} failed"
    budget = allowed(run.gate.site_failures, len(site.hosts))
    if len(failed) > budget:
        return f"{len(failed)} of {len(site.hosts)} hosts failed, {budget} may"
    budget = allowed(run.gate.run_failures, run.hosts)
    if run.failed > budget:
        return f"{run.failed} of the run's {run.hosts} hosts failed, {budget} may"
    return ""


def _gate(site: SiteView, run: RunView, now: datetime) -> Decision | None:
    """Give what the gate after the current wave says; every host of it has been tried."""
    wave = site.record.passed
    good = [h.host for h in site.hosts if h.wave == wave and h.outcome in GOOD]
    if wave == 0 and site.waves > 1 and not good:
        still_open = any(h.wave == 0 and h.state == "pending" for h in site.hosts)
        if still_open:
            return Wait(None, "no canary could be reached yet")
        return Close(stopped=True, reason="no canary got through")
    if site.record.settled_at is None:
        return Settle(wave)
    soaked = site.record.settled_at + run.gate.soak
    if wave + 1 < site.waves and now < soaked:
        return Wait(soaked, "soaking")
    if run.gate.health and good and site.record.checked <= wave:
        return _start_or_wait(site, run, good, now, kind="health")
    if run.gate.approval and wave + 1 < site.waves and site.record.approved <= wave:
        # A person opens it by another command: look again soon.
        glance = now + APPROVAL_GLANCE
        return Wait(glance, "waits for approval of the next wave", for_person=True)
    return Pass(wave)


def _start_or_wait(
    site: SiteView,
    run: RunView,
    due: Sequence[HostRecord] | Sequence[str],
    now: datetime,
    kind: ShardKind = "work",
) -> Decision:
    """Start as many of these hosts as limits allow, if they can end within the window."""
    window = next((w for w in site.windows if now in w), None)
    needed = timedelta(seconds=run.batch_seconds)
    if window is None or now + needed > window.end:
        later = [w for w in site.windows if w.start > now and w.length >= needed]
        if later:
            opens = later[0].start
            return Wait(opens, f"waits for its next window: {opens:%a %d %b %Y %H:%M}")
        end = window.end if window else now
        if now < end:
            return Wait(end, "what is left of the last window is too short for another host")
        return Close(stopped=False, reason="its last window is over")
    names = [h if isinstance(h, str) else h.host for h in due]
    free = run.limits.total - run.working
    chosen = take_batch(deque(names), lambda name: site.places.get(name, Place()), run.limits, free)
    if not chosen:
        return Wait(None, "waits for other sites: the limit of hosts at once is reached")
    return Start(site.record.passed, chosen, kind)
