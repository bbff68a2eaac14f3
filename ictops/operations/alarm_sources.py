"""What people should know of: alarms by what the journal says now.

Each function gives all that its source has to say; what it says no longer has ended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal

from ictops.operations.backup import BACKUP
from ictops.operations.backup_care import CHECK, COPY, PRUNE
from ictops.operations.backup_drill import DRILL
from ictops.operations.backup_find import FIND, LIST
from ictops.operations.backup_restore import RESTORE
from ictops.operations.backup_status import Drill
from ictops.operations.drift import OPERATION as SWITCH_DRIFT
from ictops.operations.drift import without_name
from ictops.operations.drift_check import CHECK as DRIFT_CHECK
from ictops.operations.drift_history import ASK as EVIDENCE
from ictops.store.alarm_records import Alarm, DeliveryRecord
from ictops.store.counts import Counts, RunAtSite, SlotOver
from ictops.store.records import CheckRecord, DriftRecord

LASTS = timedelta(days=14)
"""How long what became of a run, or of a slot, is an alarm if nothing newer takes its place."""

STUCK_AFTER = timedelta(minutes=30)
"""How long a message may wait before that is an alarm of its own."""

CHECKS = frozenset(
    {
        SWITCH_DRIFT, DRIFT_CHECK, EVIDENCE, BACKUP, DRILL.operation, CHECK.operation,
        PRUNE.operation, COPY.operation, LIST.operation, FIND.operation, RESTORE,
    }
)  # fmt: skip
"""Operations of which what they found, of hosts or of backups, has alarms of its own; and a
restore, at which a person waits who is told of it there."""


def of_runs(counts: Counts, now: datetime) -> list[Alarm]:
    """Tell of runs that a gate stopped (urgent), or that left hosts behind, a site each.

    Of runs of one operation with one title only the newest that came to something counts: one
    that went well takes the alarm away.
    """
    newest: dict[tuple[str, str, str], RunAtSite] = {}
    for run in counts.runs_at_sites(now - LASTS):  # newest first
        if run.site_state == "stopped" or run.run_state == "finished":
            newest.setdefault((run.operation, run.title, run.site), run)
    finished = {run.run_id for run in newest.values() if run.site_state != "stopped"}
    outcomes = counts.outcomes(finished)
    told = (_of_run(run, outcomes.get((run.run_id, run.site), {})) for run in newest.values())
    return [alarm for alarm in told if alarm is not None]


def _of_run(run: RunAtSite, outcomes: dict[str, int]) -> Alarm | None:
    what = f"{run.title} (run {run.run_id})"
    key = _key(run.operation, run.title, run.site)
    if run.site_state == "stopped":
        return Alarm(key, "urgent", f"{what} was stopped: {run.reason}", run.site)
    if run.operation in CHECKS:
        return None
    hosts = sum(outcomes.values())
    failed = outcomes.get("failed", 0)
    left = outcomes.get("unreachable", 0) + outcomes.get("deferred", 0)
    if not failed and not left:
        return None
    became = f"{failed} of {hosts} hosts failed" if failed else f"{left} of {hosts} hosts not done"
    # A nightly run that comes to the same as the night before is no news.
    text = f"{what} ended with {became}"
    return Alarm(key, "warning" if failed else "info", text, run.site, basis=became)


def of_errors(errors: Iterable[str]) -> list[Alarm]:
    """Tell of what a tick could not do."""
    return [
        Alarm(_key(error), "warning", f"ictops tick: {error}") for error in dict.fromkeys(errors)
    ]


def of_drift(
    checks: Iterable[CheckRecord], found: Iterable[DriftRecord], controllers: Collection[str]
) -> list[Alarm]:
    """Tell of hosts that are not as they should be, or could not be compared.

    :param controllers: the domain controllers, whose drift is urgent.
    """
    alarms = []
    sites = {}
    for check in checks:
        sites[check.kind, check.host] = check.site
        if check.state == "error":
            why = without_name(check.host, check.message.partition("\n")[0])
            text = f"{check.kind}: cannot be checked for drift: {why}"
            key = _key("error", check.kind, check.host)
            alarms.append(Alarm(key, "warning", text, check.site, check.host))
    alarms += [
        Alarm(
            key=_key("drift", one.kind, one.host, one.item),
            severity="urgent" if one.host in controllers else "warning",
            text=f"{one.kind} drift: {one.item}",
            site=sites.get((one.kind, one.host), ""),
            host=one.host,
            basis=one.digest,
        )
        for one in found
    ]
    return alarms


@dataclass(frozen=True, slots=True)
class BackupSeen:
    """How a host's backup is, as far as an alarm needs it."""

    host: str
    site: str
    last_good: datetime | None
    promised: timedelta
    """How old the last good backup may be."""
    failures: int
    """Tries that failed since then."""
    drill: Drill


def of_backups(seen: Iterable[BackupSeen], now: datetime) -> Iterator[Alarm]:
    """Tell of backups that failed twice or are older than promised (urgent), or failed a drill.

    A text says no age, which would be other at each look: an alarm is told once until it changes.
    """
    for one in seen:
        for key, severity, text in _of_backup(one, now):
            yield Alarm(_key(key, one.host), severity, text, one.site, one.host)


def _of_backup(
    one: BackupSeen, now: datetime
) -> Iterator[tuple[str, Literal["urgent", "warning", "info"], str]]:
    twice = 2
    if one.failures >= twice:
        yield "failed", "urgent", "the backup failed twice or more in a row"
    elif one.failures:
        yield "failed", "warning", "the backup failed"
    if one.last_good is None:
        yield "age", "warning", "there is no good backup yet"
    elif now - one.last_good > one.promised:
        yield "age", "urgent", "the last good backup is older than promised"
    if one.drill == "failed":
        yield "drill", "urgent", "a restore drill failed"
    elif one.drill == "unproved":
        yield "drill", "info", "no restore of its backup was tried lately"


def of_slots(over: Iterable[SlotOver]) -> list[Alarm]:
    """Tell of schedules whose newest time at a site, of those that are over, was missed."""
    newest = {(slot.schedule, slot.site): slot for slot in sorted(over, key=lambda one: one.due_at)}
    return [
        Alarm(
            key=_key(slot.schedule, slot.site),
            severity="warning",
            text=f"schedule {slot.schedule} was missed: {slot.reason}",
            site=slot.site,
            basis=slot.due_at.isoformat(),
        )
        for slot in newest.values()
        if slot.state == "missed"
    ]


def of_deliveries(waiting: Iterable[DeliveryRecord], now: datetime) -> list[Alarm]:
    """Tell of routes that take no message, by those that do: urgent where the message is."""
    stuck: dict[str, list[DeliveryRecord]] = {}
    for one in waiting:
        if (one.tries or one.reason) and now - one.made_at > STUCK_AFTER:
            stuck.setdefault(one.route, []).append(one)
    return [
        Alarm(
            key=route,
            severity="urgent" if any(one.urgent for one in ones) else "warning",
            text=f"the route {route} of notify.yml takes no messages",
        )
        for route, ones in stuck.items()
    ]


def _key(*parts: str) -> str:
    """Give one word for what may be of any length."""
    return sha256("\0".join(parts).encode()).hexdigest()[:40]
