"""A council's published term dates, understood: holidays, INSET days and bank holidays.

Councils publish several styles: spans of holidays, spans of terms, days on which terms start
and end, one event for each day of term, and mixtures. All come out as holidays here. What a
feed does not say for certain is no holiday.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

from ictops.calendars.ics import Event, Ics, read_ics
from ictops.calendars.names import (
    SHORTEST_TERM,
    Meaning,
    common_name,
    meaning,
    own_words,
    speaks_of_school,
    without_prefix,
)
from ictops.errors import CalendarError

LONGEST_HOLIDAY = 75
"""Days: independent schools have ten weeks in summer; more is a mistake in the feed."""

LONGEST_GAP = 40
"""Days between two terms, other than in summer: with more, a term or its start is missing."""

_SUMMER = range(6, 10)
_DAY = timedelta(days=1)
_CLOSED = "Closed"


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Days from ``first`` to ``last``, both included."""

    first: date
    last: date
    name: str

    def __contains__(self, day: date) -> bool:
        return self.first <= day <= self.last

    def __iter__(self) -> Iterator[date]:
        return (self.first + n * _DAY for n in range((self.last - self.first).days + 1))


@dataclass(frozen=True, slots=True)
class Note:
    """Something in a feed that a person should know of, and that opens no window."""

    line: int
    span: Span
    what: str


@dataclass(frozen=True, slots=True)
class Feed:
    """What a calendar says of pupils and staff, and for which days it says it."""

    holidays: tuple[Span, ...]
    """In order; they may touch, but not overlap."""
    insets: frozenset[date]
    bank_holidays: tuple[Span, ...]
    first: date
    last: date
    notes: tuple[Note, ...] = ()


def read_feed(path: Path, zone: ZoneInfo) -> Feed:
    """Read a council's calendar for schools whose clocks are those of ``zone``.

    :raises CalendarError: with the file and the line, if it cannot be relied on.
    """
    feed, faults = check_feed(path, zone)
    if feed is None or faults:
        more = f" ('ictops inventory check' shows {len(faults)} faults)" if faults[1:] else ""
        raise CalendarError(
            faults[0].what, where=faults[0].where, do=(faults[0].do or "Mend the file") + more
        )
    return feed


def check_feed(path: Path, zone: ZoneInfo) -> tuple[Feed | None, list[CalendarError]]:
    """Give what a council's calendar says, and everything that is wrong with it."""
    ics = read_ics(path, zone)
    if ics.faults:
        return None, ics.faults
    understood = _Understanding(path, ics)
    return understood.feed(), understood.faults


