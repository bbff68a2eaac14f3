"""What a tick does for the schedules: slots are written down ahead, claimed when they are due,
and begun as runs; one that was missed is caught up as its schedule says, or told as missed.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from ictops.calendars.feed import Span
from ictops.calendars.localtime import moment, zone_of
from ictops.calendars.recurrence import Recurrence, parse_recurrence
from ictops.calendars.site import SiteCalendar, load_site_calendar
from ictops.errors import IctopsError, NoHosts
from ictops.estate.load import Cluster
from ictops.operations.planning import open_cluster
from ictops.operations.scheduled import begin
from ictops.settings import Settings
from ictops.store.journal import Journal, new_run_id
from ictops.store.records import FillRecord, Scheduled, ScheduleRecord, SlotRecord
from ictops.store.slot_filling import GRACE, Filling
from ictops.store.slots import Slots

log = logging.getLogger(__name__)

AHEAD = timedelta(hours=48)
"""How far slots are written down before they are due."""
REFILL = timedelta(hours=1)
"""How much of that may be used up before it is done again; so calendars are read each hour."""
BACK = timedelta(days=35)
"""How far back slots are written down that nobody was there for."""
FAR = timedelta(days=400)
WAITS = "it was missed, and waits for a window"
UNKNOWN = "nobody can tell whether it was due"
_DAY = timedelta(days=1)


@dataclass
class Begun:
    """What became of the schedules at a waking.

    :ivar runs: the runs that were begun.
    :ivar errors: what could not be done, in words for a person.
    """

    runs: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def begin_due(journal: Journal, settings: Settings, now: datetime) -> Begun:
    """Begin what the schedules of every cluster of the journal say is due; the runs are carried
    by whoever comes.

    :raises JournalError: if the journal cannot be written.
    """
    begun = Begun()
    for cluster in Slots(journal).clusters():
        _Waking(journal, settings.of_cluster(cluster), now, begun).run()
    return begun


def fill_ahead(
    journal: Journal, settings: Settings, schedule: ScheduleRecord, now: datetime
) -> None:
    """Write the first slots of a new schedule down."""
    _Filler(Slots(journal), Calendars(settings), now).fill(schedule)


def next_due(
    calendars: Calendars, schedules: Iterable[ScheduleRecord], now: datetime
) -> dict[int, datetime]:
    """Give when schedules are due next at whichever site is first, by their numbers.

    One that is not due within :data:`FAR`, as far as the calendars are known, is left out.
    """
    found = {}
    for schedule in schedules:
        rule = parse_recurrence(schedule.rule)
        times = [
            at
            for code in calendars.sites(schedule)
            if (at := _next_at(calendars, schedule, rule, code, now)) is not None
        ]
        if times:
            found[schedule.id] = min(times)
    return found


def _next_at(
    calendars: Calendars, schedule: ScheduleRecord, rule: Recurrence, code: str, now: datetime
) -> datetime | None:
    try:
        calendar = calendars.of(code)
    except IctopsError:
        return None
    delay = jitter(schedule, code)
    dates = rule.dates(calendar, schedule.added_at.date(), _days(now, now + FAR))
    due = (moment(day, rule.at, calendar.zone) + delay for day in dates)
    return next((at for at in due if at > now), None)


class Calendars:
    """The sites of a cluster and their calendars, each read once at a waking."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._read: dict[str, SiteCalendar | IctopsError] = {}
        self.cluster: Cluster | None = None
        self.error: IctopsError | None = None
        """Why there is no cluster to be had."""
        try:
            self.cluster = open_cluster(settings)
        except IctopsError as error:
            self.error = error

    def sites(self, schedule: ScheduleRecord) -> list[str]:
        """Give the sites of a schedule that there are."""
        there = self.cluster.sites if self.cluster else {}
        return [code for code in schedule.sites or there if code in there]

    def of(self, code: str) -> SiteCalendar:
        """Give a site's calendar.

        :raises IctopsError: if it, or the inventory, cannot be read.
        """
        if self.cluster is None:
            raise self.error or IctopsError("the inventory was not read")
        if code not in self._read:
            try:
                site = self.cluster.site(code)
                self._read[code] = load_site_calendar(self._settings.cluster_dir, site)
            except IctopsError as error:
                self._read[code] = error
        found = self._read[code]
        if isinstance(found, IctopsError):
            raise found
        return found


