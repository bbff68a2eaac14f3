"""``ictops calendar show``: what a manager sees of a school year."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ictops.calendars.feed import Span
from ictops.errors import InventoryError
from ictops.estate.load import load_cluster
from ictops.operations.calendar import next_holiday, open_at, school_years
from ictops.settings import load_settings
from tests.unit.cli.conftest import Command

OCTOBER = """\
        October 2026
Mo  Tu  We  Th  Fr  Sa  Su
             1F  2·  3   4
 5·  6·  7·  8·  9· 10  11
12· 13· 14· 15· 16· 17  18
19· 20· 21· 22· 23· 24  25
26H 27H 28H 29H 30H 31
"""


def test_a_year_is_drawn_with_a_letter_for_each_day(ictops: Command, cluster: Path) -> None:
    lines = ictops("calendar", "show", "--site", "oakfield", "--year", "2026").splitlines()
    assert lines[0] == "Oakfield School (oakfield), 2026/27"
    # October is drawn on the right of September.
    right = [line[31:].rstrip() for line in lines[1:8]]
    assert right == [line.rstrip() for line in OCTOBER.splitlines()]
    dates = lines[lines.index("") + 1 :]
    assert dates[:5] == [
        "Tue 01 Sep 2026                     INSET day",
        "Thu 01 Oct 2026                     freeze: Autumn census",
        "Mon 26 Oct to Fri 30 Oct 2026       October half term",
        "Fri 27 Nov 2026                     INSET day",
        "Mon 30 Nov to Fri 11 Dec 2026       freeze: Mock exams",
    ]
    assert "Mon 03 May 2027                     May Day" in dates
    hours = "Mon-Thu 00:00-07:30, 17:30-24:00; Fri 00:00-07:30, 17:00-24:00"
    assert f"  school day, INSET day: {hours}" in dates
    assert "  weekend, bank holiday, holiday: all day" in dates
    assert (
        "From inventories/demo/calendars/council.ics, which speaks of "
        "Mon 27 Oct 2025 to Thu 31 Aug 2028; clocks of Europe/London." in dates
    )
    assert dates[-1] == "· school day  I INSET day  H holiday  B bank holiday  F freeze"


def test_every_site_is_drawn_by_default(ictops: Command) -> None:
    said = ictops("calendar", "show", "--year", "2026")
    assert [line for line in said.splitlines() if "2026/27" in line] == [
        "Elm Tree Primary School (elmtree), 2026/27",
        "Oakfield School (oakfield), 2026/27",
        "Rowan Court School (rowan), 2026/27",
    ]


def test_what_the_calendar_does_not_reach_is_marked(ictops: Command) -> None:
    said = ictops("calendar", "show", "--site", "rowan", "--year", "2029")
    assert " 3?  4?" in said
    assert said.rstrip().endswith("? not in the calendar: taken as a school day")
    assert "now:" not in said


def test_the_scottish_year_begins_in_august(ictops: Command, cluster: Path) -> None:
    variables = cluster / "group_vars" / "site_oakfield.yml"
    variables.write_text(variables.read_text() + "site_bank_holidays: SCT\n")
    (cluster / "calendars" / "council.ics").write_text(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20261012\nDTEND;VALUE=DATE:20261017\n"
        "SUMMARY:School holiday\nEND:VEVENT\nBEGIN:VEVENT\nDTSTART;VALUE=DATE:20270208\n"
        "SUMMARY:Year 7 ski holiday\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    said = ictops("calendar", "show", "--site", "oakfield", "--year", "2026")
    assert said.splitlines()[1].split() == ["August", "2026", "September", "2026"]
    assert re.search(r"Mon 12 Oct to Fri 16 Oct 2026 +School holiday \(October half-term\)\n", said)
    assert "  line 7: 'Year 7 ski holiday' (Mon 08 Feb 2027): not understood" in said


def test_json_has_days_windows_and_hours(ictops: Command) -> None:
    found = json.loads(ictops("calendar", "show", "--site", "elmtree", "--year", "2026", "--json"))[
        "elmtree"
    ]
    days = {day["date"]: day for day in found["days"]}
    assert len(days) == 365
    assert days["2026-10-01"] == {
        "date": "2026-10-01", "kind": "school day", "name": "", "freeze": "Autumn census",
    }  # fmt: skip
    assert days["2027-01-04"]["kind"] == "inset"
    assert found["hours"]["school day"]["friday"] == ["00:00-07:30", "17:00-24:00"]
    half_term = next(w for w in found["windows"] if w["start"].startswith("2026-10-23T17:00"))
    assert half_term == {
        "start": "2026-10-23T17:00:00+01:00", "end": "2026-11-02T07:30:00+00:00",
    }  # fmt: skip
    assert found["known"]["last"] == "2028-08-31"


def test_a_broken_calendar_hides_no_other_school(
    ictops: Command, cluster: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = cluster / "calendars" / "rowan.ics"
    path.write_text(path.read_text().replace("END:VEVENT", "", 1))
    said = ictops("calendar", "show", "--year", "2026", code=3)
    assert "Oakfield School" in said
    assert "Rowan" not in said
    years, (error,) = school_years(load_settings(), year=2026)
    assert [year.site for year in years] == ["elmtree", "oakfield"]
    assert error.where == f"{path}:5"


def test_an_unknown_site_is_answered_with_the_nearest(cluster: Path) -> None:
    with pytest.raises(InventoryError, match="Did you mean oakfield"):
        school_years(load_settings(), "oakfeild")


@pytest.mark.parametrize(
    ("now", "found"),
    [
        ("2026-11-24 08:00", (False, "2026-11-24 17:30")),
        ("2026-11-24 17:30", (True, "2026-11-25 07:30")),
        ("2026-11-27 16:59", (False, "2026-11-27 17:00")),
        ("2026-11-29 12:00", (True, "2026-11-30 00:00")),  # then come the mock exams
        ("2026-12-05 12:00", (False, "2026-12-12 00:00")),
        ("2025-12-05 12:00", None),
    ],
)
def test_whether_it_is_open_now(cluster: Path, now: str, found: tuple[bool, str] | None) -> None:
    ((year,), _) = school_years(load_settings(), "oakfield", 2026)
    said = open_at(year, datetime.fromisoformat(now).replace(tzinfo=UTC))
    assert (said and (said[0], f"{said[1]:%Y-%m-%d %H:%M}")) == found


def test_the_next_holiday(cluster: Path) -> None:
    settings = load_settings()
    site = load_cluster(cluster, settings.cache_dir).site("oakfield")
    last_day = datetime(2026, 10, 30, 12, tzinfo=UTC)
    in_it = next_holiday(settings, site, last_day)
    after = next_holiday(settings, site, last_day + timedelta(days=1))
    assert in_it == Span(date(2026, 10, 26), date(2026, 10, 30), "October half term")
    assert after == Span(date(2026, 12, 21), date(2027, 1, 1), "Christmas holiday")
    assert next_holiday(settings, site, datetime(2029, 1, 1, tzinfo=UTC)) is None
