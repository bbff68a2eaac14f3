"""Windows are right at every minute, also where the clocks change.

An independent reading of the rules is held against the windows: whether a moment is open is
told from what the school's clocks show at that moment, and from nothing else.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ictops.calendars.feed import Feed, Span
from ictops.calendars.localtime import moment, utc
from ictops.calendars.rules import WEEKDAYS, SiteRules
from ictops.calendars.site import SiteCalendar
from ictops.calendars.window import Window, intersect, merge, subtract
from ictops.estate.models import Site

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

# Where the clocks change, and days on which they do: at one in the morning in London, at
# midnight in Havana and Beirut (there is no 00:30 in March), by half an hour on Lord Howe Island.
CHANGES = {
    "Europe/London": (date(2026, 10, 25), date(2027, 3, 28), date(2026, 3, 29)),
    "America/Havana": (date(2026, 11, 1), date(2027, 3, 14)),
    "Asia/Beirut": (date(2026, 10, 25), date(2027, 3, 28)),
    "Australia/Lord_Howe": (date(2026, 10, 4), date(2027, 4, 4)),
    "Pacific/Apia": (date(2011, 12, 30),),  # this day was left out
}
DAYS = st.sampled_from([(zone, day) for zone, days in CHANGES.items() for day in days])
CLOCKS = st.integers(0, 1439)


@st.composite
def hours(draw: st.DrawFn) -> str:
    start, end = draw(CLOCKS), draw(st.integers(0, 1440))
    assume(start != end)
    return "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (start, end))


@st.composite
def working(draw: st.DrawFn) -> str:
    start, end = sorted(draw(st.tuples(CLOCKS, st.integers(1, 1440))))
    assume(start < end)
    return "-".join(f"{minutes // 60:02}:{minutes % 60:02}" for minutes in (start, end))


MANY_HOURS = st.lists(hours(), max_size=2)


@st.composite
def calendars(draw: st.DrawFn) -> tuple[SiteCalendar, date]:
    """Give a school's calendar, and a day near which its clocks change."""
    zone, change = draw(DAYS)
    near = st.integers(-4, 4).map(lambda n: change + n * DAY)
    spans = st.tuples(near, st.integers(0, 3)).map(lambda one: (one[0], one[0] + one[1] * DAY))
    variables: dict[str, object] = {
        "site_inset_days": draw(st.lists(near, max_size=2)),
        "site_freezes": [
            {"name": "exams", "start": first, "end": last}
            for first, last in draw(st.lists(spans, max_size=2))
        ],
        "site_extra_school_days": [
            {"name": "school", "start": first, "end": last}
            for first, last in draw(st.lists(spans, max_size=1))
        ],
        "site_working_hours": draw(
            st.dictionaries(st.sampled_from(WEEKDAYS), working() | st.just("closed"), max_size=7)
        ),
        "site_change_hours": draw(
            st.fixed_dictionaries(
                {},
                optional=dict.fromkeys(("school_day", "inset", "weekend", "holiday"), MANY_HOURS),
            )
        ),
    }
    holidays = tuple(
        Span(first, last, "Half term") for first, last in draw(st.lists(spans, max_size=1))
    )
    banks = tuple(Span(day, day, "Bank holiday") for day in draw(st.lists(near, max_size=1)))
    feed = Feed(holidays, frozenset(), banks, change - 30 * DAY, change + 30 * DAY)
    site = Site("alpha", "Alpha", "", zone, "council", Path("alpha.yml"), "", 0, variables)
    return SiteCalendar(feed, SiteRules.of(site), ZoneInfo(zone), Path("council.ics")), change


def shown(now: datetime, zone: ZoneInfo) -> datetime:
    """Give what the clocks show; where they show it again, the last that they show twice.

    Whatever is to be at a time that is shown twice was at the first of the two.
    """
    local = now.astimezone(zone)
    if local.fold:
        while (later := (now + MINUTE).astimezone(zone)).fold:
            now, local = now + MINUTE, later
    return local.replace(tzinfo=None, fold=0)