class _Waking:
    """One cluster's schedules at one moment."""

    def __init__(self, journal: Journal, settings: Settings, now: datetime, begun: Begun) -> None:
        self._journal = journal
        self._settings = settings
        self._now = now
        self._begun = begun
        self._slots = Slots(journal)

    def run(self) -> None:
        cluster = self._settings.cluster
        self._slots.free_lost(cluster)
        schedules = self._slots.schedules(cluster)
        if not any(self._has_something_to_do(one) for one in schedules):
            return  # the inventory need not be read each minute
        calendars = Calendars(self._settings)
        filler = _Filler(self._slots, calendars, self._now)
        for schedule in schedules:
            try:
                filler.fill(schedule)
                self._begin(schedule, calendars)
            except IctopsError as error:
                self._say(schedule, error)

    def _has_something_to_do(self, schedule: ScheduleRecord) -> bool:
        fills = self._slots.fills(schedule.id)
        wanted = self._now + AHEAD - REFILL
        filled = fills and all(
            wanted <= one.filled_to <= wanted + 2 * AHEAD for one in fills.values()
        )
        return not filled or bool(self._slots.due(schedule.id, self._now))

    def _begin(self, schedule: ScheduleRecord, calendars: Calendars) -> None:
        decided = decide(schedule, self._slots.due(schedule.id, self._now), calendars, self._now)
        cluster = self._settings.cluster
        self._slots.miss(cluster, decided.missed)
        self._slots.wait(cluster, decided.waiting)
        if not decided.now:
            return
        scheduled = Scheduled(new_run_id(), schedule.name)
        claimed = self._slots.claim(cluster, decided.now, scheduled.run_id)
        if not claimed:
            return  # another tick was quicker
        sites = sorted({one.site for one in claimed})
        try:
            run = begin(self._journal, self._settings, schedule, sites, scheduled)
        except NoHosts as error:
            self._slots.skip(cluster, scheduled.run_id, str(error))
        except (IctopsError, OSError) as error:
            self._slots.give_back(cluster, scheduled.run_id, str(error))
            self._say(schedule, error)
        else:
            log.info("schedule %s has begun run %s", schedule.name, run)
            self._begun.runs.append(run)

    def _say(self, schedule: ScheduleRecord, error: Exception) -> None:
        self._begun.errors.append(f"schedule {schedule.name}: {error}")


@dataclass(frozen=True, slots=True)
class Decided:
    """What becomes of slots that are due.

    :ivar now: those to be begun.
    :ivar missed: why others are given up, by their numbers.
    :ivar waiting: what others wait for, where they did not say so.
    """

    now: list[SlotRecord]
    missed: dict[int, str]
    waiting: dict[int, str]


def decide(
    schedule: ScheduleRecord, due: Iterable[SlotRecord], calendars: Calendars, now: datetime
) -> Decided:
    """Decide what becomes of a schedule's slots that are due: docs/schedule.md has the rules."""
    decided = Decided([], {}, {})
    newest: dict[str, SlotRecord] = {}
    for slot in sorted(due, key=lambda one: one.due_at):
        if (before := newest.get(slot.site)) is not None:
            decided.missed[before.id] = _missed(before, f"the next one, of {slot.date}, is due")
        newest[slot.site] = slot
    for slot in newest.values():
        late = now - slot.due_at
        why_not = "" if late <= GRACE else _why_not(schedule, slot, calendars, now)
        if not why_not:
            decided.now.append(slot)
        elif why_not != WAITS:
            decided.missed[slot.id] = _missed(slot, why_not)
        elif not slot.reason.startswith(WAITS):
            waits = f"{WAITS}: {slot.reason}" if slot.reason else WAITS
            decided.waiting[slot.id] = waits
    return decided


