"""What a tick begins of the schedules, by a given clock, in each database."""

from __future__ import annotations

import os
import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from ictops.calendars.feed import Span
from ictops.calendars.localtime import moment
from ictops.calendars.recurrence import parse_recurrence
from ictops.operations.carry import carry
from ictops.operations.slots import AHEAD, WAITS, jitter
from ictops.operations.tick import due
from ictops.store import tables as t
from ictops.store.journal import Journal
from ictops.store.records import MissedPolicy, ScheduleRecord
from ictops.store.slot_filling import GRACE
from ictops.store.slots import Slots
from tests.support.schools import MONDAY, Schools
from tests.support.scripted import journalled, small_plan

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TUESDAY_AT_2 = datetime(2026, 11, 10, 2, 0, tzinfo=UTC)


def test_what_is_due_is_begun_once_with_all_its_sites_in_one_run(either: Schools) -> None:
    either.add()
    assert either.tick(TUESDAY_AT_2 - MINUTE).runs == []
    begun = either.tick(TUESDAY_AT_2 + MINUTE)
    assert (begun.errors, either.begun) == ([], [(begun.runs[0], ("elm", "oak"))])
    for later in range(1, 15):
        either.tick(TUESDAY_AT_2 + later * MINUTE)
    assert [run.schedule for run in either.runs()] == ["nightly"]
    assert either.states() == {"Tue 10": "begun", "Wed 11": "planned", "Thu 12": "planned"}


def test_on_time_it_is_begun_whatever_the_windows_are(schools: Schools) -> None:
    schools.add("every school day at 10:00")
    ten = datetime(2026, 11, 10, 10, 0, tzinfo=UTC)
    assert schools.tick(ten + GRACE).runs != []


def test_each_site_is_put_off_by_its_own_share_of_the_jitter(schools: Schools) -> None:
    schedule = schools.add(jitter=HOUR)
    late = {code: jitter(schedule, code) for code in ("oak", "elm")}
    assert len(set(late.values())) == 2
    assert all(timedelta(0) <= one <= HOUR for one in late.values())
    tick = TUESDAY_AT_2
    while tick < TUESDAY_AT_2 + 2 * HOUR:
        schools.tick(tick)
        tick += 2 * MINUTE
    for run, sites in schools.begun:
        (site,) = sites
        due = TUESDAY_AT_2 + late[site]
        assert due <= schools.journal.run(run).created_at < due + 2 * MINUTE
    assert len(schools.begun) == 2


OFF: list[tuple[MissedPolicy, timedelta | None, dict[str, str]]] = [
    ("run-once", None, {"Tue 10": "missed", "Wed 11": "missed", "Thu 12": "begun"}),
    ("skip", None, {"Tue 10": "missed", "Wed 11": "missed", "Thu 12": "missed"}),
    ("within", 16 * HOUR, {"Tue 10": "missed", "Wed 11": "missed", "Thu 12": "begun"}),
    ("within", 6 * HOUR, {"Tue 10": "missed", "Wed 11": "missed", "Thu 12": "missed"}),
]


@pytest.mark.parametrize(("missed", "within", "wanted"), OFF)
def test_the_box_was_off_for_three_days(
    either: Schools, missed: MissedPolicy, within: timedelta | None, wanted: dict[str, str]
) -> None:
    either.add(missed=missed, within=within)
    noon = MONDAY + 3 * DAY
    tick = noon
    while tick < noon + 8 * HOUR:
        either.tick(tick)
        tick += 19 * MINUTE
    found = either.states()
    assert {day: found[day] for day in wanted} == wanted
    assert all(one.reason for one in either.history() if one.state == "missed")
    assert "the next one, of 2026-11-12, is due" in either.history()[1].reason
    if "begun" in wanted.values():
        (run,) = either.runs()
        opens = noon.replace(hour=17, minute=30)
        assert opens <= run.created_at < opens + 19 * MINUTE, "not into a closed window"
    else:
        assert either.runs() == []
    assert either.tick(datetime(2026, 11, 13, 2, 1, tzinfo=UTC)).runs != []


