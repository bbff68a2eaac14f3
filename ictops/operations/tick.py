"""``ictops tick``: woken every minute, it carries on whatever may go on now, and tells people.

What the schedules say is due it begins first. One tick acts at a time. It stays while runs that
it carries are at work, and takes up others that become due meanwhile; a run that waits for its
next window is given back.
"""

from __future__ import annotations

import fcntl
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from ictops.errors import IctopsError, RunCarried
from ictops.operations.carry import carry, windows_from
from ictops.operations.finish import finish, finish_cancelled
from ictops.operations.housekeeping import keep_house_daily
from ictops.operations.metrics import mark_tick, write_metrics
from ictops.operations.slots import begin_due
from ictops.operations.telling import Telling
from ictops.plans.model import Plan
from ictops.running.decide import Wait, decide
from ictops.running.engine import Engine
from ictops.running.views import run_view, site_view
from ictops.settings import Settings, make_private
from ictops.store.journal import Journal
from ictops.store.records import RunRecord

log = logging.getLogger(__name__)

LOOK_AGAIN = 30.0
"""Seconds after which a tick at work looks for runs that have become due."""


def due(journal: Journal, settings: Settings, now: datetime) -> list[str]:
    """Give the runs that nobody carries and that have something to do now."""
    return [
        run.id
        for run in journal.runs(open_only=True)
        if not journal.is_carried(run) and _has_something_to_do(journal, settings, run, now)
    ]


def _has_something_to_do(
    journal: Journal, settings: Settings, run: RunRecord, now: datetime
) -> bool:
    if run.wish == "cancel" or run.state == "running":  # its process was lost
        return True
    if run.state == "paused":
        return False
    plan = Plan.model_validate_json(run.plan)
    view = run_view(plan, failed=journal.failed(run.id))
    open_sites = [site for site in journal.sites(run.id) if site.state == "open"]
    for site in open_sites:
        windows = windows_from(plan, run, site.site, settings.of_cluster(run.cluster), now)
        if not any(now in w for w in windows) and any(w.end > now for w in windows):
            continue
        seen = site_view(journal, run.id, plan, site.site, windows=windows, places={})
        if not isinstance(decide(seen, view, now), Wait):
            return True
    return not open_sites  # then it is only to be ended


class Tick:
    """One waking: every due run is carried as far as it can go now."""

    def __init__(self, journal: Journal, settings: Settings) -> None:
        self.begun: list[str] = []
        """Runs that schedules began."""
        self.carried: list[str] = []
        self.errors: list[str] = []
        """What could not be done, in words for a person."""
        self._journal = journal
        self._settings = settings
        self._engines: list[Engine] = []
        self._telling = Telling(journal, settings)
        self._passing: set[str] = set()
        """Of the errors those that are tried again all the while: told only where they last."""
        self._stopping = False

    def run(self) -> None:
        """Carry what is due, and return at once if another tick is at work."""
        with _only_one(self._settings) as alone:
            if not alone:
                log.info("another tick is at work")
                return
            self._keep_house()
            self._carry_all()
            if not self._stopping:
                self._tell()

    def stop(self) -> None:
        """Give every run back, ending what is at work; a signal's handler calls this.

        The next tick carries them on.
        """
        self._stopping = True
        for engine in self._engines:
            engine.stop("waiting", at_once=True)

    def _carry_all(self) -> None:
        workers: dict[str, threading.Thread] = {}
        while True:
            self._begin_scheduled()
            for run_id in self._due():
                if run_id not in workers or not workers[run_id].is_alive():
                    self.carried.append(run_id)
                    workers[run_id] = threading.Thread(target=self._carry, args=(run_id,))
                    workers[run_id].start()
            look_again = time.monotonic() + LOOK_AGAIN
            for worker in workers.values():
                worker.join(timeout=max(0.0, look_again - time.monotonic()))
            if not any(worker.is_alive() for worker in workers.values()):
                return
            if not self._stopping:  # else there is little time, and the next tick tells
                self._tell()

    def _due(self) -> list[str]:
        if self._stopping:
            return []
        return due(self._journal, self._settings, datetime.now(UTC))

    def _begin_scheduled(self) -> None:
        if self._stopping:
            return
        try:
            begun = begin_due(self._journal, self._settings, datetime.now(UTC))
        except IctopsError as error:
            self._say(f"schedules: {error}")
            return
        self.begun += begun.runs
        for text in begun.errors:
            self._say(text)

    def _carry(self, run_id: str) -> None:
        try:
            ending = carry(
                self._journal,
                run_id,
                self._settings,
                wait_for_windows=False,
                on_engine=self._take,
            )
            log.info("run %s is %s", run_id, ending)
            if ending == "finished":
                made = finish(self._journal, self._settings, run_id)
                if made is not None:
                    log.info("run %s: image %s %s is published", run_id, made.name, made.version)
            elif ending == "cancelled":
                finish_cancelled(self._journal, self._settings, run_id)
        except RunCarried:
            log.info("run %s is carried by another process", run_id)  # since a moment
        except IctopsError as error:
            self._say(f"run {run_id}: {error}")

    def _take(self, engine: Engine) -> None:
        self._engines.append(engine)
        if self._stopping:  # since before there was an engine to stop
            engine.stop("waiting", at_once=True)

    def _keep_house(self) -> None:
        try:
            keep_house_daily(self._journal, self._settings, datetime.now(UTC))
        except IctopsError as error:
            self._say(f"the journal could not be copied: {error}")

    def _tell(self) -> None:
        """Tell people of what is wrong, and monitors that ictops lives and how it does."""
        now = datetime.now(UTC)
        lasting = [text for text in self.errors if text not in self._passing]
        passing = self._write_metrics(now)
        try:
            passing += self._telling.tell(now, [*lasting, *passing])
        except IctopsError as error:
            passing.append(f"people are not told: {error}")
        self._passing.update(passing)
        for text in passing:
            self._say(text)
        self._telling.say_alive(now, failing=bool(lasting or passing))

    def _write_metrics(self, now: datetime) -> list[str]:
        mark_tick(self._settings, now)
        if self._settings.metrics_file is None:
            return []
        try:
            file = self._settings.resolve(self._settings.metrics_file)
            write_metrics(self._journal, self._settings, file)
        except IctopsError as error:
            return [f"metrics: {error}"]
        return []

    def _say(self, text: str) -> None:
        if text in self.errors:
            return  # it stays as long as its runs take, and looks again all the while
        self.errors.append(text)
        log.error("%s", text)


@contextmanager
def _only_one(settings: Settings) -> Iterator[bool]:
    """Hold the tick's lock; the kernel frees it when this process ends, however it ends."""
    folder = settings.resolve(settings.state_dir)
    make_private(folder)
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
