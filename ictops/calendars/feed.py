"""Reading a council's published term dates (iCalendar, RFC 5545).

Councils publish three styles: spans of holidays, spans of terms, and days on which terms
start and end. All three come out as holidays here, with INSET days beside them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar
import recurring_ical_events

from ictops.errors import CalendarError

SHORTEST_TERM = 15
"""Days: a "Summer term" of fewer is not a term."""

_INSET = re.compile(
    r"\binset\b|\bstaff (training|development)|non[- ]pupil|\btraining day", re.IGNORECASE
)
_HALF = re.compile(r"half[- ]?term", re.IGNORECASE)
_STARTS = re.compile(r"\b(starts?|begins?|opens?|return|first day)\b", re.IGNORECASE)
_ENDS = re.compile(r"\b(ends?|closes?|breaks? up|finish(es)?|last day)\b", re.IGNORECASE)
_TERM = re.compile(r"\bterm\b", re.IGNORECASE)
_HOLIDAY = re.compile(r"holiday|vacation|\bbreak\b|christmas|easter|closed", re.IGNORECASE)
_BANK = re.compile(r"bank holiday|good friday|boxing day|may day", re.IGNORECASE)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Days from ``first`` to ``last``, both included."""

    first: date
    last: date
    name: str

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last


@dataclass(frozen=True, slots=True)
class Feed:
    """What a calendar says of pupils and staff, and for which days it says it."""

    holidays: tuple[Span, ...]
    insets: frozenset[date]
    first: date
    last: date


