"""Feeds as files, and the school years that follow from them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from ictops.calendars.feed import Span, read_feed
from ictops.calendars.rules import SiteRules
from ictops.calendars.site import SiteCalendar
from ictops.estate.models import Site

LONDON = ZoneInfo("Europe/London")
FIRST_LINES = ("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Council//Term dates//EN")


def ics(lines: str, end: str = "\r\n") -> bytes:
    """Give a file whose fourth line is the first of ``lines``."""
    every = [*FIRST_LINES, *lines.rstrip("\n").split("\n"), "END:VCALENDAR", ""]
    return end.join(every).encode()


def vevents(said: Iterable[str]) -> str:
    """Give events of seven lines each from "FIRST..LAST NAME"."""
    lines = []
    for number, text in enumerate(said, 1):
        when, _, name = text.partition(" ")
        first, _, last = when.partition("..")
        lines += ["BEGIN:VEVENT", f"UID:{number}@example.invalid", "DTSTAMP:20260101T090000Z"]
        if "T" in when:
            lines += [f"DTSTART:{_packed(first)}00", f"DTEND:{_packed(last)}00"]
        else:
            end = date.fromisoformat(last or first) + timedelta(days=1)
            lines += [f"DTSTART;VALUE=DATE:{_packed(first)}", f"DTEND;VALUE=DATE:{end:%Y%m%d}"]
        lines += [f"SUMMARY:{name}", "END:VEVENT"]
    return "\n".join(lines)


def span(text: str) -> Span:
    """Read "FIRST..LAST NAME"."""
    when, _, name = text.partition(" ")
    first, _, last = when.partition("..")
    return Span(date.fromisoformat(first), date.fromisoformat(last or first), name)


def _packed(when: str) -> str:
    return when.replace("-", "").replace(":", "")


Maker = Callable[..., SiteCalendar]


@pytest.fixture
def school(tmp_path: Path) -> Maker:
    """Give a function that makes a school's calendar from events and variables."""

    def make(
        *events: str, zone: str = "Europe/London", variables: dict[str, object] | None = None
    ) -> SiteCalendar:
        path = tmp_path / "council.ics"
        path.write_bytes(ics(vevents(events)))
        site = Site("alpha", "Alpha", "", zone, "council", tmp_path / "alpha.yml", "", 0,
                    variables or {})  # fmt: skip
        return SiteCalendar(
            read_feed(path, ZoneInfo(zone)), SiteRules.of(site), ZoneInfo(zone), path
        )

    return make


def local(calendar: SiteCalendar, when: str) -> datetime:
    """Give "2026-10-26 08:00" as a moment at the school; it must be one that there is."""
    return datetime.fromisoformat(when).replace(tzinfo=calendar.zone)
