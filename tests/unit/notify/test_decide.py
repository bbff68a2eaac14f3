"""What is told at once, what in the daily summary, and what waits for the end of the night."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from ictops.notify.decide import decide
from ictops.notify.model import Route
from ictops.store.alarm_records import AlarmRecord, News, RouteRecord, Severity
from ictops.store.deliveries import Decided

HOUR = timedelta(hours=1)
YESTERDAY = date(2026, 10, 26)
TODAY = date(2026, 10, 27)  # London has UTC since the 25th
NUMBERS = count(1)


def at(clock: str, day: date = TODAY) -> datetime:
    """Give a moment by a clock in UTC."""
    return datetime.fromisoformat(f"{day}T{clock}:00+00:00")


def route(**more: Any) -> Route:
    return Route(name="team", url="json://x", **more)


def news(
    severity: Severity = "warning", told: Severity | None = None, *, ended: bool = False
) -> News:
    number = next(NUMBERS)
    record = AlarmRecord(
        number, "demo", "run", f"key-{number}", "oakfield", "", severity, f"text {number}", 1,
        since=at("01:00"), changed_at=at("01:00"), ended_at=at("02:00") if ended else None,
    )  # fmt: skip
    return News(record, told)


def decided(
    now: datetime, *told: News, summarised: date | None = YESTERDAY, **of_route: Any
) -> Decided:
    state = RouteRecord("demo", "team", at("00:00", YESTERDAY), summarised)
    return decide("demo", route(**of_route), now, state, list(told))


def messages(made: Decided) -> list[tuple[bool, int]]:
    """Give whether each message is urgent, and how many news it tells."""
    return [(one.urgent, len(one.news)) for one in made.messages]


@pytest.mark.parametrize(
    ("one", "at_once"),
    [
        (news("urgent"), True),
        (news("urgent", "warning"), True),
        (news("warning", "urgent"), True),
        (news("urgent", "urgent", ended=True), True),
        (news("urgent", ended=True), False),
        (news("warning"), False),
        (news("warning", "info"), False),
        (news("info", "warning", ended=True), False),
    ],
)
def test_what_is_urgent_or_believed_to_be_is_told_at_once(one: News, at_once: bool) -> None:
    assert messages(decided(at("03:00"), one)) == ([(True, 1)] if at_once else [])
    assert messages(decided(at("07:30"), one)) == [(at_once, 1)]


def test_all_that_is_urgent_is_one_message() -> None:
    assert messages(decided(at("03:00"), news("urgent"), news("urgent"), news())) == [(True, 2)]


def test_the_rest_comes_once_a_day_and_late_where_that_was_missed() -> None:
    assert decided(at("07:29"), news(), news("info")) == Decided([], None)
    for clock in ("07:30", "07:31", "23:59"):
        made = decided(at(clock), news(), news("info"))
        assert (messages(made), made.summarised) == ([(False, 2)], TODAY)
    assert decided(at("07:31"), news(), summarised=TODAY) == Decided([], None)


def test_a_day_on_which_there_is_nothing_to_say_is_done_with_too() -> None:
    """Or what comes at ten would be told at ten."""
    assert decided(at("07:30")) == Decided([], TODAY)


def test_a_new_route_s_first_summary_comes_at_its_time() -> None:
    made = decided(at("10:00"), news("urgent"), news(), summarised=None)
    assert (messages(made), made.summarised) == ([(True, 1)], TODAY)
    made = decided(at("06:00"), news(), summarised=None)
    assert (messages(made), made.summarised) == ([], YESTERDAY)


def test_quiet_hours_hold_back_all_but_what_is_urgent_now() -> None:
    night = {"quiet": "21:00-07:00"}
    all_of = [news("urgent"), news("warning", "urgent"), news("urgent", "urgent", ended=True)]
    made = decided(at("22:00"), *all_of, news(), **night)
    assert (messages(made), made.summarised) == ([(True, 1)], None), "nor was it summarised"
    assert messages(decided(at("06:59"), *all_of[1:], **night)) == []
    assert messages(decided(at("07:00"), *all_of[1:], **night)) == [(True, 2)]


def test_who_wants_to_sleep_can() -> None:
    night = {"quiet": "21:00-07:00", "quiet_urgent": True}
    assert messages(decided(at("22:00"), news("urgent"), **night)) == []
    assert messages(decided(at("07:00"), news("urgent"), **night)) == [(True, 1)]


def test_a_summary_that_was_missed_until_the_night_comes_in_the_morning() -> None:
    night = {"quiet": "21:00-07:00"}
    assert decided(at("22:00"), news(), **night) == Decided([], None)
    assert messages(decided(at("07:30"), news(), summarised=YESTERDAY, **night)) == [(False, 1)]


def test_the_route_s_own_clock_counts() -> None:
    summer = date(2026, 10, 24)
    before = summer - timedelta(days=1)
    assert decided(at("06:29", summer), news(), summarised=before).messages == []
    assert len(decided(at("06:30", summer), news(), summarised=before).messages) == 1
    assert len(decided(at("02:00"), news(), zone="Asia/Karachi").messages) == 0
    assert len(decided(at("02:30"), news(), zone="Asia/Karachi").messages) == 1


@pytest.mark.parametrize(
    ("first", "hours", "summary"),
    [
        (datetime(2026, 10, 24, 12, tzinfo=UTC), 72, "01:30"),  # an hour that comes twice
        (datetime(2027, 3, 27, 12, tzinfo=UTC), 72, "01:30"),  # a time that does not exist
        (datetime(2027, 3, 27, 12, tzinfo=UTC), 72, "07:30"),
    ],
)
def test_each_day_has_one_summary_when_the_clocks_change(
    first: datetime, hours: int, summary: str
) -> None:
    of = route(summary=summary)
    done = of.local(first).date()
    days = []
    for minute in range(hours * 60):
        now = first + timedelta(minutes=minute)
        made = decided(now, news(), summarised=done, summary=summary)
        if made.summarised is not None:
            done = made.summarised
            days.append(of.local(now))
    assert [day.date() for day in days] == [
        first.date() + timedelta(days=number) for number in (1, 2, 3)
    ]
    wanted = datetime.strptime(summary, "%H:%M").time()  # noqa: DTZ007 - only its time is used
    late = [day.time() != wanted for day in days]
    assert sum(late) == (1 if (summary, first.month) == ("01:30", 3) else 0)


def test_a_clock_that_is_put_back_brings_no_second_summary_and_a_wild_one_no_silence() -> None:
    assert decided(at("08:00"), news(), summarised=TODAY + timedelta(days=1)).messages == []
    for wild in (TODAY + timedelta(days=2), date(2038, 1, 19)):
        made = decided(at("08:00"), news(), summarised=wild)
        assert (messages(made), made.summarised) == ([(False, 1)], TODAY)
