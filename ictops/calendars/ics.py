"""The events of an iCalendar file (RFC 5545), as a school's local times, each with its line.

Published feeds are seldom clean, and a date that is misread in silence would change
machines in front of a class. So the file is cut into its lines and parts here, and only the
properties that say when an event is go on to the icalendar library: whatever else a council
writes into a feed cannot spoil it, and whatever is wrong has a line.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from ictops.errors import CalendarError

WANTED = frozenset({
    "UID", "SUMMARY", "DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE", "RECURRENCE-ID",
    "STATUS", "SEQUENCE",
})  # fmt: skip
"""The properties of an event that are read."""

REPEATED_FOR = timedelta(days=366 * 10)
"""How far from its start a repeated event is followed."""

SINGLE = ("DTSTART", "DTEND", "DURATION", "RRULE", "RECURRENCE-ID", "SEQUENCE")
"""The properties that an event has once at most, and of which two would contradict each other."""

YEARS = range(2000, 2100)

_DAY = timedelta(days=1)
_NOON = time(12)


@dataclass(frozen=True, slots=True)
class Event:
    """One event, or one repetition of it."""

    name: str
    start: datetime
    """Local to the school, and without a zone; an all-day event starts at midnight."""
    end: datetime
    """Not part of it any more."""
    line: int
    """Where the event begins in the file; 1 is the first line."""
    endless: bool = False
    """Whether it repeats without an end; only the first is given then."""

    @property
    def first(self) -> date:
        """The first day that it touches."""
        return self.start.date()

    @property
    def last(self) -> date:
        """The last day that it touches."""
        return max(self.first, (self.end - timedelta.resolution).date())

    @property
    def whole_days(self) -> tuple[date, date]:
        """The first and last day that it takes up: "Friday 15:30 to Monday 08:45" is a weekend.

        The last is before the first where there is no such day.
        """
        first = self.first if self.start.time() <= _NOON else self.first + _DAY
        last = self.last if self.end.time() >= _NOON or self.end.time() == time() else None
        return first, last or self.last - _DAY


@dataclass(slots=True)
class Ics:
    """What a file holds."""

    name: str = ""
    """The calendar's own name (X-WR-CALNAME)."""
    events: list[Event] = field(default_factory=list)
    faults: list[CalendarError] = field(default_factory=list)
    """Each with its line; events that are wrong are not among ``events``."""


@dataclass(slots=True)
class _Part:
    """A VEVENT or VTIMEZONE as its unfolded lines."""

    kind: str
    line: int
    lines: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "\r\n".join([f"BEGIN:{self.kind}", *self.lines, f"END:{self.kind}"])


@dataclass(slots=True)
class _Parsed:
    """A VEVENT that the library could read, before it is repeated."""

    component: Any
    name: str
    line: int


def read_ics(path: Path, zone: ZoneInfo) -> Ics:
    """Read a file's events as times in ``zone``; what is wrong with it comes with them."""
    return _Reader(path, zone).read()