def is_open(calendar: SiteCalendar, now: datetime) -> bool:
    """Tell from the clocks whether changes may be made."""
    clock = shown(now, calendar.zone)
    today = calendar.day(clock.date())
    if today.freeze:
        return False
    minutes = clock.hour * 60 + clock.minute
    hours_today = calendar.rules.change_hours(today.kind, clock.weekday())
    if any(start <= minutes < end for start, end in hours_today):
        return True
    yesterday = calendar.day(clock.date() - DAY)
    work = calendar.rules.working_hours(clock.weekday())
    if work and today.kind not in {"holiday", "bank holiday"} and minutes >= work[0]:
        return False
    hours_before = calendar.rules.change_hours(yesterday.kind, yesterday.date.weekday())
    return any(minutes + 1440 < end for _, end in hours_before)


@given(calendars(), st.integers(0, 59))
@settings(max_examples=120)
def test_a_window_is_open_just_when_the_clocks_say_so(
    made: tuple[SiteCalendar, date], minute: int
) -> None:
    calendar, change = made
    assume(calendar.zone.key != "Pacific/Apia")  # where no day was before the one after it
    start = moment(change - DAY, 0, calendar.zone) + minute * MINUTE
    windows = calendar.windows(start, start + 3 * DAY)
    for step in range(0, 3 * 24 * 60, 7):
        now = start + step * MINUTE
        assert any(now in window for window in windows) == is_open(calendar, now), now


def was(day: date, zone: ZoneInfo) -> bool:
    """Tell whether there was such a day: Apia went from 29 to 31 December 2011."""
    return moment(day, 0, zone).astimezone(zone).date() == day


@given(calendars(), st.integers(-4000, 4000), st.integers(1, 8000), st.integers(0, 8000))
@settings(max_examples=120)
def test_windows_are_in_order_within_bounds_and_never_in_a_freeze(
    made: tuple[SiteCalendar, date], start_minute: int, length: int, cut: int
) -> None:
    calendar, change = made
    start = moment(change, 0, calendar.zone) + start_minute * MINUTE
    end = start + length * MINUTE
    windows = calendar.windows(start, end)
    for window in windows:
        assert start <= window.start < window.end <= end
        assert window.start.tzinfo is UTC
        assert window.length == window.end - window.start
        last = (window.end - MINUTE).astimezone(calendar.zone).date()
        first = window.start.astimezone(calendar.zone).date()
        days = [day for day in Span(first, last, "") if was(day, calendar.zone)]
        assert not any(calendar.day(day).freeze for day in days)
    assert all(before.end < after.start for before, after in pairwise(windows))
    middle = start + min(cut, length) * MINUTE
    halves = [*calendar.windows(start, middle), *calendar.windows(middle, end)]
    assert merge(halves) == windows, "a window does not depend on when it is asked for"


@given(calendars())
@settings(max_examples=80)
def test_nothing_is_changed_in_working_hours_of_a_school_day_unless_it_is_said(
    made: tuple[SiteCalendar, date],
) -> None:
    calendar, change = made
    assume(calendar.rules.site_change_hours.school_day is None)
    for day in Span(change - 3 * DAY, change + 3 * DAY, ""):
        work = calendar.rules.working_hours(day.weekday())
        if calendar.day(day).kind not in {"school day", "unknown"} or work is None:
            continue
        first, last = (moment(day, minutes, calendar.zone) for minutes in work)
        assert calendar.windows(first, last) == []


@pytest.mark.parametrize(
    ("zone", "day", "real"),
    [
        ("Europe/London", date(2026, 10, 25), 25),
        ("Europe/London", date(2027, 3, 28), 23),
        ("America/Havana", date(2026, 11, 1), 25),
        ("America/Havana", date(2027, 3, 14), 23),
        ("Asia/Beirut", date(2027, 3, 28), 23),
        ("Australia/Lord_Howe", date(2026, 10, 4), 23.5),
        ("Pacific/Apia", date(2011, 12, 30), 0),
        ("Europe/London", date(2026, 10, 26), 24),
    ],
)
def test_a_day_is_as_long_as_it_really_is(zone: str, day: date, real: float) -> None:
    site = Site("alpha", "Alpha", "", zone, "", Path(), "", 0, {})
    feed = Feed((Span(day - DAY, day + DAY, "Half term"),), frozenset(), (), day, day)
    calendar = SiteCalendar(feed, SiteRules.of(site), ZoneInfo(zone), Path())
    bounds = (moment(day, 0, calendar.zone), moment(day, 1440, calendar.zone))
    assert sum((w.length for w in calendar.windows(*bounds)), timedelta()) == real * HOUR


