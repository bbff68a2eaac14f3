"""``ictops tick``: woken every minute, it carries on whatever may go on now.

One tick acts at a time. It stays while runs that it carries are at work, and takes up
others that become due meanwhile; a run that waits for its next window is given back.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from ictops.errors import IctopsError
from ictops.operations.carry import carry, windows_of
from ictops.operations.housekeeping import keep_house_daily
from ictops.plans.model import Plan
from ictops.settings import Settings
from ictops.store.journal import Journal, is_free
from ictops.store.records import RunRecord

log = logging.getLogger(__name__)

LOOK_AGAIN = 30.0
"""Seconds after which a tick at work looks for runs that have become due."""


def due(journal: Journal, now: datetime) -> list[str]:
    """Give the runs that nobody carries and that have something to do now."""
    return [
        run.id
        for run in journal.runs(open_only=True)
        if run.state != "paused"
        and is_free(run.holder, run.holder_seen_at, now)
        and _has_something_to_do(journal, run, now)
    ]


def _has_something_to_do(journal: Journal, run: RunRecord, now: datetime) -> bool:
    if run.wish == "cancel" or run.state == "running":  # its process was lost
        return True
    plan = Plan.model_validate_json(run.plan)
    for site in journal.sites(run.id):
        if site.state != "open":
            continue
        windows = windows_of(plan, run, site.site)
        if any(now in window for window in windows) or all(w.end <= now for w in windows):
            return True
    return False


def tick(journal: Journal, settings: Settings) -> list[str]:
    """Carry every due run as far as it can go now; give their ids.

    Gives an empty list at once if another tick is at work.
    """
    carried: list[str] = []
    with _only_one(settings) as mine:
        if not mine:
            return []
        _keep_house(journal, settings)
        workers: dict[str, threading.Thread] = {}
        while True:
            for run_id in due(journal, datetime.now(UTC)):
                if run_id in workers and workers[run_id].is_alive():
                    continue
                carried.append(run_id)
                workers[run_id] = threading.Thread(
                    target=_carry, args=(journal, run_id, settings), name=f"run {run_id}"
                )
                workers[run_id].start()
            alive = [worker for worker in workers.values() if worker.is_alive()]
            if not alive:
                return carried
            alive[0].join(timeout=LOOK_AGAIN)


def _carry(journal: Journal, run_id: str, settings: Settings) -> None:
    try:
        ending = carry(journal, run_id, settings, wait_for_windows=False)
        log.info("run %s is %s", run_id, ending)
    except IctopsError as error:
        log.error("run %s: %s", run_id, error)  # noqa: TRY400 - a person's error, no traceback


def _keep_house(journal: Journal, settings: Settings) -> None:
    try:
        keep_house_daily(journal, settings, datetime.now(UTC))
    except IctopsError as error:
        log.error("the journal could not be copied: %s", error)  # noqa: TRY400


@contextmanager
def _only_one(settings: Settings) -> Iterator[bool]:
    """Hold the tick's lock; the kernel frees it when this process ends, however it ends."""
    folder = settings.resolve(settings.state_dir)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(folder / "tick.lock", os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        yield False
        return
    try:
        yield True
    finally:
        os.close(handle)
