"""A school year: what each day is, and when changes may be made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ictops.calendars.feed import Note, Span
from ictops.calendars.localtime import moment
from ictops.calendars.names import common_name, plain
from ictops.calendars.rules import WEEKDAYS
from ictops.calendars.site import Day, SiteCalendar, load_site_calendar
from ictops.calendars.window import Window
from ictops.errors import CalendarError
from ictops.estate.load import load_cluster
from ictops.estate.models import Site
from ictops.settings import Settings

KINDS = ("school day", "inset", "weekend", "bank holiday", "holiday")
_SEPTEMBER, _AUGUST = 9, 8


@dataclass(frozen=True, slots=True)
class SchoolYear:
    """One site's year."""

    site: str
    name: str
    calendar: str
    """The calendar's file."""
    timezone: str
    known: Span
    """The days of which the calendar speaks."""
    first: date
    last: date
    days: tuple[Day, ...]
    dates: tuple[Span, ...]
    """What a person would write on the wall, by date: holidays, INSET days, freezes."""
    hours: dict[str, dict[str, tuple[str, ...]]]
    """The local hours in which changes may be made, by kind of day and weekday."""
    windows: tuple[Window, ...]
    """The same as times, without the freezes; local to the site."""
    notes: tuple[Note, ...]
    """What the calendar says of this year that opens no window, and may be a mistake."""


def school_years(
    settings: Settings, code: str | None = None, year: int | None = None
) -> tuple[list[SchoolYear], list[CalendarError]]:
    """Give the school year of a site, or of all; and what is wrong with those left out.

    :param year: in which it begins; the present one if None.
    :raises InventoryError: if there is no such site.
    """
    cluster = load_cluster(settings.cluster_dir, settings.cache_dir)
    sites = [cluster.site(code)] if code else list(cluster.sites.values())
    found: list[SchoolYear] = []
    errors: list[CalendarError] = []
    for site in sites:
        try:
            calendar = load_site_calendar(settings.cluster_dir, site)
            found.append(_school_year(site, calendar, year))
        except CalendarError as error:
            errors.append(error)
    return found, errors


def next_holiday(settings: Settings, site: Site, now: datetime) -> Span | None:
    """Give the holiday that a site is in at a moment or has next; None if there is none known.

    :raises CalendarError: if its calendar cannot be read.
    """
    calendar = load_site_calendar(settings.cluster_dir, site)
    today = now.astimezone(calendar.zone).date()
    return next((span for span in calendar.holidays if span.last >= today), None)


def _school_year(site: Site, calendar: SiteCalendar, year: int | None) -> SchoolYear:
    month = _AUGUST if calendar.rules.site_bank_holidays == "SCT" else _SEPTEMBER
    today = datetime.now(calendar.zone).date()
    begins = year or (today.year if today.month >= month else today.year - 1)
    first = date(begins, month, 1)
    last = date.fromordinal(date(begins + 1, month, 1).toordinal() - 1)
    days = tuple(calendar.day(day) for day in Span(first, last, ""))
    windows = calendar.windows(
        moment(first, 0, calendar.zone), moment(last, 24 * 60, calendar.zone)
    )
    return SchoolYear(
        site.code,
        site.name,
        str(calendar.path),
        site.timezone,
        Span(calendar.feed.first, calendar.feed.last, ""),
        first,
        last,
        days,
        tuple(sorted(_dates(calendar, days))),
        _hours(calendar),
        tuple(_local(window, calendar.zone) for window in windows),
        tuple(n for n in calendar.feed.notes if n.span.first <= last and n.span.last >= first),
    )


def _dates(calendar: SiteCalendar, days: tuple[Day, ...]) -> list[Span]:
    first, last = days[0].date, days[-1].date
    found = []
    for span in calendar.holidays:
        if span.first <= last and span.last >= first:
            usual = common_name(span.first, span.last)
            known = plain(usual) in plain(span.name) or not usual
            found.append(
                Span(span.first, span.last, span.name if known else f"{span.name} ({usual})")
            )
    for day in days:
        if day.kind == "inset":
            found.append(Span(day.date, day.date, "INSET day"))
        elif day.kind == "bank holiday" and not any(day.date in s for s in calendar.holidays):
            found.append(Span(day.date, day.date, day.name))
    found += [
        Span(freeze.start, freeze.end, f"freeze: {freeze.name}")
        for freeze in calendar.rules.site_freezes
        if freeze.start <= last and freeze.end >= first
    ]
    return found


def _hours(calendar: SiteCalendar) -> dict[str, dict[str, tuple[str, ...]]]:
    weekdays = {kind: range(5, 7) if kind == "weekend" else range(5) for kind in KINDS}
    return {
        kind: {
            WEEKDAYS[day]: tuple(
                f"{_clock(start)}-{_clock(end)}"
                for start, end in calendar.rules.change_hours(kind, day)
            )
            for day in weekdays[kind]
        }
        for kind in KINDS
    }


def _clock(minutes: int) -> str:
    minutes = minutes if minutes <= 24 * 60 else minutes - 24 * 60
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _local(window: Window, zone: ZoneInfo) -> Window:
    return Window(window.start.astimezone(zone), window.end.astimezone(zone))


def open_at(year: SchoolYear, now: datetime) -> tuple[bool, datetime] | None:
    """Tell whether changes may be made at a moment, and when that ends or, if not, begins.

    None where the moment is in another year, or after the last window of this one.
    """
    if not year.first <= now.astimezone(ZoneInfo(year.timezone)).date() <= year.last:
        return None
    for window in year.windows:
        if now < window.end:
            return (True, window.end) if now in window else (False, window.start)
    return None
