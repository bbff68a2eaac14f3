"""What keeps the journal good and small: a checked copy, and old events and jobs deleted."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ictops.errors import JournalDamaged, JournalError
from ictops.operations.carry import jobs_of
from ictops.running.recovery import prune_jobs
from ictops.settings import Settings, make_private
from ictops.store.alarms import Alarms
from ictops.store.backup_care import BackupCare
from ictops.store.backups import Backups
from ictops.store.copies import is_file, make_copy
from ictops.store.deliveries import Deliveries
from ictops.store.drift import Drifts
from ictops.store.journal import Journal
from ictops.store.slots import Slots

DAILY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was deleted because of its age."""

    events: int
    jobs: int
    drifts: int
    """Results of drift checks."""
    alarms: int
    """Alarms that ended, and messages that told of them."""
    slots: int
    """Times at which schedules were due."""
    backups: int
    """Samples of backups, and what was done to repositories; what status and drills need stays."""


def prune(journal: Journal, settings: Settings, now: datetime, days: int | None = None) -> Pruned:
    """Delete old events, results of drift checks, slots and alarms, and what lost jobs
    left behind.

    :param days: how long ago a run may have ended whose events are kept, and a result of a drift
        check or an alarm that is no longer so; as the settings say if None.
    """
    kept = timedelta(days=days or settings.keep_events_days)
    events = journal.prune_events(now - kept)
    drifts = Drifts(journal).prune(now - kept)
    alarms = Alarms(journal).prune(now - kept) + Deliveries(journal).prune(now - kept)
    slots = Slots(journal).prune(now - kept)
    backups = Backups(journal, settings.cluster).prune(now - kept)
    backups += BackupCare(journal, settings.cluster).prune(now - kept)
    jobs = prune_jobs(journal, jobs_of(settings))
    return Pruned(events, jobs, drifts, alarms, slots, backups)


def keep_house(journal: Journal, settings: Settings, now: datetime) -> None:
    """Copy the journal, which also checks it, and prune it.

    :raises JournalError: if the journal is damaged, or its copy cannot be written.
    """
    if is_file(settings.journal_url):
        try:
            make_copy(settings.journal_url, now)
        except JournalDamaged:
            raise
        except JournalError:  # such as for want of space: the more is to be pruned
            prune(journal, settings, now)
            raise
    prune(journal, settings, now)
    with suppress(OSError):  # it is done once more then
        stamp = _stamp(settings)
        make_private(stamp.parent)
        stamp.write_text(now.astimezone(UTC).isoformat())


def keep_house_daily(journal: Journal, settings: Settings, now: datetime) -> None:
    """Keep house if that was not done within a day.

    :raises JournalError: as :func:`keep_house`.
    """
    try:
        kept = datetime.fromisoformat(_stamp(settings).read_text())
    except (OSError, ValueError):  # not yet, or cut off
        kept = None
    if kept is None or now - kept >= DAILY:
        keep_house(journal, settings, now)


def _stamp(settings: Settings) -> Path:
    return settings.resolve(settings.state_dir) / "kept-house"
