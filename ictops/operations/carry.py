"""Carrying a run in this process, from wherever it is to as far as it can go now."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from ictops.calendars.site import load_site_calendar
from ictops.calendars.window import Window, intersect
from ictops.errors import IctopsError, JournalError
from ictops.estate.load import load_cluster
from ictops.plans.model import Plan
from ictops.running.course import Course, Notice
from ictops.running.engine import Engine
from ictops.running.local import LocalExecutor, job_folder
from ictops.running.recovery import recover
from ictops.running.strategy import strategy_settings
from ictops.running.wake import wake
from ictops.settings import Settings
from ictops.store.copies import free_mb, is_file, journal_file
from ictops.store.journal import Journal
from ictops.store.lease import Lease
from ictops.store.records import Ending, RunRecord
from ictops.store.slot_filling import GRACE

NOW_LASTS = timedelta(hours=12)
"""How long a run whose windows are overridden may go on, if its plan ends before that."""


def now_utc() -> datetime:
    """Give the time."""
    return datetime.now(UTC)


def carry(
    journal: Journal,
    run_id: str,
    settings: Settings,
    *,
    notice: Callable[[Notice], None] = lambda _notice: None,
    wait_for_windows: bool = True,
    clock: Callable[[], datetime] = now_utc,
    on_engine: Callable[[Engine], None] = lambda _engine: None,
) -> Ending:
    """Take a run over and carry it until it ends, or nothing more can be done now.

    :param on_engine: given the engine before it begins, so that it can be stopped.
    :raises RunError: if another process carries it, or it has ended.
    :raises JournalError: if the disk has less free space than the settings ask for.
    """
    _check_space(settings)
    record = journal.run(run_id)
    plan = Plan.model_validate_json(record.plan)
    settings = settings.of_cluster(plan.cluster)  # whoever resumes it need not name it again
    cluster = load_cluster(settings.cluster_dir, settings.cache_dir)
    hosts = {h.name: h for code in plan.sites for h in cluster.hosts(code)}
    strategy = strategy_settings(settings.strategy)
    if strategy.warning:
        notice(Notice("", "note", strategy.warning))
    course = Course(
        strategy=strategy.name,
        forks=settings.forks,
        windows={code: windows_from(plan, record, code, settings, clock()) for code in plan.sites},
        places={n: h.place for n, h in hosts.items()},
        macs={n: mac for n, h in hosts.items() if (mac := h.mac)},
        wake=lambda site, macs: wake(macs, cluster.site(site)),
        notice=notice,
        wait_for_windows=wait_for_windows,
    )
    lease, executor = _take_over(journal, run_id, plan, settings, clock)
    engine = Engine(journal, lease, plan, executor, course, clock)
    on_engine(engine)
    return engine.carry()


def end_here(
    journal: Journal,
    run_id: str,
    settings: Settings,
    ending: Literal["paused", "cancelled"],
    clock: Callable[[], datetime] = now_utc,
) -> None:
    """End what is left of a run that nobody carries, and let it be paused or cancelled.

    Neither space nor the inventory is asked for: nothing is started.

    :raises RunCarried: if a process carries it after all.
    """
    plan = Plan.model_validate_json(journal.run(run_id).plan)
    lease, _ = _take_over(journal, run_id, plan, settings, clock)
    lease.let_go(ending, "nobody carried it", at=clock())


def _take_over(
    journal: Journal,
    run_id: str,
    plan: Plan,
    settings: Settings,
    clock: Callable[[], datetime],
) -> tuple[Lease, LocalExecutor]:
    executor = LocalExecutor(jobs_of(settings), {"ICTOPS_CLUSTER": plan.cluster})
    lease = journal.acquire(run_id, at=clock())
    try:
        recover(journal, lease, plan, executor, clock)
    except BaseException:
        with suppress(JournalError):  # else it is ours until this process is gone
            lease.release()
        raise
    return lease, executor


def jobs_of(settings: Settings) -> Path:
    """Give the folder in which the jobs of these settings' journal have theirs."""
    return job_folder(settings.resolve(settings.state_dir), settings.journal)


def windows_of(plan: Plan, record: RunRecord, site: str) -> list[Window]:
    """Give when a site may be changed: as planned, or at once where a person said so."""
    if record.now_reason is None:
        return [span.window for span in plan.sites[site].windows]
    end = record.created_at + NOW_LASTS
    return [Window(record.created_at, max(end, plan.ends_at or end))]


def windows_from(
    plan: Plan, record: RunRecord, site: str, settings: Settings, now: datetime
) -> list[Window]:
    """Give when a run that nobody carries may go on at a site, as :func:`windows_of` does.

    What a schedule began is late once nobody has carried it in time, as when the machine was
    off: what is left of it is done only in the site's own windows.
    """
    windows = windows_of(plan, record, site)
    if record.schedule is None or now - record.created_at <= GRACE:
        return windows
    try:
        cluster = load_cluster(settings.cluster_dir, settings.cache_dir)
        calendar = load_site_calendar(settings.cluster_dir, cluster.site(site))
    except IctopsError:
        return []  # nobody can tell when; the run ends and says so
    return intersect(windows, calendar.windows(windows[0].start, windows[-1].end))


def _check_space(settings: Settings) -> None:
    """Refuse to begin what the disk of the journal or of the jobs could not hold."""
    places = [settings.resolve(settings.state_dir)]
    if is_file(settings.journal_url):
        places.append(journal_file(settings.journal_url).parent)
    for place in places:
        free = free_mb(place)
        if free < settings.min_free_mb:
            raise JournalError(
                f"only {free} MB are free, {settings.min_free_mb} MB are wanted before a run "
                "goes on",
                where=str(place),
                do="Free some space, or lower min_free_mb in ictops.toml",
            )
