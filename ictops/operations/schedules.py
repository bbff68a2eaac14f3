"""Schedules: made, taken away, listed, and what became of each time at which they were due."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ictops.calendars.feed import Span
from ictops.calendars.recurrence import parse_recurrence
from ictops.errors import ScheduleError
from ictops.estate.select import select
from ictops.operations.planning import open_cluster, person
from ictops.operations.scheduled import understand, words_of
from ictops.operations.slots import Calendars, fill_ahead, next_due
from ictops.plans.durations import format_duration, parse_duration
from ictops.settings import Settings
from ictops.store.journal import Journal
from ictops.store.records import MissedPolicy, PastSlot, ScheduleRecord
from ictops.store.slots import Slots

LONGEST_JITTER = timedelta(hours=12)
KNOWN_AHEAD = timedelta(days=7)
"""How far history looks ahead: more is not written down."""
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_WITHIN = re.compile(r"within (?P<length>.+)")
_YEARS = timedelta(days=10 * 366)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A schedule as a person sees it.

    :ivar command: what does by hand what it begins.
    :ivar missed: what is done of a slot that was missed, in words.
    :ivar next_at: when it is due next, at whichever site is first; None if not within a year.
    """

    name: str
    rule: str
    command: str
    jitter: timedelta
    missed: str
    added_at: datetime
    added_by: str
    next_at: datetime | None


def add_schedule(
    journal: Journal,
    settings: Settings,
    name: str,
    rule: str,
    words: Sequence[str],
    *,
    jitter: str = "0",
    missed: str = "run-once",
) -> Schedule:
    """Have something begun again and again.

    :param words: the command that does it once.
    :param jitter: the longest that it is put off at a site, as ``30m``.
    :param missed: ``run-once``, ``skip`` or ``within 6h``.
    :raises ScheduleError: if it cannot be, or there is one of this name.
    :raises InventoryError: if there is no such site.
    :raises NoHosts: if the limit fits no host.
    """
    if not _NAME.fullmatch(name):
        raise ScheduleError(
            "a schedule's name is lower-case letters, digits and dashes", where=name
        )
    now = datetime.now(UTC).replace(microsecond=0)
    recurrence, asked = parse_recurrence(rule), understand(words)
    policy, within = _policy(missed)
    if not recurrence.candidates(now.date(), Span(now.date(), (now + _YEARS).date(), "")):
        raise ScheduleError("it would never be due", where=recurrence.text)
    select(open_cluster(settings), asked.sites or None, asked.limit)
    made = Slots(journal).add(
        cluster=settings.cluster,
        name=name,
        rule=recurrence.text,
        operation=asked.operation,
        sites=asked.sites,
        limit=asked.limit,
        options=asked.options,
        jitter=_jitter(jitter),
        missed=policy,
        within=within,
        by=person(),
        at=now,
    )
    fill_ahead(journal, settings, made, now)
    return next(one for one in schedules(journal, settings) if one.name == name)


def remove_schedule(journal: Journal, settings: Settings, name: str) -> int:
    """Take a schedule away, and give how many of its slots are no longer begun.

    :raises ScheduleError: if there is none of this name.
    """
    return Slots(journal).remove(settings.cluster, name, by=person(), at=datetime.now(UTC))


def schedules(journal: Journal, settings: Settings) -> list[Schedule]:
    """Give the cluster's schedules, by name."""
    standing = Slots(journal).schedules(settings.cluster)
    due = next_due(Calendars(settings), standing, datetime.now(UTC)) if standing else {}
    return [
        Schedule(
            one.name, one.rule, words_of(one), timedelta(seconds=one.jitter), policy_of(one),
            one.added_at, one.added_by, due.get(one.id),
        )
        for one in standing
    ]  # fmt: skip


def history(
    journal: Journal,
    settings: Settings,
    *,
    name: str | None = None,
    site: str | None = None,
    days: int = 14,
    now: datetime | None = None,
) -> list[PastSlot]:
    """Give every slot of the last days and those to come, the newest first.

    :param name: of one schedule, also of one that was removed.
    """
    now = now or datetime.now(UTC)
    return Slots(journal).history(
        settings.cluster,
        since=now - timedelta(days=days),
        until=now + KNOWN_AHEAD,
        name=name,
        site=site,
    )


def policy_of(schedule: ScheduleRecord) -> str:
    """Give what is done of a slot that was missed, in words."""
    if schedule.within is None:
        return schedule.missed
    return f"within {format_duration(timedelta(seconds=schedule.within))}"


def _policy(said: str) -> tuple[MissedPolicy, timedelta | None]:
    if said in {"run-once", "skip"}:
        return ("run-once" if said == "run-once" else "skip"), None
    if found := _WITHIN.fullmatch(said):
        try:
            return "within", parse_duration(found["length"])
        except ValueError as error:
            raise ScheduleError(str(error), where="--missed", do="Such as 'within 6h'") from error
    raise ScheduleError(
        f"{said!r} is no way with what was missed",
        where="--missed",
        do="There are: run-once, skip, and such as 'within 6h'",
    )


def _jitter(said: str) -> timedelta:
    try:
        jitter = parse_duration(said)
    except ValueError as error:
        raise ScheduleError(str(error), where="--jitter", do="Such as 30m") from error
    if jitter > LONGEST_JITTER:
        raise ScheduleError("more than 12 hours are another time", where="--jitter")
    return jitter