class _Understanding:
    """What the events of one file mean together."""

    def __init__(self, path: Path, ics: Ics) -> None:
        self.path = path
        self.faults: list[CalendarError] = []
        self.notes: list[Note] = []
        self.events: dict[Meaning, list[Event]] = {kind: [] for kind in Meaning}
        own = own_words(ics.name)
        names = without_prefix([event.name for event in ics.events])
        for event, name in zip(ics.events, names, strict=True):
            self._sort_in(event, name, own)

    def feed(self) -> Feed | None:
        """Give the feed, or None where there is a fault."""
        known = self.events
        named = list(self._whole(Meaning.HOLIDAY))
        insets = list(self._whole(Meaning.INSET))
        terms = _terms(known[Meaning.TERM], known[Meaning.TERM_DAY])
        derived = [*self._gaps(terms), *self._between()]
        in_term = {day for term in terms for day in term.span}
        school = {
            event.first
            for kind in (Meaning.OPENS, Meaning.CLOSES, Meaning.TERM_DAY)
            for event in known[kind]
        }
        closed = {day for span in named for day in span}
        closed |= {day for span in derived for day in span} - in_term
        self._note_contradictions(closed & school)
        holidays = _runs(closed - school, named, derived)
        if not holidays and not self.faults:
            self.faults.append(
                CalendarError(
                    "no holidays, terms, or days on which a term starts or ends were found in it",
                    where=f"{self.path}:1",
                    do="docs/calendars.md says what names are understood",
                )
            )
        if self.faults:
            return None
        said = [*holidays, *(term.span for term in terms), *insets]
        said += [Span(day, day, "") for day in school]
        return Feed(
            holidays,
            frozenset(day for span in insets for day in span),
            tuple(sorted(_touched(event) for event in known[Meaning.BANK_HOLIDAY])),
            min(span.first for span in said),
            max(span.last for span in said),
            tuple(sorted(self.notes, key=lambda note: (note.span.first, note.line))),
        )

    def _sort_in(self, event: Event, name: str, own: frozenset[str]) -> None:
        kind = meaning(name, event.first, event.last, own)
        if event.endless and kind not in {None, Meaning.BANK_HOLIDAY}:
            self._fault(
                event,
                "it repeats without an end, and no term dates are the same every year",
                "Give its repetition an UNTIL or COUNT",
            )
        elif kind is not None:
            self.events[kind].append(replace(event, name=name))
        elif speaks_of_school(name):
            self.notes.append(Note(event.line, _touched(event), "not understood"))

    def _fault(self, event: Event, what: str, do: str) -> None:
        where = f"{self.path}:{event.line}"
        self.faults.append(CalendarError(f"event {event.name!r}: {what}", where=where, do=do))

    def _whole(self, kind: Meaning) -> Iterator[Span]:
        """Give the days that events of this kind take up: not those of which they are a part."""
        for event in self.events[kind]:
            first, last = event.whole_days
            days = (last - first).days + 1
            if days > LONGEST_HOLIDAY:
                self._fault(event, f"it lasts {days} days", "Look at its DTSTART and DTEND")
            elif days > 0:
                yield Span(first, last, event.name)
            else:
                self.notes.append(Note(event.line, _touched(event), "takes up no whole day"))

    def _gaps(self, terms: Sequence[_Term]) -> Iterator[Span]:
        """Give the holidays between spans of terms."""
        for before, after in pairwise(terms):
            first, last = before.span.last + _DAY, after.span.first - _DAY
            yield from self._gap(before.ends, after.begins, first, last)

    def _between(self) -> Iterator[Span]:
        """Give the holidays between days that mark the end and the start of something."""
        edges: list[tuple[date, bool, Event]] = []
        for kind, days, opens in (
            (Meaning.CLOSES, 1, False),
            (Meaning.HOLIDAY_STARTS, 0, False),
            (Meaning.OPENS, -1, True),
            (Meaning.HOLIDAY_ENDS, 0, True),
        ):
            edges += [(one.first + days * _DAY, opens, one) for one in self.events[kind]]
        left: tuple[date, Event] | None = None
        for day, opens, event in sorted(edges, key=lambda edge: edge[:2]):
            if not opens:
                left = (day, event)
            elif left is not None:
                yield from self._gap(left[1], event, left[0], day)
                left = None

    def _gap(self, before: Event, after: Event, first: date, last: date) -> Iterator[Span]:
        days = (last - first).days + 1
        summer = (first + (last - first) / 2).month in _SUMMER
        if days > (LONGEST_HOLIDAY if summer else LONGEST_GAP):
            self._fault(
                before,
                f"no term for {days} days, until {after.name!r} (line {after.line}) "
                f"on {after.first:%d %b %Y}",
                "What the school does between must be in the feed",
            )
        elif days > 0:
            yield Span(first, last, common_name(first, last) or _CLOSED)

    def _note_contradictions(self, days: Iterable[date]) -> None:
        wrong = set(days)
        for kind in (Meaning.OPENS, Meaning.CLOSES, Meaning.TERM_DAY):
            self.notes += [
                Note(event.line, _touched(event), "is in a holiday; taken as a school day")
                for event in self.events[kind]
                if event.first in wrong
            ]


@dataclass(slots=True)
class _Term:
    """Days of school without a gap, and the events at its edges."""

    span: Span
    begins: Event
    ends: Event


def _terms(spans: Sequence[Event], days: Sequence[Event]) -> list[_Term]:
    """Give the terms, in order, with those that overlap as one, and long runs of single days."""
    runs: list[_Term] = []
    for event in sorted(days, key=lambda one: one.first):
        # A weekend, a bank holiday and an INSET day may lie between two days of a term.
        if runs and (event.first - runs[-1].span.last).days <= 5:  # noqa: PLR2004
            runs[-1].span = replace(runs[-1].span, last=event.last)
            runs[-1].ends = event
        else:
            runs.append(_Term(_touched(event), event, event))
    runs = [run for run in runs if (run.span.last - run.span.first).days + 1 >= SHORTEST_TERM]
    runs += [_Term(_touched(event), event, event) for event in spans]
    merged: list[_Term] = []
    for run in sorted(runs, key=lambda one: one.span):
        if merged and run.span.first <= merged[-1].span.last + _DAY:
            if run.span.last > merged[-1].span.last:
                merged[-1].span = replace(merged[-1].span, last=run.span.last)
                merged[-1].ends = run.ends
        else:
            merged.append(run)
    return merged


def _runs(closed: set[date], named: Sequence[Span], derived: Sequence[Span]) -> tuple[Span, ...]:
    """Give closed days as spans, each with the feed's own name for it, if it has one."""
    runs: list[Span] = []
    candidates = [
        *sorted(named, key=lambda span: span.last - span.first, reverse=True),
        *derived,
    ]
    for day in sorted(closed):
        name = next(span.name for span in candidates if day in span)
        if runs and runs[-1].last + _DAY == day and runs[-1].name == name:
            runs[-1] = replace(runs[-1], last=day)
        else:
            runs.append(Span(day, day, name))
    return tuple(runs)


def _touched(event: Event) -> Span:
    return Span(event.first, event.last, event.name)
