"""What a tick makes of schedules whose site, calendar or operation is gone or cannot be read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ictops.errors import InventoryError
from ictops.operations import scheduled
from ictops.operations.slots import Begun
from ictops.store.slot_filling import GRACE, NO_LONGER
from ictops.store.slots import GONE, REMOVED
from tests.support.schools import HALF_TERM, MONDAY, Schools

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TUESDAY_AT_2 = datetime(2026, 11, 10, 2, 0, tzinfo=UTC)


def test_nothing_of_a_removed_schedule_is_begun(either: Schools) -> None:
    either.add()
    either.slots.remove("demo", "nightly", by="bob", at=either.now)
    assert either.tick(TUESDAY_AT_2) == Begun()
    assert {one.reason for one in either.history()} == {REMOVED}
    either.add()

    def remove() -> None:
        either.slots.remove("demo", "nightly", by="bob", at=either.now)

    either.before_begin = remove
    begun = either.tick(TUESDAY_AT_2 + DAY)
    assert begun.runs == []
    assert "was removed" in begun.errors[0]
    assert either.runs() == []


def test_a_site_that_leaves_is_skipped_and_a_new_one_begins_with_what_is_due_then(
    schools: Schools,
) -> None:
    schools.add()
    (schools.folder / "oak.yml").unlink()
    schools.school("ash")
    schools.tick(MONDAY + 11 * HOUR)
    assert set(schools.states().values()) == {"skipped"}
    assert {one.reason for one in schools.history()} == {GONE}
    schools.tick(TUESDAY_AT_2)
    assert schools.begun[0][1] == ("ash", "elm")
    schools.school("oak")
    schools.tick(TUESDAY_AT_2 + 3 * DAY)
    assert {one.state for one in schools.history() if one.due_at <= schools.now} <= {
        "skipped", "begun"
    }  # fmt: skip
    assert "missed" not in schools.states().values(), "it was not there then"


def test_a_calendar_that_cannot_be_read_is_told_of_each_slot(schools: Schools) -> None:
    schools.add("every school night at 02:00")
    schools.calendar.write_text("nonsense")
    for half_day in range(8):
        schools.tick(TUESDAY_AT_2 + MINUTE + half_day * 12 * HOUR)
    found = schools.history()
    # What was planned while it could be read is begun on time; of the rest nobody can tell.
    assert [f"{one.date:%a} {one.state}" for one in found] == [
        "Tue begun", "Wed begun", "Thu missed", "Fri missed"
    ]  # fmt: skip
    assert all("nobody can tell whether it was due" in one.reason for one in found[2:])
    assert all("council.ics" in one.reason for one in found[2:])
    schools.calendar.write_text(HALF_TERM)
    schools.tick(MONDAY + 4 * DAY)
    schools.tick(datetime(2026, 11, 16, 2, 0, tzinfo=UTC))
    assert schools.history()[4].state == "begun"


def test_a_calendar_that_never_could_be_read_is_told_too(schools: Schools) -> None:
    schools.calendar.unlink()
    schools.add("every school night at 02:00")
    schools.tick(TUESDAY_AT_2 + MINUTE)
    assert schools.states() == {"Tue 10": "missed"}


def test_what_is_late_is_missed_where_the_calendar_cannot_be_read(schools: Schools) -> None:
    schools.add()
    schools.calendar.unlink()
    schools.tick(TUESDAY_AT_2 + HOUR)
    assert "nobody can tell whether a window is open" in schools.history()[0].reason
    assert schools.states()["Tue 10"] == "missed"
    assert schools.tick(TUESDAY_AT_2 + DAY).runs != [], "on time no calendar is asked"


def test_an_inventory_that_cannot_be_read_is_told_of_each_slot(schools: Schools) -> None:
    schools.add()
    whole = (schools.folder / "oak.yml").read_text()
    (schools.folder / "oak.yml").write_text("[")

    def refuse() -> None:
        raise InventoryError("it cannot be read", where="oak.yml")

    schools.before_begin = refuse
    begun = schools.tick(TUESDAY_AT_2)
    assert begun.errors == ["schedule nightly: oak.yml: it cannot be read"]
    assert schools.states()["Tue 10"] == "planned"
    schools.tick(TUESDAY_AT_2 + GRACE + MINUTE)
    (missed,) = [one for one in schools.history() if one.state == "missed"]
    assert "nobody can tell" in missed.reason
    assert "it cannot be read" in missed.reason
    for day in range(1, 4):  # longer than slots are written down ahead
        schools.tick(TUESDAY_AT_2 + day * DAY + 11 * MINUTE)
    assert list(schools.states().values())[:4] == ["missed"] * 4
    (schools.folder / "oak.yml").write_text(whole)
    schools.before_begin = lambda: None
    assert schools.tick(TUESDAY_AT_2 + 4 * DAY).runs != []


def test_what_could_not_be_begun_is_tried_again_while_it_is_on_time(schools: Schools) -> None:
    schools.add()

    def refuse() -> None:
        raise PermissionError(13, "Permission denied", "/etc/x")

    schools.before_begin = refuse
    assert "Permission denied" in schools.tick(TUESDAY_AT_2).errors[0]
    assert "Permission denied" in schools.history()[0].reason
    schools.before_begin = lambda: None
    assert len(schools.tick(TUESDAY_AT_2 + MINUTE).runs) == 1
    assert schools.history()[0].reason == ""


def test_a_calendar_that_changes_is_heeded_also_at_the_last_moment(schools: Schools) -> None:
    schools.add("every school night at 02:00")
    closed = {"name": "snow", "start": "2026-11-10", "end": "2026-11-10"}
    schools.school("oak", site_extra_holidays=[closed])
    schools.tick(TUESDAY_AT_2)
    assert schools.begun[0][1] == ("elm",)
    (tuesday, *_) = schools.history()
    assert (tuesday.state, tuesday.reason) == ("skipped", NO_LONGER)
    closed |= {"start": "2026-11-11", "end": "2026-11-12"}
    schools.school("oak", site_extra_holidays=[closed])
    schools.tick(TUESDAY_AT_2 + 2 * HOUR)
    assert schools.states()["Wed 11"] == "skipped"
    schools.school("oak")
    schools.tick(TUESDAY_AT_2 + 4 * HOUR)
    assert schools.states()["Wed 11"] == "planned"


def test_where_no_host_is_for_it_the_slot_is_skipped(schools: Schools) -> None:
    schools.add(sites=("oak",))

    def gone() -> None:
        (schools.folder / "oak.yml").unlink()

    schools.before_begin = gone
    assert schools.tick(TUESDAY_AT_2) == Begun()
    assert schools.history()[0].reason == "there is no host to change"
    assert schools.states()["Tue 10"] == "skipped"


def test_an_operation_that_is_no_more_is_told(
    schools: Schools, monkeypatch: pytest.MonkeyPatch
) -> None:
    schools.add()
    monkeypatch.delitem(scheduled.OPERATIONS, "test")
    assert schools.tick(TUESDAY_AT_2).errors == [
        "schedule nightly: nightly: this ictops has no operation 'test'"
    ]


def test_the_inventory_is_not_read_each_minute(
    schools: Schools, monkeypatch: pytest.MonkeyPatch
) -> None:
    schools.add()
    schools.calendar.unlink()
    (schools.folder / "oak.yml").write_text("[")
    for minute in range(59):
        assert schools.tick(MONDAY + minute * MINUTE).errors == []
    assert "skipped" not in schools.states().values()