def read_feed(path: Path) -> Feed:
    """Read a council's calendar.

    :raises CalendarError: with the file and the event, if it cannot be relied on.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CalendarError(f"the calendar cannot be read: {error}", where=str(path)) from error
    try:
        calendar = icalendar.Calendar.from_ical(text)
    except (ValueError, KeyError, IndexError) as error:
        raise CalendarError(f"this is no iCalendar file: {error}", where=str(path)) from error
    spans = sorted(_spans(calendar, path, text))
    if not spans:
        raise CalendarError("the calendar has no events", where=str(path))
    return _understand(spans, path)


def _spans(calendar: icalendar.Calendar, path: Path, text: str) -> Iterator[Span]:
    """Give every event as days, its repetitions too."""
    for event in calendar.walk("VEVENT"):
        where = f"{path}:{_line_of(event, text)}"
        name = str(event.get("SUMMARY", "")).strip() or "(no name)"
        # icalendar keeps a value that it cannot read as broken, in silence.
        if event.errors:
            prop, why = event.errors[0]
            raise CalendarError(f"event {name!r}: {prop} is wrong: {why}", where=where)
        _check(event, name, where)
        if "RRULE" in event and not re.search(r"COUNT|UNTIL", str(event["RRULE"])):
            raise CalendarError(f"event {name!r} repeats without an end", where=where)
        yield from _repeated(event, name, where)


def _repeated(event: icalendar.Component, name: str, where: str) -> Iterator[Span]:
    occurrences: list[icalendar.Component] = [event]
    if "RRULE" in event:
        start = _day(event.decoded("DTSTART"))
        alone = icalendar.Calendar()
        alone.add_component(event)
        occurrences = recurring_ical_events.of(alone).between(
            start, start + timedelta(days=366 * 5)
        )
    for one in occurrences:
        start = one.decoded("DTSTART")
        end = one.decoded("DTEND") if "DTEND" in one else None
        if end is None and "DURATION" in one:
            end = start + one.decoded("DURATION")
        first = _day(start)
        last = first if end is None else _day(end)
        # An end is exclusive: midnight, or a date, is not a day of the event any more.
        if end is not None and last > first and _is_midnight(end):
            last -= timedelta(days=1)
        if last < first or (end is not None and end < start):
            raise CalendarError(f"event {name!r} ends before it starts", where=where)
        yield Span(first, last, name)


def _check(event: icalendar.Component, name: str, where: str) -> None:
    if "DTSTART" not in event:
        raise CalendarError(f"event {name!r} has no start (DTSTART)", where=where)
    start = event.decoded("DTSTART")
    for key in ("DTSTART", "DTEND"):
        if key not in event:
            continue
        zone = event[key].params.get("TZID")
        value = event.decoded(key)
        if zone and isinstance(value, datetime) and value.tzinfo is None:
            raise CalendarError(f"event {name!r}: unknown time zone {zone!r}", where=where)
        if isinstance(value, datetime) != isinstance(start, datetime):
            raise CalendarError(
                f"event {name!r} starts on a day and ends at a time, or the reverse", where=where
            )
    if isinstance(start, datetime) and "DTEND" not in event and "DURATION" not in event:
        raise CalendarError(f"event {name!r} has no end (DTEND)", where=where)


def _line_of(event: icalendar.Component, text: str) -> int:
    """Give the line of an event, by its UID or its name; 1 if neither is found."""
    wanted = [f"{key}:{event[key]}" for key in ("UID", "SUMMARY") if key in event]
    lines = text.splitlines()
    for line in wanted:
        if line in lines:
            return lines.index(line) + 1
    return 1


def _day(value: date) -> date:
    if isinstance(value, datetime):
        zone = ZoneInfo("Europe/London")
        return (value.astimezone(zone) if value.tzinfo else value).date()
    return value


def _is_midnight(value: date) -> bool:
    return not isinstance(value, datetime) or (value.hour, value.minute) == (0, 0)


def _understand(spans: list[Span], path: Path) -> Feed:
    """Tell holidays, terms, markers and INSET days apart by their names."""
    insets: set[date] = set()
    holidays: list[Span] = []
    terms: list[Span] = []
    markers: list[tuple[date, bool]] = []
    for span in spans:
        days = (span.last - span.first).days + 1
        if _INSET.search(span.name):
            insets.update(span.first + timedelta(n) for n in range(days))
        elif _BANK.search(span.name):
            continue  # the holidays library knows them, observed days included
        elif _TERM.search(span.name) and days >= SHORTEST_TERM:
            terms.append(span)
        elif days == 1 and _marks(span.name) is not None:
            markers.append((span.first, bool(_marks(span.name))))
        elif _HALF.search(span.name) or _HOLIDAY.search(span.name) or "summer" in span.name.lower():
            holidays.append(span)
    if not holidays:
        holidays = list(_gaps(terms)) if terms else list(_between(sorted(markers)))
    if not holidays:
        raise CalendarError(
            "no holidays, terms or days on which a term starts or ends were found in it",
            where=str(path),
            do="docs/calendars.md says what names are understood",
        )
    return Feed(tuple(sorted(holidays)), frozenset(insets), spans[0].first, spans[-1].last)


def _marks(name: str) -> bool | None:
    """Tell whether a day starts pupils' time (True), ends it (False), or neither."""
    starts, ends = bool(_STARTS.search(name)), bool(_ENDS.search(name))
    if starts == ends:
        return None
    # "Half term starts" is the start of a holiday, "Autumn term starts" its end.
    return starts != bool(_HALF.search(name))


def _gaps(terms: list[Span]) -> Iterator[Span]:
    ordered = sorted(terms)
    for before, after in pairwise(ordered):
        first, last = before.last + timedelta(1), after.first - timedelta(1)
        if first <= last:
            yield Span(first, last, common_name(first, last))


def _between(markers: Iterable[tuple[date, bool]]) -> Iterator[Span]:
    left: date | None = None
    for day, starts in markers:
        if not starts:
            left = day
        elif left is not None:
            first, last = left + timedelta(1), day - timedelta(1)
            if first <= last:
                yield Span(first, last, common_name(first, last))
            left = None


_BY_MONTH = {
    10: "October half-term", 11: "October half-term", 12: "Christmas", 1: "Christmas",
    2: "February half-term", 3: "Easter", 4: "Easter", 5: "May half-term", 6: "May half-term",
    7: "Summer", 8: "Summer", 9: "Summer",
}  # fmt: skip


def common_name(first: date, last: date) -> str:
    """Give the name that everybody uses for a holiday in the English school year."""
    middle = first + (last - first) / 2
    return _BY_MONTH[middle.month]