def _why_not(
    schedule: ScheduleRecord, slot: SlotRecord, calendars: Calendars, now: datetime
) -> str:
    """Say why a slot that is late is not begun now; empty if it is."""
    if schedule.missed == "skip":
        return "it was late, and the schedule skips what is late"
    if schedule.within is not None and now - slot.due_at > timedelta(seconds=schedule.within):
        return "it is later than the schedule allows"
    try:
        windows = calendars.of(slot.site).windows(now, now + timedelta(minutes=1))
    except IctopsError as error:
        return f"nobody can tell whether a window is open: {error}"
    return "" if any(now in window for window in windows) else WAITS


def _missed(slot: SlotRecord, why: str) -> str:
    before = slot.reason.removeprefix(WAITS).removeprefix(": ")
    return f"{why} (before: {before})" if before else why


class _Filler:
    """Writes slots down from the last time that it was done until some time ahead."""

    def __init__(self, slots: Slots, calendars: Calendars, now: datetime) -> None:
        self._slots = slots
        self._calendars = calendars
        self._now = now

    def fill(self, schedule: ScheduleRecord) -> None:
        """Write the slots of a schedule down as its rule and the calendars say now."""
        rule = parse_recurrence(schedule.rule)
        fills = self._slots.fills(schedule.id)
        cluster = self._calendars.cluster
        known: list[tuple[str, str, FillRecord | None]]
        if cluster is None:
            known = [(code, one.timezone, one) for code, one in fills.items()]
        else:
            here = self._calendars.sites(schedule)
            known = [(code, cluster.sites[code].timezone, fills.get(code)) for code in here]
            self._slots.leave(schedule, here)
        fillings = [
            filling
            for code, zone, fill in known
            for filling in self._filling(schedule, rule, code, zone, fill)
        ]
        self._slots.fill(schedule, fillings, self._now)

    def _filling(
        self,
        schedule: ScheduleRecord,
        rule: Recurrence,
        code: str,
        timezone: str,
        fill: FillRecord | None,
    ) -> Iterator[Filling]:
        """Give the slots of one site; none where nothing can be said of it yet."""
        begun, until = schedule.added_at.date(), self._now + AHEAD
        # At a site that is new, what is due from now on.
        filled_to = fill.filled_to if fill else self._now
        after = min(self._now, max(filled_to, self._now - BACK))
        first = min(after, self._now - GRACE)
        days, unknown = _days(first, until), ""
        try:
            zone = zone_of(timezone, code)
            if rule.needs_calendar:
                dates = rule.dates(self._calendars.of(code), begun, days)
            else:
                dates = list(rule.candidates(begun, days))
        except IctopsError as error:
            if filled_to > self._now:
                return  # what was planned while the calendar could be read stands
            first, until, unknown = after, self._now, f"{UNKNOWN}: {error}"
            dates = list(rule.candidates(begun, days))
            zone = zone_of(fill.timezone if fill else "UTC", code)
        delay = jitter(schedule, code)
        due = {day: moment(day, rule.at, zone) + delay for day in dates}
        slots = {day: at for day, at in due.items() if first < at <= until}
        yield Filling(code, zone.key, slots, after, until, unknown)


def jitter(schedule: ScheduleRecord, site: str) -> timedelta:
    """Give how much later than its rule says a schedule is due at a site: always the same."""
    said = f"{schedule.cluster}\0{schedule.name}\0{site}".encode()
    number = int.from_bytes(sha256(said).digest()[:8])
    return timedelta(seconds=number % (schedule.jitter + 1))


def _days(start: datetime, end: datetime) -> Span:
    """Give the local dates that may hold a time between two moments, whatever the zone.

    A time of these dates may be put off by the longest jitter.
    """
    return Span(start.date() - 2 * _DAY, end.date() + _DAY, "")