def test_what_waits_for_a_window_says_so_and_gives_way_to_a_newer_one(schools: Schools) -> None:
    schools.add("every day at 08:00")
    schools.tick(MONDAY + DAY)
    assert schools.history()[0].reason == WAITS
    assert schools.tick(MONDAY + DAY + HOUR).runs == []
    schools.tick(MONDAY + DAY + 20 * HOUR)  # Wednesday at 08:00, on time
    assert schools.states()["Tue 10"] == "missed"
    assert schools.states()["Wed 11"] == "begun"
    assert len(schools.runs()) == 1


def test_in_a_freeze_nothing_is_caught_up(schools: Schools) -> None:
    freeze = {"name": "exams", "start": "2026-11-10", "end": "2026-11-10"}
    schools.school("oak", site_freezes=[freeze])
    schools.add("every Tuesday at 02:00")
    schools.tick(TUESDAY_AT_2 + 4 * HOUR)
    assert schools.begun[0][1] == ("elm",)
    assert schools.states()["Tue 10"] == "planned"
    assert schools.tick(TUESDAY_AT_2 + DAY).runs != [], "the next night is no freeze"


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
@pytest.mark.parametrize("minutes", [-30, -1, 1, 30])
def test_the_clock_jumps_an_hour(schools: Schools, jump: timedelta, minutes: int) -> None:
    """Each way, at moments around the slot."""
    schools.add()
    clock, jumps = TUESDAY_AT_2 - HOUR, TUESDAY_AT_2 + minutes * MINUTE
    jumped = False
    while clock < TUESDAY_AT_2 + 2 * HOUR:
        schools.tick(clock)
        clock += 3 * MINUTE
        if not jumped and clock >= jumps:
            clock, jumped = clock + jump, True
    assert len(schools.runs()) == 1
    assert schools.states() == {
        "Tue 10": "begun", "Wed 11": "planned", "Thu 12": "planned"
    }  # fmt: skip


def test_a_clock_that_was_far_ahead_and_is_put_right_loses_no_night(schools: Schools) -> None:
    schools.add()
    schools.tick(MONDAY + 400 * DAY)
    schools.tick(MONDAY + 2 * HOUR)
    for days in range(3):
        assert schools.tick(TUESDAY_AT_2 + days * DAY + MINUTE).runs != [], days


NIGHTS = [
    # 01:30 is not there on the 28th of March: the first time after it is 02:00 summer time.
    (datetime(2027, 3, 27, 12, 0, tzinfo=UTC), "2027-03-28T01:00", "2027-03-29T00:30"),
    # 01:30 is there twice on the 25th of October: the first is still summer time.
    (datetime(2026, 10, 24, 12, 0, tzinfo=UTC), "2026-10-25T00:30", "2026-10-26T01:30"),
]


@pytest.mark.parametrize(("begin", "first", "second"), NIGHTS)
def test_the_nights_on_which_the_clocks_change(
    schools: Schools, begin: datetime, first: str, second: str
) -> None:
    schools.now = begin
    schools.add("every night at 01:30", sites=("oak",))
    clock = begin + 11 * HOUR
    while clock < begin + 42 * HOUR:
        schools.tick(clock)
        clock += 10 * MINUTE
    found = [run.created_at for run in schools.runs()]
    assert found == [datetime.fromisoformat(f"{at}+00:00") for at in (first, second)]


def test_what_was_claimed_by_a_tick_that_was_killed_is_begun_by_the_next(either: Schools) -> None:
    either.add()
    either.now = TUESDAY_AT_2
    child = os.fork()
    if child == 0:
        try:
            either.before_begin = lambda: os._exit(9)
            either.tick(journal=Journal.open(either.settings.journal_url))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9
    assert either.states()["Tue 10"] == "claimed"
    assert either.runs() == []
    assert len(either.tick(TUESDAY_AT_2 + MINUTE).runs) == 1
    either.tick(TUESDAY_AT_2 + 2 * MINUTE)
    assert len(either.runs()) == 1
    assert either.states()["Tue 10"] == "begun"


