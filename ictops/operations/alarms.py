"""Bringing alarms up to date: each source says all that it has to say now."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime

from ictops.errors import IctopsError
from ictops.operations.alarm_backups import alarms_of_backups
from ictops.operations.alarm_sources import (
    LASTS,
    of_deliveries,
    of_drift,
    of_errors,
    of_runs,
    of_slots,
)
from ictops.operations.drift_check import BACKUP
from ictops.operations.drift_show import that_counts
from ictops.operations.planning import open_cluster
from ictops.settings import Settings
from ictops.store.alarm_records import Alarm
from ictops.store.alarms import Alarms
from ictops.store.counts import Counts
from ictops.store.deliveries import Deliveries
from ictops.store.drift import Drifts
from ictops.store.journal import Journal

CONTROLLERS = "domain_controllers"
"""The inventory group of hosts whose drift is urgent."""

Source = Callable[[Journal, Settings, datetime], Iterable[Alarm]]


def _runs(journal: Journal, settings: Settings, now: datetime) -> Iterable[Alarm]:
    return of_runs(Counts(journal, settings.cluster), now)


def _drift(journal: Journal, settings: Settings, now: datetime) -> Iterable[Alarm]:
    # A backup that is older than promised has an alarm of its own, and is told once.
    found = [one for one in that_counts(journal, settings.cluster, now) if one.kind != BACKUP]
    controllers = {
        host.name
        for host in (open_cluster(settings).all_hosts() if found else ())
        if CONTROLLERS in host.groups
    }
    newest = [one for one in Drifts(journal).newest(settings.cluster) if one.kind != BACKUP]
    return of_drift(newest, found, controllers)


def _slots(journal: Journal, settings: Settings, now: datetime) -> Iterable[Alarm]:
    return of_slots(Counts(journal, settings.cluster).slots_over(now - LASTS))


def _deliveries(journal: Journal, settings: Settings, now: datetime) -> Iterable[Alarm]:
    return of_deliveries(Deliveries(journal).waiting(settings.cluster), now)


SOURCES: dict[str, Source] = {
    "run": _runs,
    "slot": _slots,
    "drift": _drift,
    "backup": alarms_of_backups,
    "notify": _deliveries,
}
"""By name, what says what is wrong now. A part of ictops that has something to say adds itself."""

TICK = "tick"
"""The source that tells of what a tick could not do."""


def look(
    journal: Journal, settings: Settings, now: datetime, errors: Iterable[str] = ()
) -> list[str]:
    """Bring the alarms of the settings' cluster up to date.

    A source that cannot be read says nothing: its alarms stay as they are.

    :param errors: what this tick could not do so far, in words for a person.
    :return: what could not be done of it, in words for a person.
    """
    alarms = Alarms(journal)
    failed = []
    for name, source in SOURCES.items():
        try:
            alarms.tell(settings.cluster, name, source(journal, settings, now), now)
        except IctopsError as error:
            failed.append(f"alarms of {name}: {error}")
    alarms.tell(settings.cluster, TICK, of_errors([*errors, *failed]), now)
    return failed
