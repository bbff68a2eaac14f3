"""When something is due again and again, by a phrase, RFC 5545, and a school's calendar."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictops.calendars.feed import Span
from ictops.calendars.recurrence import EXAMPLES, parse_recurrence
from ictops.errors import ScheduleError
from tests.unit.calendars.conftest import Maker
from tests.unit.calendars.test_windows import calendars

DAY = timedelta(days=1)
BEGUN = date(2026, 10, 1)
AUTUMN = (
    "2026-10-26..2026-10-30 Half term",
    "2026-12-21..2027-01-01 Christmas holiday",
    "2027-02-15..2027-02-19 Half term",
    "2027-03-29..2027-04-09 Easter holiday",
    "2027-05-31..2027-06-04 Half term",
    "2027-07-22..2027-08-31 Summer holiday",
)


def days(first: str, last: str) -> Span:
    return Span(date.fromisoformat(first), date.fromisoformat(last), "")


def due(school: Maker, rule: str, first: str, last: str, **variables: object) -> list[str]:
    calendar = school(*AUTUMN, variables=variables)
    found = parse_recurrence(rule).dates(calendar, BEGUN, days(first, last))
    return [f"{day:%a %d}" for day in found]


@pytest.mark.parametrize("rule", EXAMPLES)
def test_every_example_is_understood(school: Maker, rule: str) -> None:
    assert due(school, rule, "2026-10-01", "2027-10-01")


@pytest.mark.parametrize(
    ("rule", "first", "last", "wanted"),
    [
        # From Thursday before half-term to Tuesday after it.
        ("every night at 02:00", "2026-10-23", "2026-10-25", "Fri 23, Sat 24, Sun 25"),
        ("every school day at 18:00", "2026-10-22", "2026-11-03", "Thu 22, Fri 23, Mon 02, Tue 03"),
        # The night before a school day: in the small hours of that day ...
        (
            "every school night at 02:00", "2026-10-22", "2026-11-03",
            "Thu 22, Fri 23, Mon 02, Tue 03",
        ),
        # ... or late on the day before it, be that a Sunday in the holidays.
        (
            "every school night at 22:00", "2026-10-21", "2026-11-03",
            "Wed 21, Thu 22, Sun 01, Mon 02, Tue 03",
        ),
        ("every weekday at 9:30", "2026-10-24", "2026-10-27", "Mon 26, Tue 27"),
        ("every Monday at 03:00", "2026-10-01", "2026-10-31", "Mon 05, Mon 12, Mon 19, Mon 26"),
        ("every Mon, Wed and Fri at 03:00", "2026-10-26", "2026-11-01", "Mon 26, Wed 28, Fri 30"),
        ("EVERY  mondays and   THURSDAYS at 03:00", "2026-10-26", "2026-11-01", "Mon 26, Thu 29"),
        ("every Monday at 03:00 on school days", "2026-10-19", "2026-11-02", "Mon 19, Mon 02"),
        ("every Monday at 23:00 on school nights", "2026-10-19", "2026-11-02", "Mon 19, Mon 02"),
        # A weekend beside a holiday belongs to it; one between two school weeks does not.
        ("every Saturday at 03:00 in holidays", "2026-10-10", "2026-11-07", "Sat 24, Sat 31"),
        ("every day at 10:00 in the holidays", "2027-05-02", "2027-05-04", "Mon 03"),  # a bank one
        ("every INSET day at 10:00", "2026-11-01", "2026-11-30", "Fri 27"),
        ("first Monday of each month at 04:00", "2026-11-01", "2026-12-31", "Mon 02, Mon 07"),
        ("the last day of every month at 04:00", "2026-11-01", "2026-12-31", "Mon 30, Thu 31"),
        ("RRULE:FREQ=MONTHLY;BYDAY=2TU at 04:00", "2026-11-01", "2026-12-31", "Tue 10, Tue 08"),
        # Every second week from the one in which it was made: Thursday the 1st of October.
        (
            "rrule:freq=weekly;interval=2;byday=sa at 04:00", "2026-10-01", "2026-10-31",
            "Sat 03, Sat 17, Sat 31",
        ),
        ("RRULE:FREQ=DAILY;UNTIL=20261002 at 04:00", "2026-10-01", "2026-10-31", "Thu 01, Fri 02"),
        ("RRULE:FREQ=DAILY;COUNT=2 at 04:00", "2026-10-01", "2026-10-31", "Thu 01, Fri 02"),
    ],
)  # fmt: skip
def test_days_are_due(school: Maker, rule: str, first: str, last: str, wanted: str) -> None:
    found = due(school, rule, first, last, site_inset_days=[date(2026, 11, 27)])
    assert ", ".join(found) == wanted


@pytest.mark.parametrize(
    ("rule", "wanted"),
    [
        ("first Monday of each holiday at 07:00", "Oct 26, Dec 21, Feb 15, Mar 29, May 31, Jul 26"),
        ("second Monday of each holiday at 07:00", "Dec 28, Apr 05, Aug 02"),
        ("last Friday of each holiday at 07:00", "Oct 30, Jan 01, Feb 19, Apr 09, Jun 04, Aug 27"),
        ("first Sunday of each holiday at 07:00", "Oct 25, Dec 20, Feb 14, Mar 28, May 30, Jul 25"),
        ("first day of each holiday at 07:00", "Oct 24, Dec 19, Feb 13, Mar 26, May 29, Jul 22"),
    ],
)  # fmt: skip
def test_days_are_counted_in_each_holiday(school: Maker, rule: str, wanted: str) -> None:
    """Good Friday and the weekends belong to the holidays that they are beside."""
    calendar, recurrence = school(*AUTUMN), parse_recurrence(rule)
    found = recurrence.dates(calendar, BEGUN, days("2026-10-01", "2027-09-30"))
    assert ", ".join(f"{day:%b %d}" for day in found) == wanted
    begun = date(2026, 12, 23)  # in the midst of a holiday: nothing is counted from there
    assert recurrence.dates(calendar, begun, days("2026-10-01", "2027-09-30")) == found


def test_an_inset_day_in_a_holiday_is_none_of_it(school: Maker) -> None:
    inset = {"site_inset_days": [date(2027, 7, 26), date(2026, 10, 26)]}
    rule = "first Monday of each holiday at 07:00"
    assert due(school, rule, "2026-10-01", "2026-11-30", **inset) == []
    assert due(school, rule, "2027-07-01", "2027-08-31", **inset) == ["Mon 02"]


def test_a_weekday_that_no_calendar_reaches_counts_as_a_school_day(school: Maker) -> None:
    found = due(school, "every school night at 02:00", "2027-11-05", "2027-11-08")
    assert found == ["Fri 05", "Mon 08"]


@pytest.mark.parametrize(
    "rule",
    [
        "", "at 02:00", "every", "every night", "every night at 24:00", "every night at 2am",
        "every full moon at 02:00", "every Monday or Tuesday at 02:00", "each night at 02:00",
        "sixth Monday of each month at 02:00", "first noon of each holiday at 02:00",
        "every school night at 02:00 in holidays", "every night at 02:00 on Sundays",
        "first Monday of each holiday at 02:00 on school nights",
        "first Mondays of March at 02:00", "every night at 02:00\nrm",
        "every night at \u0660\u0662:00",
    ],
)  # fmt: skip
def test_what_is_not_understood_is_told_with_examples(rule: str) -> None:
    with pytest.raises(ScheduleError, match="not understood") as told:
        parse_recurrence(rule)
    assert "every school night at 02:00" in told.value.do


@pytest.mark.parametrize(
    ("rrule", "what"),
    [
        ("FREQ=HOURLY", "FREQ=HOURLY"),  # a slot is a day
        ("FREQ=DAILY;BYHOUR=3", "BYHOUR"),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL=0"),  # dateutil would count for ever
        ("FREQ=DAILY;BYEASTER=0", "BYEASTER"),
        ("FREQ=DAILY;FREQ=DAILY", "no rule of days"),
        ("BYDAY=MO", "no rule of days"),
        ("FREQ=WEEKLY;BYDAY=XX", "XX|BYDAY"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "no such day"),
        ("FREQ=DAILY;UNTIL=20200101", "no such day"),
        ("FREQ=DAILY;UNTIL=20269999", "no rule of days"),
        ("FREQ=DAILY;COUNT=2;UNTIL=20270101", "no rule of days"),
        ("", "no rule of days"),
    ],
)
def test_what_is_no_rule_of_days(rrule: str, what: str) -> None:
    with pytest.raises(ScheduleError, match=what):
        parse_recurrence(f"RRULE:{rrule} at 04:00")


@given(
    calendars(), st.integers(0, 1439), st.sampled_from(["school day", "school night", "holiday"])
)
@settings(max_examples=60)
def test_a_day_is_due_just_when_the_calendar_says_so(made, minutes: int, of: str) -> None:
    calendar, change = made
    at = f"{minutes // 60:02}:{minutes % 60:02}"
    rule = f"every day at {at} in holidays" if of == "holiday" else f"every {of} at {at}"
    span = Span(change - 12 * DAY, change + 12 * DAY, "")
    found = parse_recurrence(rule).dates(calendar, change - 40 * DAY, span)
    assert found == sorted(set(found))
    for day in span:
        decides = day + DAY if of == "school night" and minutes >= 720 else day
        kind = calendar.day(decides).kind
        if of != "holiday":
            assert (day in found) == (kind in {"school day", "unknown"})
        elif kind != "weekend":
            assert (day in found) == (kind in {"holiday", "bank holiday"})
        elif day in found:  # beside a holiday, with nothing but free days between
            free = {"weekend", "bank holiday", "holiday"}
            beside = [n for n in (-1, 1) if _reaches(calendar, day, n, free)]
            assert beside or any(day in one for one in calendar.holidays)


def _reaches(calendar, day: date, step: int, free: set[str]) -> bool:
    while calendar.day(day).kind in free:
        if any(day in one for one in calendar.holidays):
            return True
        day += step * DAY
    return any(day in one for one in calendar.holidays)