def test_what_was_claimed_and_found_late_is_begun_in_a_window_only(schools: Schools) -> None:
    schools.add()
    schools.tick(TUESDAY_AT_2 - HOUR)
    slots = schools.slots
    tonight = slots.due(slots.find("demo", "nightly").id, TUESDAY_AT_2)
    slots.claim("demo", tonight, "abcdef")
    schools.before_begin = lambda: pytest.fail("begun")
    schools.tick(TUESDAY_AT_2 + HOUR)  # this process lives and holds it
    assert schools.states()["Tue 10"] == "claimed"
    slots.give_back("demo", "abcdef", "it was lost")
    schools.tick(TUESDAY_AT_2 + 7 * HOUR)
    assert schools.history()[0].reason == f"{WAITS}: it was lost"
    schools.before_begin = lambda: None
    schools.tick(TUESDAY_AT_2 + 16 * HOUR)
    assert schools.states()["Tue 10"] == "begun"


def test_two_ticks_at_once_begin_each_slot_once(either: Schools) -> None:
    for number in range(4):
        either.add(name=f"nightly-{number}")
    together = Barrier(4)
    either.now = TUESDAY_AT_2

    def tick(_number: int) -> list[str]:
        journal = Journal.open(either.settings.journal_url)
        try:
            together.wait()
            return either.tick(journal=journal).runs
        finally:
            journal.close()

    with ThreadPoolExecutor(4) as pool:
        begun = [run for runs in pool.map(tick, range(4)) for run in runs]
    assert sorted(begun) == sorted(run.id for run in either.runs())
    found = [(run.schedule, site) for run in either.runs() for site in _sites(either, run.id)]
    assert sorted(found) == sorted(
        (f"nightly-{number}", site) for number in range(4) for site in ("oak", "elm")
    )


def _sites(schools: Schools, run: str) -> list[str]:
    return [site.site for site in schools.journal.sites(run)]


RULES = (
    "every night at 02:00",
    "every school night at 22:30",
    "every school day at 12:00",
    "every Monday and Wednesday at 01:30",
    "first Monday of each holiday at 07:00",
)
POLICIES: list[tuple[MissedPolicy, timedelta | None]] = [
    ("run-once", None), ("skip", None), ("within", 5 * HOUR), ("within", 30 * HOUR),
]  # fmt: skip
GAPS = st.sampled_from([1, 1, 1, 3, 9, 30, 240, 700, 1500, 4000]) | st.integers(1, 3000)
BEGINS = (datetime(2026, 10, 21, 9, 0, tzinfo=UTC), datetime(2027, 3, 24, 20, 0, tzinfo=UTC))


