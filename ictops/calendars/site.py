"""A site's school year, and the windows that follow from it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

from ictops.calendars.feed import Feed, Span, common_name, read_feed
from ictops.calendars.rules import SiteRules, at
from ictops.calendars.window import Window, intersect, merge, subtract
from ictops.errors import CalendarError
from ictops.estate.models import Site

DayKind = Literal["school day", "inset", "holiday", "bank holiday", "weekend"]

_SATURDAY = 5
_ALIASES = {
    "autumn half-term": "october half-term", "october": "october half-term",
    "spring half-term": "february half-term", "february": "february half-term",
    "summer half-term": "may half-term", "whitsun": "may half-term", "may": "may half-term",
    "xmas": "christmas", "winter": "christmas",
}  # fmt: skip


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

    def __init__(self, feed: Feed, rules: SiteRules, zone: ZoneInfo, where: str) -> None:
        self.feed = feed
        self.rules = rules
        self.zone = zone
        self.where = where
        extra = [Span(h.start, h.end, h.name) for h in rules.site_extra_holidays]
        self.holidays = tuple(sorted([*feed.holidays, *extra]))
        self.insets = feed.insets | rules.site_inset_days

    def day(self, day: date) -> Day:
        """Tell what a day is. A day that the calendar does not reach counts as a school day."""
        freeze = next((f.name for f in self.rules.site_freezes if f.start <= day <= f.end), "")
        bank = _bank_holidays(self.rules.site_bank_holidays).get(day)
        holiday = next((span.name for span in self.holidays if day in span), "")
        if day in self.insets:
            return Day(day, "inset", "INSET", freeze)
        if bank:
            return Day(day, "bank holiday", bank, freeze)
        if holiday:
            return Day(day, "holiday", holiday, freeze)
        if day.weekday() >= _SATURDAY:
            return Day(day, "weekend", "", freeze)
        return Day(day, "school day", "", freeze)

    def windows(self, start: datetime, end: datetime) -> list[Window]:
        """Give when the site may be changed between two moments, in UTC, none in a freeze."""
        if end <= start:
            return []
        first = start.astimezone(self.zone).date() - timedelta(days=1)
        last = end.astimezone(self.zone).date()
        days = [first + timedelta(n) for n in range((last - first).days + 1)]
        open_times = [window for day in days for window in self._open(day)]
        frozen = [w for day in days if self.day(day).freeze for w in self._whole(day)]
        wanted = Window(start.astimezone(UTC), end.astimezone(UTC))
        return intersect(subtract(merge(open_times), frozen), [wanted])

    def holiday(self, text: str, after: datetime) -> Span:
        """Give the next holiday of this name that ends after ``after``.

        "october half-term", "autumn half term 2026", "christmas", or a name of the feed.

        :raises CalendarError: if there is none, with those that there are.
        """
        year = re.search(r"\b(20\d\d)\b", text)
        name = _plain(text.replace(year[1], "") if year else text)
        name = _ALIASES.get(name, name)
        day = after.astimezone(self.zone).date()
        for span in self.holidays:
            if year and int(year[1]) not in {span.first.year, span.last.year}:
                continue
            if span.last < day and not year:
                continue
            if name in {_plain(span.name), _plain(common_name(span.first, span.last))}:
                return span
        coming = [f"{s.name} ({s.first:%d %b %Y})" for s in self.holidays if s.last >= day]
        raise CalendarError(
            f"there is no holiday {text!r}",
            where=self.where,
            do=f"There are: {', '.join(coming[:8])}" if coming else "Get the next year's feed",
        )

    def windows_in(self, text: str, after: datetime) -> list[Window]:
        """Give the windows in a holiday and the weekends that it touches."""
        span = self.holiday(text, after)
        first, last = span.first, span.last
        while self.day(first - timedelta(1)).kind in {"weekend", "bank holiday"}:
            first -= timedelta(1)
        while self.day(last + timedelta(1)).kind in {"weekend", "bank holiday"}:
            last += timedelta(1)
        start = utc(datetime.combine(first, time()), self.zone)
        end = utc(datetime.combine(last + timedelta(1), time()), self.zone)
        return self.windows(start, end)

    def _open(self, day: date) -> Iterator[Window]:
        hours = self.rules.change_hours(self.day(day).kind, day.weekday())
        for first, last in hours:
            late = last if last > first else last + 1440
            start, end = (self._moment(day, minutes) for minutes in (first, late))
            if start < end:
                yield Window(start, end)

    def _whole(self, day: date) -> Iterator[Window]:
        yield Window(self._moment(day, 0), self._moment(day, 1440))

    def _moment(self, day: date, minutes: int) -> datetime:
        days, clock = at(minutes)
        return utc(datetime.combine(day + days, clock), self.zone)


def utc(local: datetime, zone: ZoneInfo) -> datetime:
    """Give a local time as UTC.

    A time that the clocks skip in March means the first one after it; one that they show
    twice in October means the first.
    """
    moment = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == local:
        return moment
    moment = local.replace(tzinfo=zone, fold=1).astimezone(UTC)
    while moment.astimezone(zone).replace(tzinfo=None) < local:
        moment += timedelta(minutes=1)
    return moment


def load_site_calendar(cluster_dir: Path, site: Site) -> SiteCalendar:
    """Read the calendar of a site: its council's file and its own variables.

    :raises CalendarError: naming the file, site or variable that is wrong.
    """
    path = calendar_file(cluster_dir, site)
    stamp = path.stat()
    try:
        zone = ZoneInfo(site.timezone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise CalendarError(
            f"unknown time zone {site.timezone!r}", where=f"site {site.code}"
        ) from error
    feed = _feed(path, stamp.st_mtime_ns, stamp.st_size)
    rules = SiteRules.of(site.code, site.variables)
    return SiteCalendar(feed, rules, zone, f"{site.code} ({path.name})")


def calendar_file(cluster_dir: Path, site: Site) -> Path:
    """Give the file of a site's calendar.

    :raises CalendarError: if it is not there, or its name would lead out of the folder.
    """
    name = site.calendar
    folder = cluster_dir / "calendars"
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", name):
        raise CalendarError(
            f"{name!r} is no calendar's name", where=f"site {site.code}, site_calendar"
        )
    path = folder / f"{name}.ics"
    if not path.is_file():
        there = ", ".join(sorted(p.stem for p in folder.glob("*.ics"))) or "none"
        raise CalendarError(
            f"there is no calendar {name!r}",
            where=f"site {site.code}, site_calendar",
            do=f"In {folder} there are: {there}",
        )
    return path


@lru_cache(maxsize=256)
def _feed(path: Path, _changed: int, _size: int) -> Feed:
    return read_feed(path)


@lru_cache(maxsize=8)
def _bank_holidays(country: str) -> Mapping[date, str]:
    found: Mapping[date, str] = holidays.country_holidays("GB", subdiv=country)
    return found


def _plain(name: str) -> str:
    """Give a holiday's name so that small differences in writing do not matter."""
    plain = re.sub(r"half[\s-]*term", "half-term", name.lower())
    plain = re.sub(r"\b(school|holidays?|break|vacation|the)\b", "", plain)
    return " ".join(plain.split())