class _Reader:
    """Reads one file."""

    def __init__(self, path: Path, zone: ZoneInfo) -> None:
        self.path = path
        self.zone = zone
        self.found = Ics()

    def read(self) -> Ics:
        # The library remembers zones by the names that files gave them, whatever file it was.
        icalendar.use_zoneinfo()  # type: ignore[no-untyped-call]
        try:
            content = self.path.read_bytes()
            parts = list(self._parts(content))
        except OSError as error:
            self._fault(1, f"the calendar cannot be read: {error.strerror}")
            return self.found
        except _NotTextError as error:
            self._fault(error.line, "this is not UTF-8 text", "Save it again as UTF-8")
            return self.found
        zones = "\r\n".join(part.text for part in parts if part.kind == "VTIMEZONE")
        events = [self._parse(part, zones) for part in parts if part.kind == "VEVENT"]
        for group in _valid([event for event in events if event is not None]):
            self._occurrences(group)
        self.found.faults.sort(key=lambda fault: int(fault.where.rpartition(":")[2]))
        return self.found

    def _fault(self, line: int, what: str, do: str = "") -> None:
        self.found.faults.append(CalendarError(what, where=f"{self.path}:{line}", do=do))

    def _parts(self, content: bytes) -> Iterator[_Part]:
        """Cut the file into its events and time zones, and say where it is cut wrongly."""
        open_parts: list[_Part] = []
        begun = False
        for number, line in _unfolded(content):
            name, value = _name(line), line.partition(":")[2].strip().upper()
            if not open_parts and (name, value) != ("BEGIN", "VCALENDAR"):
                if begun:
                    continue  # some web servers add a line of their own
                break
            begun = True
            if name == "BEGIN":
                if value == "VEVENT" and open_parts[-1].kind == "VEVENT":
                    self._unended(open_parts.pop())
                open_parts.append(_Part(value, number))
            elif name == "END":
                yield from self._ended(open_parts, value, number)
            else:
                self._take(open_parts[-1], name, line)
        for part in reversed(open_parts):
            self._unended(part)
        if not begun:
            self._fault(
                1,
                "this is no iCalendar file: it does not begin with BEGIN:VCALENDAR",
                "Fetch the .ics itself; a web page about it may have been saved",
            )

    def _ended(self, open_parts: list[_Part], kind: str, number: int) -> Iterator[_Part]:
        if kind not in {part.kind for part in open_parts}:
            self._fault(number, f"END:{kind} ends nothing: there is no BEGIN:{kind} before it")
            return
        while open_parts[-1].kind != kind:
            self._unended(open_parts.pop())
        part = open_parts.pop()
        if kind in {"VEVENT", "VTIMEZONE"}:
            yield part
        elif open_parts and open_parts[-1].kind == "VTIMEZONE":
            open_parts[-1].lines += part.text.split("\r\n")

    def _unended(self, part: _Part) -> None:
        what = {"VEVENT": "the event", "VCALENDAR": "the calendar"}.get(part.kind, part.kind)
        self._fault(
            part.line,
            f"{what} that begins here has no end (END:{part.kind})",
            "The file may have been cut short: fetch it again",
        )

    def _take(self, part: _Part, name: str, line: str) -> None:
        if part.kind == "VCALENDAR":
            if name == "X-WR-CALNAME":
                self.found.name = line.partition(":")[2].strip()
        elif part.kind != "VEVENT" or name in WANTED:
            part.lines.append(line)

    def _parse(self, part: _Part, zones: str) -> _Parsed | None:
        """Read one event; give None, and say why, if it cannot be relied on."""
        zones = zones if any("TZID" in line for line in part.lines) else ""
        text = "\r\n".join(filter(None, ("BEGIN:VCALENDAR", zones, part.text, "END:VCALENDAR", "")))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the library guesses vendors' names of zones
                calendar = icalendar.Calendar.from_ical(text)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            self._fault(part.line, f"the event that begins here cannot be read: {error}")
            return None
        event = calendar.walk("VEVENT")[0]
        name = _text(event.get("SUMMARY")) or "(no name)"
        wrong = list(_wrong(event))
        for what in wrong:
            self._fault(part.line, f"event {name!r}: {what}")
        return None if wrong else _Parsed(event, name, part.line)

    def _occurrences(self, group: list[_Parsed]) -> None:
        """Take in an event with all its repetitions and what was changed of them."""
        master = group[0]
        repeats = any(key in one.component for one in group for key in ("RRULE", "RDATE"))
        endless = "RRULE" in master.component and not (
            {"COUNT", "UNTIL"} & set(master.component["RRULE"])
        )
        if not repeats or endless:
            for one in group:
                self._take_in(one.component, one, endless=endless)
            return
        start = _date(master.component.decoded("DTSTART"))
        alone = icalendar.Calendar()
        for one in group:
            alone.add_component(one.component)
        try:
            repeated = recurring_ical_events.of(alone).between(start, start + REPEATED_FOR)
        except (ValueError, TypeError, OverflowError) as error:
            self._fault(master.line, f"event {master.name!r}: its repetition is wrong: {error}")
            return
        for component in sorted(repeated, key=lambda one: str(one.decoded("DTSTART"))):
            self._take_in(component, master, endless=False)

    def _take_in(self, component: Any, origin: _Parsed, *, endless: bool) -> None:
        if _text(component.get("STATUS")).upper() == "CANCELLED":
            return
        start, end = _span(component)
        if not _in_days(start, end):
            start, end = self._local(start), self._local(end)
        else:
            start, end = _date(start), _date(end)
        if end < start:
            self._fault(origin.line, f"event {origin.name!r} ends before it starts")
            return
        if not isinstance(start, datetime):
            # RFC 5545: DTEND is not part of the event; but some feeds repeat DTSTART in it.
            end = max(end, start + _DAY)
        name = _text(component.get("SUMMARY")) or origin.name
        event = Event(name, _midnight(start), _midnight(end), origin.line, endless)
        self.found.events.append(event)

    def _local(self, value: date) -> datetime:
        value = _midnight(value)
        return value.astimezone(self.zone).replace(tzinfo=None) if value.tzinfo else value


class _NotTextError(ValueError):
    """A line is not UTF-8."""

    def __init__(self, line: int) -> None:
        super().__init__()
        self.line = line


def _unfolded(content: bytes) -> Iterator[tuple[int, str]]:
    """Give each line with its number, and with what was folded off it put back.

    Bytes are joined before they are decoded: RFC 5545 lets a fold go through a character.
    """
    lines = content.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    pending: list[tuple[int, bytes]] = []
    for number, raw in enumerate([*lines.split(b"\n"), b"END"], 1):
        if raw[:1] in {b" ", b"\t"} and pending and raw.strip():
            pending.append((number, raw[1:]))
        elif raw.strip():
            if pending:
                yield pending[0][0], _decoded(pending)
            pending = [(number, raw)]


