"""What keeps the journal good and small: a checked copy, and old events and jobs deleted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from ictops.running.local import job_folder
from ictops.running.recovery import prune_jobs
from ictops.settings import Settings
from ictops.store.copies import copies, is_file, make_copy
from ictops.store.journal import Journal

DAILY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was deleted because of its age."""

    events: int
    jobs: int


def prune(journal: Journal, settings: Settings, now: datetime, days: int | None = None) -> Pruned:
    """Delete events of runs that ended long ago, and what lost jobs left behind.

    :param days: how old events may be; as the settings say if None.
    """
    kept = timedelta(days=days or settings.keep_events_days)
    events = journal.prune_events(now - kept)
    return Pruned(events, prune_jobs(journal, job_folder(settings.resolve(settings.state_dir))))


def keep_house(journal: Journal, settings: Settings, now: datetime) -> None:
    """Copy the journal, which also checks it, and prune it.

    :raises JournalError: if the journal is damaged, or its copy cannot be written.
    """
    if is_file(settings.journal_url):
        make_copy(settings.journal_url, now)
    prune(journal, settings, now)


def keep_house_daily(journal: Journal, settings: Settings, now: datetime) -> None:
    """Keep house if that was not done within a day.

    :raises JournalError: as :func:`keep_house`.
    """
    url = settings.journal_url
    made = copies(url) if is_file(url) else []
    if not made or now - made[0].made_at >= DAILY:
        keep_house(journal, settings, now)