@given(
    rule=st.sampled_from(RULES),
    policy=st.sampled_from(POLICIES),
    late=st.integers(0, 5400),
    begin=st.sampled_from(BEGINS),
    gaps=st.lists(GAPS, min_size=3, max_size=25),
    jumps=st.lists(st.sampled_from([-90, -60, 60]), max_size=2),
)
@how(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_each_slot_is_once_and_nothing_late_runs_into_a_closed_window(
    schools: Schools,
    *,
    rule: str,
    policy: tuple[MissedPolicy, timedelta | None],
    late: int,
    begin: datetime,
    gaps: list[int],
    jumps: list[int],
) -> None:
    """Whenever the box is on, and however its clock jumps."""
    schools.now, name = begin, secrets.token_hex(8)
    schedule = schools.add(
        rule, name=name, sites=("oak",), jitter=late * timedelta(seconds=1),
        missed=policy[0], within=policy[1],
    )  # fmt: skip
    clock, last = begin, begin
    for number, gap in enumerate(gaps):
        clock += gap * MINUTE
        if number % 9 == 4 and jumps:
            clock += jumps.pop() * MINUTE
        schools.tick(clock)
        last = max(last, clock)
    _check(schools, schedule, last)
    schools.slots.remove("demo", name, by="ann", at=clock)


def _check(schools: Schools, schedule: ScheduleRecord, last: datetime) -> None:
    found, calendar = schools.history(name=schedule.name), schools.calendar_of("oak")
    rule, begin = parse_recurrence(schedule.rule), schedule.added_at
    days = Span(begin.date() - 2 * DAY, last.date() + 3 * DAY, "")
    wanted = {
        day: moment(day, rule.at, calendar.zone) + jitter(schedule, "oak")
        for day in rule.dates(calendar, begin.date(), days)
    }
    was_due = {day: at for day, at in wanted.items() if begin < at <= last}
    assert {one.date: one.due_at for one in found if one.due_at <= last} == was_due
    assert all(wanted[one.date] == one.due_at for one in found if one.due_at <= last + AHEAD)
    runs = {run.id: run for run in schools.runs() if run.schedule == schedule.name}
    assert sorted(one.run_id or "" for one in found if one.state == "begun") == sorted(runs)
    for one in found:
        if one.state == "begun":
            at = runs[one.run_id or ""].created_at
            assert one.due_at <= at
            if at - one.due_at > GRACE:
                windows = calendar.windows(at, at + MINUTE)
                assert any(at in window for window in windows)
                assert schedule.missed != "skip"
                assert (at - one.due_at).total_seconds() <= (schedule.within or float("inf"))
        elif one.state in {"missed", "skipped"}:
            assert one.reason
    open_ones = [one for one in found if one.state == "planned" and one.due_at <= schools.now]
    assert len(open_ones) <= 1
    assert all(one.reason == WAITS for one in open_ones)


def test_a_slot_is_never_planned_twice_over(schools: Schools) -> None:
    schools.add()
    for minute in range(0, 60 * 30, 61):
        schools.tick(MONDAY + minute * MINUTE)
    dates = [one.date for one in schools.history()]
    assert dates == sorted(set(dates))
    assert Slots(schools.journal).clusters() == ["demo"]


def left_behind(schools: Schools, begun_at: datetime, schedule: str | None = "nightly") -> str:
    """Give a run that is written down, and that nobody has carried."""
    plan = small_plan({"oak": [["oak-sw-1"]]}, windows=[])
    run = journalled(schools.journal, plan)
    with schools.journal.writing() as connection:
        said = {"created_at": begun_at, "now_reason": "it changes nothing", "schedule": schedule}
        connection.execute(t.run.update().where(t.run.c.id == run).values(said))
    return run


@pytest.mark.parametrize(
    ("begun", "now", "is_due"),
    [
        (2, 2 + 9 / 60, True),  # on time
        (2, 7, True),  # late, in an open window
        (6, 8, False),  # 17:30 is still to come within the twelve hours that it may last
        (6, 17.6, True),
        (10, 10.1, True),  # on time, though no window is open
        (10, 10.3, False),
    ],
)
def test_what_nobody_carried_in_time_goes_on_only_in_a_window(
    schools: Schools, begun: float, now: float, is_due: bool
) -> None:
    midnight = TUESDAY_AT_2 - 2 * HOUR
    run = left_behind(schools, midnight + begun * HOUR)
    found = due(schools.journal, schools.settings, midnight + now * HOUR)
    assert found == ([run] if is_due else [])


def test_what_nobody_carried_in_time_ends_where_no_window_is_left(schools: Schools) -> None:
    """The box went off just after it had begun something, and is on again at nine."""
    nine = TUESDAY_AT_2 + 7 * HOUR
    for unreadable in (False, True):
        run = left_behind(schools, TUESDAY_AT_2)
        if unreadable:
            schools.calendar.unlink()
        assert due(schools.journal, schools.settings, nine) == [run]
        ending = carry(
            schools.journal, run, schools.settings, wait_for_windows=False, clock=lambda: nine
        )
        assert ending == "finished"
        assert [host.outcome for host in schools.journal.hosts(run)] == ["deferred"]
        assert schools.journal.shards(run) == []


def test_what_a_person_began_may_go_on_at_any_time(schools: Schools) -> None:
    run = left_behind(schools, TUESDAY_AT_2, schedule=None)
    assert due(schools.journal, schools.settings, TUESDAY_AT_2 + 8 * HOUR) == [run]
