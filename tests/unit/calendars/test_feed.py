"""What feeds of every style mean, and how a feed is refused that cannot be relied on."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml

from ictops.calendars.feed import Span, check_feed, read_feed
from ictops.errors import CalendarError, Exit
from tests.unit.calendars.conftest import LONDON, ics, span, vevents

FEEDS = yaml.safe_load((Path(__file__).parent / "feeds.yml").read_text())


def write(feed: dict[str, Any], path: Path) -> None:
    if "days" in feed:
        but = {day for text in feed["but"] for day in span(str(text))}
        days = Span(feed["days"]["from"], feed["days"]["until"], "")
        wanted = [day for day in days if day.weekday() < 5 and day not in but]
        feed = {"events": [f"{day} {feed['days']['name']}" for day in wanted]}
    path.write_bytes(ics(feed.get("lines") or vevents(feed["events"])))


@pytest.mark.parametrize("feed", FEEDS, ids=[feed["name"] for feed in FEEDS])
def test_a_feed_is_understood(feed: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "council.ics"
    write(feed, path)
    found, faults = check_feed(path, LONDON)
    said = [f"{fault.where.removeprefix(f'{path}:')}: {fault.what}" for fault in faults]
    wanted = feed.get("faults", [])
    assert len(said) == len(wanted), said
    for fault, beginning in zip(said, wanted, strict=True):
        assert fault.startswith(beginning)
    if wanted:
        assert found is None
        return
    assert found is not None
    assert list(found.holidays) == [span(text) for text in feed.get("holidays", [])]
    assert sorted(found.insets) == feed.get("insets", [])
    assert list(found.bank_holidays) == [span(text) for text in feed.get("bank_holidays", [])]
    notes = [f"{n.span.first}..{n.span.last} {n.span.name} {_is(n.what)}" for n in found.notes]
    assert notes == feed.get("notes", [])
    assert f"{found.first}..{found.last}" == feed["reach"]


def _is(what: str) -> str:
    return f"is {what}" if what.startswith("not") else what


def test_what_repeats_for_ever_is_no_term_date(tmp_path: Path) -> None:
    path = tmp_path / "council.ics"
    event = "BEGIN:VEVENT\nDTSTART;VALUE=DATE:{}\nRRULE:FREQ=YEARLY\nSUMMARY:{}\nEND:VEVENT\n"
    path.write_bytes(
        ics(event.format("20201225", "Christmas Day") + event.format("20201026", "Half term"))
    )
    _, (fault,) = check_feed(path, LONDON)
    assert fault.where == f"{path}:9"
    assert "repeats without an end" in fault.what
    assert "UNTIL or COUNT" in fault.do
    half_term = vevents(["2026-10-26..2026-10-30 Half term"])
    path.write_bytes(ics(event.format("20201225", "Christmas Day") + half_term))
    assert check_feed(path, LONDON)[1] == [], "a bank holiday may repeat for ever"


def test_a_day_is_that_of_the_schools_own_clocks(tmp_path: Path) -> None:
    path = tmp_path / "council.ics"
    path.write_bytes(
        ics(
            "BEGIN:VEVENT\nDTSTART:20261026T000000Z\nDTEND:20261031T040000Z\n"
            "SUMMARY:Half term\nEND:VEVENT"
        )
    )
    assert read_feed(path, LONDON).holidays[0].first == date(2026, 10, 26)
    assert read_feed(path, ZoneInfo("America/Havana")).holidays[0].first == date(2026, 10, 26)


def test_an_error_says_where_and_what_to_do_and_that_there_are_more(tmp_path: Path) -> None:
    path = tmp_path / "council.ics"
    broken = "BEGIN:VEVENT\nDTSTART:20261026T090000\nSUMMARY:Half term\nEND:VEVENT\n"
    path.write_bytes(ics(broken + broken))
    with pytest.raises(CalendarError) as caught:
        read_feed(path, LONDON)
    assert caught.value.where == f"{path}:4"
    assert "2 faults" in caught.value.do
    assert caught.value.exit_code is Exit.FAULTS
