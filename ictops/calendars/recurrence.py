"""When something is due again and again: a rule of RFC 5545, and days of the school's calendar."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Literal

from dateutil.rrule import rrulestr

from ictops.calendars.feed import Span
from ictops.calendars.localtime import MINUTES_A_DAY
from ictops.calendars.site import SiteCalendar
from ictops.errors import ScheduleError

Days = Literal["any", "school day", "school night", "inset", "holiday"]
"""The days of a school's calendar to which a rule is held."""

EXAMPLES = (
    "every night at 02:00",
    "every school night at 02:00",
    "every school day at 18:00",
    "every Monday and Thursday at 03:00",
    "every Saturday at 03:00 in holidays",
    "first Monday of each holiday at 07:00",
    "last Saturday of each month at 04:00",
    "RRULE:FREQ=WEEKLY;INTERVAL=2;BYDAY=TU at 04:00 on school nights",
)

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_DAILY, _WEEKLY, _MONTHLY = "FREQ=DAILY", "FREQ=WEEKLY;BYDAY=", "FREQ=MONTHLY;"
_EVERY: dict[str, tuple[str, Days]] = {
    "day": (_DAILY, "any"),
    "night": (_DAILY, "any"),
    "weekday": (f"{_WEEKLY}MO,TU,WE,TH,FR", "any"),
    "school day": (_DAILY, "school day"),
    "school night": (_DAILY, "school night"),
    "inset day": (_DAILY, "inset"),
}
_ON: dict[str, Days] = {
    "on school days": "school day",
    "on school nights": "school night",
    "on inset days": "inset",
    "in holidays": "holiday",
    "in the holidays": "holiday",
}
_NTH = {"first": 1, "second": 2, "third": 3, "fourth": 4, "last": -1}

_WHOLE = re.compile(
    r"(?P<what>.+) at (?P<hour>[01]?\d|2[0-3]):(?P<minute>[0-5]\d)(?: (?P<on>(?:on|in) .+))?",
    re.IGNORECASE,
)
_NTH_OF = re.compile(
    rf"(?:the )?({'|'.join(_NTH)}) (\w+) of (?:each|every) (holiday|month)", re.IGNORECASE
)
_PART = re.compile(
    r"FREQ=(?:DAILY|WEEKLY|MONTHLY|YEARLY)|INTERVAL=[1-9]\d{0,2}|COUNT=[1-9]\d{0,3}|UNTIL=\d{8}"
    r"|WKST=[A-Z]{2}|BY(?:DAY|MONTH|MONTHDAY|YEARDAY|WEEKNO|SETPOS)=[-+A-Z0-9,]+"
)
_NOON = MINUTES_A_DAY // 2
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Recurrence:
    """A rule that was understood.

    :ivar text: as a person said it.
    :ivar rrule: which days, as RFC 5545 (section 3.3.10) writes it.
    :ivar at: local time, in minutes of the day.
    :ivar days: which of these days count.
    :ivar nth: which one in each holiday, from 1, or -1 for the last; 0 for all.
    """

    text: str
    rrule: str
    at: int
    days: Days = "any"
    nth: int = 0

    @property
    def needs_calendar(self) -> bool:
        """Whether the school's calendar has a say in it."""
        return self.days != "any"

    def dates(self, calendar: SiteCalendar, begun: date, span: Span) -> list[date]:
        """Give the local dates in a span on which something is due at a school.

        :param begun: when the rule was made: every second week is counted from there.
        """
        if self.nth:
            return sorted(day for day in self._of_holidays(calendar, span) if day in span)
        found = self.candidates(begun, span)
        return [day for day in found if self._counts(calendar, day)]

    def candidates(self, begun: date, span: Span) -> Sequence[date]:
        """Give the dates in a span on which something is due if the calendar agrees."""
        if self.nth:
            begun = span.first  # a weekday, or every day: nothing to be counted from
        return _expanded(self.rrule, begun, span.first, span.last)

    def _of_holidays(self, calendar: SiteCalendar, span: Span) -> Iterator[date]:
        for holiday in calendar.holidays:
            whole = calendar.with_free_days(holiday)
            if whole.first > span.last or whole.last < span.first:
                continue
            days = [day for day in self.candidates(whole.first, whole) if _free(calendar, day)]
            number = self.nth - 1 if self.nth > 0 else self.nth
            yield from days[number : number + 1 or None]

    def _counts(self, calendar: SiteCalendar, day: date) -> bool:
        match self.days:
            case "school day":
                return _taught(calendar, day)
            case "school night":  # 02:00 is of the night before that day, 22:00 of the next one
                return _taught(calendar, day if self.at < _NOON else day + _DAY)
            case "inset":
                return calendar.day(day).kind == "inset"
            case "holiday":
                return _free(calendar, day)
        return True