def _decoded(pieces: list[tuple[int, bytes]]) -> str:
    try:
        return b"".join(piece for _, piece in pieces).decode()
    except UnicodeDecodeError as error:
        raise _NotTextError(pieces[0][0]) from error


def _name(line: str) -> str:
    """Give the name of a property: what stands before its parameters and value."""
    return line.split(":", 1)[0].split(";", 1)[0].strip().upper()


def _text(value: object) -> str:
    """Give a text property; the first of them where there are several."""
    return str(value[0] if isinstance(value, list) else value or "").strip()


def _wrong(event: Any) -> Iterator[str]:
    """Say what makes an event's time unreliable."""
    unread = [(key or why.partition("'")[2], why) for key, why in event.errors]
    yield from (f"{_name(key)} is wrong: {why}" for key, why in unread)
    double = [key for key in SINGLE if isinstance(event.get(key), list)]
    yield from (f"it has more than one {key}" for key in double)
    if unread or double:
        return
    if "DTSTART" not in event:
        yield "it has no start (DTSTART)"
        return
    for key in sorted({"DTSTART", "DTEND"} & {*event}):
        value, zone = event.decoded(key), event[key].params.get("TZID")
        if not isinstance(value, date) or value.year not in YEARS:
            yield f"{key} is no date of this century: {value}"
            return
        if zone and isinstance(value, datetime) and value.tzinfo is None:
            yield f"unknown time zone {zone!r} in {key}: name one such as Europe/London"
    if event.get("DURATION") and abs(event.decoded("DURATION")) > REPEATED_FOR:
        yield f"it lasts {event.decoded('DURATION').days} days"
        return
    start, end = _span(event)
    if isinstance(start, datetime) and not _all_day(event) and not {"DTEND", "DURATION"} & {*event}:
        yield "it has no end (DTEND)"
    if "DTEND" in event and isinstance(end, datetime) != isinstance(start, datetime):
        yield "it starts on a day and ends at a time, or the reverse"
    rule = event.get("RRULE", {})
    if {str(word).upper() for word in rule.get("FREQ", ())} & {"SECONDLY", "MINUTELY", "HOURLY"}:
        yield "it repeats within the day, which no school holiday does"


def _all_day(event: Any) -> bool:
    """Tell whether DTSTART says that it is a day, though a midnight is written after it."""
    return str(event["DTSTART"].params.get("VALUE", "")).upper() == "DATE"


def _span(event: Any) -> tuple[date, date]:
    start = event.decoded("DTSTART")
    if "DTEND" in event:
        return start, event.decoded("DTEND")
    if "DURATION" in event:
        return start, start + event.decoded("DURATION")
    return start, start


def _in_days(start: date, end: date) -> bool:
    """Tell whether an event is given in days, if need be as midnights in UTC.

    Several programs write a day as 00:00:00Z, which is one in the morning in summer.
    """
    if not isinstance(start, datetime) or not isinstance(end, datetime):
        return not isinstance(start, datetime)
    at_midnight = all(one.tzinfo is UTC or str(one.tzinfo) == "UTC" for one in (start, end))
    return at_midnight and start.time() == end.time() == time() and start < end


def _date(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


def _midnight(value: date) -> datetime:
    return value if isinstance(value, datetime) else datetime.combine(value, time())


def _valid(events: list[_Parsed]) -> Iterator[list[_Parsed]]:
    """Group events with what changes one of their repetitions, and drop what is cancelled.

    RFC 5545, 3.8.7.4: of events with one UID the one of the highest SEQUENCE holds. Some
    programs give every event the same UID, so those of one SEQUENCE are all kept.
    """
    groups: dict[str, list[_Parsed]] = {}
    for number, event in enumerate(events):
        uid = _text(event.component.get("UID")) or f"no UID {number}"
        groups.setdefault(uid, []).append(event)
    for group in groups.values():
        masters = [one for one in group if "RECURRENCE-ID" not in one.component]
        highest = max((_sequence(one) for one in masters), default=0)
        masters = [one for one in masters if _sequence(one) == highest]
        changes = [one for one in group if "RECURRENCE-ID" in one.component]
        repeating = [one for one in masters if {"RRULE", "RDATE"} & {*one.component}]
        for one in masters:
            if _text(one.component.get("STATUS")).upper() != "CANCELLED":
                yield [one, *(changes if repeating and one is repeating[0] else [])]
        if not repeating:
            yield from ([one] for one in changes)


def _sequence(event: _Parsed) -> int:
    return int(event.component.get("SEQUENCE", 0))
