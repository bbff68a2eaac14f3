"""A site's days, holidays and windows: the council's calendar and what the site adds to it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from ictops.calendars.site import calendar_file, load_site_calendar
from ictops.errors import CalendarError
from ictops.estate.models import Site
from tests.unit.calendars.conftest import Maker, ics, local, vevents

YEAR = (
    "2026-10-26..2026-10-30 Half term",
    "2026-12-21..2027-01-01 Christmas holiday",
    "2027-02-15..2027-02-19 Half term",
    "2027-03-29..2027-04-09 Easter holiday",
    "2027-05-31..2027-06-04 Half term",
    "2027-07-22..2027-07-31 Summer holiday",
    "2027-08-01..2027-08-31 Summer holiday",
    "2027-12-20..2027-12-31 Christmas holiday",
)
NOVEMBER = datetime(2026, 11, 24, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        ("2026-10-23", "unknown"),
        ("2026-10-24", "weekend"),
        ("2026-10-26", "holiday"),
        ("2026-10-31", "weekend"),
        ("2026-11-02", "school day"),
        ("2026-11-27", "inset"),
        ("2026-12-25", "bank holiday"),
        ("2026-12-28", "bank holiday"),  # Boxing Day, observed
        ("2027-01-04", "inset"),
        ("2027-02-15", "inset"),
        ("2027-03-26", "bank holiday"),
        ("2027-05-03", "bank holiday"),
        ("2027-05-13", "holiday"),
        ("2027-06-01", "school day"),
        ("2027-06-05", "weekend"),
        ("2028-01-04", "unknown"),
    ],
)
def test_days_are_told_apart(school: Maker, day: str, kind: str) -> None:
    calendar = school(
        *YEAR,
        "2027-01-04 INSET day",
        variables={
            "site_inset_days": [date(2026, 11, 27), date(2027, 2, 15)],
            "site_extra_holidays": [{"name": "Eid", "start": "2027-05-13", "end": "2027-05-13"}],
            "site_extra_school_days": [
                {"name": "one-day half-term", "start": "2027-06-01", "end": "2027-06-06"}
            ],
        },
    )
    assert calendar.day(date.fromisoformat(day)).kind == kind


@pytest.mark.parametrize(
    ("country", "day", "kind"),
    [
        ("ENG", "2027-07-12", "school day"),
        ("NIR", "2027-07-12", "bank holiday"),
        ("WLS", "2027-05-03", "bank holiday"),
        ("ENG", "2026-11-30", "school day"),
        # Scotland's councils decide on which bank holidays schools close.
        ("SCT", "2026-11-30", "school day"),
        ("SCT", "2027-05-03", "bank holiday"),
        ("SCT", "2026-12-25", "bank holiday"),
    ],
)
def test_bank_holidays_are_those_of_the_country(
    school: Maker, country: str, day: str, kind: str
) -> None:
    calendar = school(*YEAR, "2027-05-03 May Day holiday" if country == "SCT" else "2027-05-03 x",
                      variables={"site_bank_holidays": country})  # fmt: skip
    assert calendar.day(date.fromisoformat(day)).kind == kind


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("christmas", "2026-12-21"),
        ("Christmas 2026", "2026-12-21"),
        ("christmas 2027", "2027-12-20"),
        ("christmas 2026/27", "2026-12-21"),
        ("half term", "2027-02-15"),
        ("spring half-term", "2027-02-15"),
        ("February half term 2027", "2027-02-15"),
        ("whitsun", "2027-05-31"),
        ("Easter Holidays", "2027-03-29"),
        ("summer", "2027-07-22"),
    ],
)
def test_a_holiday_is_found_by_its_name(school: Maker, text: str, first: str) -> None:
    assert school(*YEAR).holiday(text, NOVEMBER).first == date.fromisoformat(first)


@pytest.mark.parametrize(
    ("text", "what", "do"),
    [
        ("chrismas", "there is no holiday 'chrismas'", "Did you mean 'christmas'? There are: "),
        ("february holiday", "", ""),
        ("diwali", "there is no holiday 'diwali'", "There are: Christmas holiday (21 Dec 2026), "),
        ("october half-term 2026", "was over on Fri 30 Oct 2026", "Leave the year out"),
        ("christmas 2030", "there is no holiday 'christmas 2030'", "There are: "),
        ("school holiday", "there is no holiday 'school holiday'", "There are: "),
    ],
)
def test_an_unknown_holiday_is_answered_with_those_that_there_are(
    school: Maker, text: str, what: str, do: str
) -> None:
    calendar = school(*YEAR)
    if not what:
        assert calendar.holiday(text, NOVEMBER).first == date(2027, 2, 15)
        return
    with pytest.raises(CalendarError) as caught:
        calendar.holiday(text, NOVEMBER)
    assert what in caught.value.what
    assert do in caught.value.do
    assert caught.value.where == str(calendar.path)


def test_a_calendar_that_has_ended_says_so(school: Maker) -> None:
    with pytest.raises(CalendarError, match="It ends on 31 Dec 2027: get the next year's feed"):
        school(*YEAR).holiday("easter", datetime(2028, 1, 10, tzinfo=UTC))


def test_an_occasional_day_is_no_half_term(school: Maker) -> None:
    calendar = school("2027-05-06 Polling day - school closed", *YEAR)
    assert calendar.holiday("may half-term", NOVEMBER).first == date(2027, 5, 31)


def test_what_only_weekends_and_bank_holidays_part_is_one_holiday(school: Maker) -> None:
    days = [date(2026, 12, 21) + timedelta(n) for n in range(14)]
    closed = [f"{day} School closed" for day in days if day.weekday() < 5 and day.day != 25]
    calendar = school(*closed, "2027-07-22..2027-07-31 Summer", "2027-08-01..2027-08-31 Summer")
    assert [(span.first, span.last) for span in calendar.holidays] == [
        (date(2026, 12, 21), date(2027, 1, 1)),
        (date(2027, 7, 22), date(2027, 8, 31)),
    ]
    assert calendar.holiday("christmas", NOVEMBER).last == date(2027, 1, 1)


def test_a_holiday_is_opened_with_the_weekends_and_bank_holidays_beside_it(school: Maker) -> None:
    (easter,) = school(*YEAR).windows_in("easter", NOVEMBER)
    calendar = school(*YEAR)
    # Good Friday is before the feed's holiday, and the second weekend after it.
    assert easter.start == local(calendar, "2027-03-26 00:00")
    assert easter.end == local(calendar, "2027-04-12 00:00")


def test_a_school_with_one_week_where_its_council_has_two(school: Maker) -> None:
    calendar = school(
        "2026-10-19..2026-10-30 Half term",
        "2026-12-21..2027-01-01 Christmas",
        variables={
            "site_extra_school_days": [
                {"name": "school", "start": "2026-10-26", "end": "2026-10-30"}
            ]
        },
    )
    windows = calendar.windows_in("october half-term", datetime(2026, 9, 1, tzinfo=UTC))
    assert [(w.start, w.end) for w in windows] == [
        (local(calendar, "2026-10-17 00:00"), local(calendar, "2026-10-26 00:00"))
    ]


def test_working_hours_and_freezes_close_a_school_day(school: Maker) -> None:
    calendar = school(
        *YEAR,
        variables={
            "site_working_hours": {"friday": "08:00-16:00", "thursday": "closed"},
            "site_freezes": [{"name": "Census", "start": "2026-11-25", "end": "2026-11-25"}],
        },
    )
    windows = calendar.windows(
        local(calendar, "2026-11-24 12:00"), local(calendar, "2026-11-28 12:00")
    )
    assert [(str(w.start)[5:16], str(w.end)[5:16]) for w in windows] == [
        ("11-24 17:30", "11-25 00:00"),
        ("11-26 00:00", "11-27 08:00"),
        ("11-27 16:00", "11-28 12:00"),
    ]
    assert calendar.day(date(2026, 11, 25)).freeze == "Census"


def test_hours_past_midnight_end_when_the_school_needs_its_machines(school: Maker) -> None:
    calendar = school(
        *YEAR,
        variables={
            "site_change_hours": {"weekend": ["20:00-09:00"], "school_day": ["22:00-02:00"]},
        },
    )
    windows = calendar.windows(
        local(calendar, "2026-11-28 12:00"), local(calendar, "2026-12-01 12:00")
    )
    assert [(str(w.start)[5:16], str(w.end)[5:16]) for w in windows] == [
        ("11-28 20:00", "11-29 09:00"),  # into a Sunday, in which nobody works
        ("11-29 20:00", "11-30 07:30"),  # into a Monday
        ("11-30 22:00", "12-01 02:00"),
    ]


def test_saturday_school_is_left_alone(school: Maker) -> None:
    calendar = school(*YEAR, variables={"site_working_hours": {"saturday": "08:00-13:00"}})
    saturday = local(calendar, "2026-11-28 00:00")
    windows = calendar.windows(saturday, saturday + timedelta(days=2))
    assert [str(w.start)[11:16] for w in windows] == ["00:00", "13:00"]
    in_holidays = local(calendar, "2026-12-26 00:00")
    assert len(calendar.windows(in_holidays, in_holidays + timedelta(days=1))) == 1


def site(folder: Path, **variables: object) -> Site:
    places = dict.fromkeys(variables, f"{folder}/group_vars/site_alpha.yml:7")
    return Site("alpha", "Alpha", "", str(variables.get("site_timezone", "Europe/London")),
                str(variables.get("site_calendar", "")), folder / "alpha.yml", "", 0,
                variables, places)  # fmt: skip


def test_a_calendar_is_looked_for_where_it_must_be(tmp_path: Path) -> None:
    (tmp_path / "calendars").mkdir()
    path = tmp_path / "calendars" / "council.ics"
    path.write_bytes(ics(vevents(YEAR)))
    assert calendar_file(tmp_path, site(tmp_path, site_calendar="council")) == path
    for name, what, do in (
        ("counsil", "unknown calendar 'counsil'", "Did you mean council? "),
        ("../council", "'../council' is no calendar's name", "There are: council"),
        ("", "the site has no calendar", "There are: council"),
    ):
        with pytest.raises(CalendarError) as caught:
            calendar_file(tmp_path, site(tmp_path, site_calendar=name))
        assert what in caught.value.what
        assert do in caught.value.do
        assert caught.value.where == f"{tmp_path}/group_vars/site_alpha.yml:7"


def test_an_unknown_zone_of_a_site_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "calendars").mkdir()
    (tmp_path / "calendars" / "council.ics").write_bytes(ics(vevents(YEAR)))
    wrong = site(tmp_path, site_calendar="council", site_timezone="Europe/Londn")
    with pytest.raises(CalendarError, match="unknown time zone 'Europe/Londn'") as caught:
        load_site_calendar(tmp_path, wrong)
    assert caught.value.where.endswith("site_alpha.yml:7")


def test_a_new_feed_is_read_at_once(tmp_path: Path) -> None:
    (tmp_path / "calendars").mkdir()
    path = tmp_path / "calendars" / "council.ics"
    alpha = site(tmp_path, site_calendar="council")
    path.write_bytes(ics(vevents(["2026-10-26..2026-10-30 Half term"])))
    assert len(load_site_calendar(tmp_path, alpha).holidays) == 1
    path.write_bytes(ics(vevents(YEAR)))
    assert len(load_site_calendar(tmp_path, alpha).holidays) == 7