def parse_recurrence(text: str) -> Recurrence:
    """Understand a rule such as "every school night at 02:00".

    :raises ScheduleError: with examples, if it is not understood or is never due.
    """
    text = " ".join(text.split())
    whole = _WHOLE.fullmatch(text)
    understood = _what(whole["what"]) if whole else None
    on = _ON.get(whole["on"].lower()) if whole and whole["on"] else "any"
    if whole is None or understood is None or on is None:
        raise _not_understood(text)
    rrule, days, nth = understood
    if on != "any":
        if days != "any":
            raise _not_understood(text)  # both of them speak of the calendar
        days = on
    _check(rrule, text)
    return Recurrence(text, rrule, int(whole["hour"]) * 60 + int(whole["minute"]), days, nth)


def _what(said: str) -> tuple[str, Days, int] | None:
    """Give the days of a phrase: a rule, those of the calendar, and which in each holiday."""
    if said.upper().startswith("RRULE:"):
        return said[len("RRULE:") :].upper(), "any", 0
    if of := _NTH_OF.fullmatch(said):
        nth, day = _NTH[of[1].lower()], _codes(of[2])
        if of[3].lower() == "holiday":
            if of[2].lower() == "day":
                return _DAILY, "holiday", nth
            return (_WEEKLY + day, "holiday", nth) if day else None
        if of[2].lower() == "day":
            return f"{_MONTHLY}BYMONTHDAY={nth}", "any", 0
        return (f"{_MONTHLY}BYDAY={nth}{day}", "any", 0) if day else None
    every, _, what = said.lower().partition(" ")
    if every != "every":
        return None
    if what in _EVERY:
        return *_EVERY[what], 0
    codes = _codes(what)
    return (_WEEKLY + codes, "any", 0) if codes else None


def _codes(said: str) -> str:
    """Give weekdays as RFC 5545 names them: "MO,TH"; nothing if one is none."""
    found = []
    for word in re.split(r", and |, | and ", said.lower()):
        name = word.removesuffix("s")
        day = next((day for day in _WEEKDAYS if name in {day, day[:3]}), None)
        if day is None:
            return ""
        found.append(day[:2].upper())
    return ",".join(found)


def _check(rrule: str, text: str) -> None:
    """Refuse what RFC 5545 does not know, what is not about days, and what is never due."""
    parts = rrule.split(";")
    names = [part.partition("=")[0] for part in parts]
    wrong = next((part for part in parts if not _PART.fullmatch(part)), "")
    once = len(set(names)) == len(names) and not {"COUNT", "UNTIL"} <= set(names)
    if not wrong and once and "FREQ" in names:
        try:
            dates = rrulestr(rrule, dtstart=datetime(2024, 1, 1))  # noqa: DTZ001 - dates alone
            if next(iter(dates), None) is not None:
                return
            wrong = "there is no such day"
        except (ValueError, TypeError, IndexError) as error:  # dateutil's for numbers and words
            wrong = str(error)
    raise ScheduleError(
        f"this is no rule of days by RFC 5545{f': {wrong}' if wrong else ''}",
        where=text,
        do="Such as RRULE:FREQ=MONTHLY;BYDAY=2SA at 04:00: days alone, the time stands behind",
    )


def _not_understood(text: str) -> ScheduleError:
    listed = "; ".join(EXAMPLES)
    return ScheduleError(
        "this rule is not understood", where=text or "''", do=f"There are such as: {listed}"
    )


@lru_cache(maxsize=1024)
def _expanded(rrule: str, begun: date, first: date, last: date) -> tuple[date, ...]:
    rule = rrulestr(rrule, dtstart=datetime.combine(begun, time()))
    start, end = datetime.combine(first, time()), datetime.combine(last, time())
    return tuple(found.date() for found in rule.between(start, end, inc=True))


def _taught(calendar: SiteCalendar, day: date) -> bool:
    """Tell whether pupils come; a weekday that the calendar does not reach counts so."""
    return calendar.day(day).kind in {"school day", "unknown"}


def _free(calendar: SiteCalendar, day: date) -> bool:
    """Tell whether a day is in the holidays, or a bank holiday: no INSET day is."""
    kind = calendar.day(day).kind
    if kind == "weekend":
        return any(day in calendar.with_free_days(span) for span in calendar.holidays)
    return kind in {"holiday", "bank holiday"}