def test_a_day_that_was_left_out_is_none() -> None:
    site = Site("alpha", "Alpha", "", "Pacific/Apia", "", Path(), "", 0, {})
    days = Span(date(2011, 12, 29), date(2011, 12, 31), "Closed")
    feed = Feed((days,), frozenset(), (), days.first, days.last)
    calendar = SiteCalendar(feed, SiteRules.of(site), ZoneInfo("Pacific/Apia"), Path())
    (window,) = calendar.windows(
        moment(days.first, 0, calendar.zone), moment(days.last, 1440, calendar.zone)
    )
    assert window.length == 48 * HOUR


def test_three_days_over_the_change_of_the_clocks_are_73_hours() -> None:
    site = Site("alpha", "Alpha", "", "Europe/London", "", Path(), "", 0, {})
    feed = Feed(
        (Span(date(2026, 10, 26), date(2026, 10, 26), "Half term"),), frozenset(), (),
        date(2026, 9, 1), date(2026, 10, 30),
    )  # fmt: skip
    calendar = SiteCalendar(feed, SiteRules.of(site), ZoneInfo("Europe/London"), Path())
    (window,) = calendar.windows_in("half term", datetime(2026, 9, 1, tzinfo=UTC))
    assert window == Window(
        datetime(2026, 10, 23, 23, tzinfo=UTC), datetime(2026, 10, 27, tzinfo=UTC)
    )
    assert window.length == 73 * HOUR


@given(DAYS, st.integers(-1500, 1500), st.integers(0, 59))
def test_a_local_time_is_its_first_moment_or_the_first_after_it(
    where: tuple[str, date], minutes: int, second: int
) -> None:
    zone = ZoneInfo(where[0])
    local = datetime.combine(where[1], time(), None) + minutes * MINUTE + second * MINUTE / 60
    found = utc(local, zone)

    def reads(now: datetime) -> datetime:
        return now.astimezone(zone).replace(tzinfo=None)

    assert reads(found) >= local, "never before it"
    earlier = [found - step for step in (timedelta(seconds=1), MINUTE, HOUR / 2, HOUR, 24 * HOUR)]
    assert all(reads(now) < local for now in earlier), "and never later than need be"
    if reads(found) != local:
        skipped = reads(found) - reads(found - timedelta(seconds=1))
        assert skipped > timedelta(seconds=1), "only what the clocks skip is moved"
    assert utc(local + MINUTE, zone) >= found, "in order"


WINDOWS = st.lists(
    st.tuples(st.integers(0, 200), st.integers(1, 60)).map(
        lambda one: Window(
            datetime(2026, 1, 1, tzinfo=UTC) + one[0] * HOUR,
            datetime(2026, 1, 1, tzinfo=UTC) + (one[0] + one[1]) * HOUR,
        )
    ),
    max_size=6,
)


@given(WINDOWS, WINDOWS, st.integers(-1, 270))
def test_arithmetic_on_windows_is_that_on_moments(
    one: list[Window], other: list[Window], hour: int
) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC) + hour * HOUR

    def holds(windows: list[Window]) -> bool:
        return any(now in window for window in windows)

    assert holds(merge([*one, *other])) == (holds(one) or holds(other))
    assert holds(intersect(one, other)) == (holds(one) and holds(other))
    assert holds(subtract(one, other)) == (holds(one) and not holds(other))
    for made in (merge(one), intersect(one, other), subtract(one, other)):
        assert all(before.end < after.start for before, after in pairwise(made))
