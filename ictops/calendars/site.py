"""A site's school year, and the windows that follow from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import holidays

from ictops.calendars.feed import Feed, Span, read_feed
from ictops.calendars.localtime import MINUTES_A_DAY, moment, zone_of
from ictops.calendars.names import common_name, longest, plain
from ictops.calendars.rules import SiteRules
from ictops.calendars.window import Window, intersect, merge, subtract
from ictops.errors import CalendarError
from ictops.estate.models import Site

DayKind = Literal["school day", "inset", "holiday", "bank holiday", "weekend", "unknown"]
"""An unknown day is a weekday that the calendar does not reach: it is treated as a school day."""

_SATURDAY = 5
_DAY = timedelta(days=1)
_YEAR = re.compile(r"\b(20\d\d)\b(\s*[/-]\s*(20)?\d\d\b)?")


@dataclass(frozen=True, slots=True)
class Day:
    """What a day is for a site."""

    date: date
    kind: DayKind
    name: str = ""
    freeze: str = ""
    """The name of the freeze that it is in, if it is in one."""


class SiteCalendar:
    """One site's days and windows."""

    def __init__(self, feed: Feed, rules: SiteRules, zone: ZoneInfo, path: Path) -> None:
        self.feed = feed
        self.rules = rules
        self.zone = zone
        self.path = path
        self.insets = feed.insets | rules.site_inset_days
        self._closed: dict[date, str] = {}
        for span in feed.holidays:
            self._closed |= dict.fromkeys(span, span.name)
        for extra in rules.site_extra_holidays:
            self._closed |= dict.fromkeys(Span(extra.start, extra.end, ""), extra.name)
        self._banks = {day: span.name for span in feed.bank_holidays for day in span}
        for days in rules.site_extra_school_days:
            for day in Span(days.start, days.end, ""):
                self._closed.pop(day, None)
        self.holidays = tuple(self._join())

    def day(self, day: date) -> Day:
        """Tell what a day is."""
        freeze = next((f.name for f in self.rules.site_freezes if day in f), "")
        return Day(day, *self._kind(day), freeze)

    def windows(self, start: datetime, end: datetime) -> list[Window]:
        """Give when the site may be changed between two moments, in UTC, none in a freeze."""
        if end <= start:
            return []
        first = start.astimezone(self.zone).date() - _DAY
        last = end.astimezone(self.zone).date()
        days = list(Span(first, last, ""))
        open_times = [window for day in days for window in self._open(day)]
        frozen = [w for day in days if self.day(day).freeze for w in self._local(day, 0)]
        wanted = Window(start.astimezone(UTC), end.astimezone(UTC))
        return intersect(subtract(merge(open_times), frozen), [wanted])

    def holiday(self, text: str, after: datetime) -> Span:
        """Give the next holiday of this name that is not over at ``after``.

        "october half-term", "autumn half term 2026", "christmas", or a name of the feed. A
        year is that in which the holiday begins.

        :raises CalendarError: if there is none, with those that there are.
        """
        found = _YEAR.search(text)
        year = int(found[1]) if found else None
        name = plain(_YEAR.sub("", text))
        today = after.astimezone(self.zone).date()
        named = [span for span in self.holidays if name and name in _names(span)]
        of_year = [
            span
            for begins in (True, False)
            for span in named
            if year in {None, (span.first if begins else span.last).year}
        ]
        coming = [span for span in of_year if span.last >= today]
        if coming:
            return coming[0]
        if year and of_year:
            ended = f"{of_year[0].last:%a} {of_year[0].last.day} {of_year[0].last:%b %Y}"
            raise CalendarError(
                f"holiday {text!r} was over on {ended}", where=str(self.path),
                do="Leave the year out for the next one",
            )  # fmt: skip
        raise CalendarError(
            f"there is no holiday {text!r}", where=str(self.path), do=self._near(name, today)
        )

    def windows_in(self, text: str, after: datetime) -> list[Window]:
        """Give the windows in a holiday and the weekends and bank holidays beside it."""
        span = self.with_free_days(self.holiday(text, after))
        end = moment(span.last, MINUTES_A_DAY, self.zone)
        return self.windows(moment(span.first, 0, self.zone), end)

    def with_free_days(self, span: Span) -> Span:
        """Give a holiday with the weekends and bank holidays beside it."""
        first, last = span.first, span.last
        while self.day(first - _DAY).kind in {"weekend", "bank holiday"}:
            first -= _DAY
        while self.day(last + _DAY).kind in {"weekend", "bank holiday"}:
            last += _DAY
        return Span(first, last, span.name)

    def _kind(self, day: date) -> tuple[DayKind, str]:
        if day in self.insets:
            return "inset", "INSET"
        weekend = day.weekday() >= _SATURDAY
        if not weekend and any(day in days for days in self.rules.site_extra_school_days):
            return "school day", ""
        bank = self._bank_holiday(day)
        if bank:
            return "bank holiday", bank
        if day in self._closed:
            return "holiday", self._closed[day]
        if weekend:
            return "weekend", ""
        return ("school day" if self.feed.first <= day <= self.feed.last else "unknown"), ""

    def _bank_holiday(self, day: date) -> str:
        """Give the bank holiday that a day is, if schools are closed on it.

        In Scotland councils decide on which bank holidays theirs close
        (https://www.mygov.scot/scotland-bank-holidays), so there the feed must say so.
        """
        country = self.rules.site_bank_holidays
        official = _bank_holidays(country).get(day, "")
        said = self._banks.get(day, "")
        if country == "SCT" and not said and day not in self._closed:
            return ""
        return official or said

    def _join(self) -> Iterator[Span]:
        """Give the closed days as holidays: what only weekends or bank holidays part is one."""
        pieces: list[Span] = []
        for day in sorted(self._closed):
            name = self._closed[day]
            if pieces and self._parted_by_free_days(pieces[-1].last, day):
                if pieces[-1].name == name:
                    pieces[-1] = Span(pieces[-1].first, day, name)
                    continue
            elif pieces:
                yield _whole(pieces)
                pieces = []
            pieces.append(Span(day, day, name))
        if pieces:
            yield _whole(pieces)

    def _parted_by_free_days(self, before: date, after: date) -> bool:
        between = Span(before + _DAY, after - _DAY, "")
        return all(self._kind(day)[0] in {"weekend", "bank holiday"} for day in between)

    def _near(self, name: str, today: date) -> str:
        coming = [span for span in self.holidays if span.last >= today]
        if not coming:
            return f"It ends on {self.feed.last:%d %b %Y}: get the next year's feed"
        known = {one: span.name for span in coming for one in _names(span)}
        near = get_close_matches(name, known, 1)
        listed = ", ".join(f"{s.name} ({s.first:%d %b %Y})" for s in coming[:8])
        return (f"Did you mean {near[0]!r}? " if near else "") + f"There are: {listed}"

    def _open(self, day: date) -> Iterator[Window]:
        for first, last in self.rules.change_hours(self.day(day).kind, day.weekday()):
            yield from self._local(day, first, min(last, self._work_begins(day + _DAY)))

    def _work_begins(self, day: date) -> int:
        """Give the minute, counted from the day before, at which staff need the machines.

        Hours that run past midnight end there at the latest.
        """
        work = self.rules.working_hours(day.weekday())
        if work is None or self.day(day).kind in {"holiday", "bank holiday"}:
            return 2 * MINUTES_A_DAY
        return MINUTES_A_DAY + work[0]

    def _local(self, day: date, first: int, last: int = MINUTES_A_DAY) -> Iterator[Window]:
        start, end = moment(day, first, self.zone), moment(day, last, self.zone)
        if start < end:  # not where the clocks skip all of it
            yield Window(start, end)


def _names(span: Span) -> set[str]:
    """Give the names under which a holiday is found."""
    without_year = plain(_YEAR.sub("", span.name))
    return {without_year, plain(common_name(span.first, span.last))} - {""}


def _whole(pieces: list[Span]) -> Span:
    name = longest(((piece.last - piece.first).days, piece.name) for piece in pieces)
    return Span(pieces[0].first, pieces[-1].last, name)


def load_site_calendar(cluster_dir: Path, site: Site) -> SiteCalendar:
    """Read the calendar of a site: its council's file and its own variables.

    :raises CalendarError: naming the file, site or variable that is wrong.
    """
    path = calendar_file(cluster_dir, site)
    zone = zone_of(site.timezone, site.places.get("site_timezone", str(site.source)))
    stamp = path.stat()
    feed = _feed(path, zone, stamp.st_mtime_ns, stamp.st_size)
    return SiteCalendar(feed, SiteRules.of(site), zone, path)


def calendar_file(cluster_dir: Path, site: Site) -> Path:
    """Give the file of a site's calendar.

    :raises CalendarError: if it is not there, or its name would lead out of the folder.
    """
    name = site.calendar
    folder = cluster_dir / "calendars"
    where = site.places.get("site_calendar", str(site.source))
    there = sorted(path.stem for path in folder.glob("*.ics"))
    do = f"There are: {', '.join(there)}" if there else f"Put the council's feed into {folder}"
    if not name:
        raise CalendarError("the site has no calendar (site_calendar)", where=where, do=do)
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise CalendarError(f"{name!r} is no calendar's name", where=where, do=do)
    path = folder / f"{name}.ics"
    if not path.is_file():
        near = get_close_matches(name, there, 1)
        guess = f"Did you mean {near[0]}? " if near else ""
        raise CalendarError(
            f"unknown calendar {name!r} (calendars/{name}.ics)", where=where, do=guess + do
        )
    return path


@lru_cache(maxsize=256)
def _feed(path: Path, zone: ZoneInfo, _changed: int, _size: int) -> Feed:
    return read_feed(path, zone)


@lru_cache(maxsize=8)
def _bank_holidays(country: str) -> Mapping[date, str]:
    found: Mapping[date, str] = holidays.country_holidays("GB", subdiv=country)
    return found
