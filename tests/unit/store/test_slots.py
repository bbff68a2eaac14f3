"""Schedules and their slots, in each database that can hold a journal."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import chain
from threading import Barrier

import pytest
import sqlalchemy as sa

from ictops.errors import RunError, ScheduleError
from ictops.store import tables as t
from ictops.store.holder import Holder
from ictops.store.journal import Journal, new_run_id
from ictops.store.records import PastSlot, Scheduled, ScheduleRecord, SlotRecord
from ictops.store.slot_filling import GRACE, NO_LONGER, Filling
from ictops.store.slots import CLAIM_TIME, GONE, LOST, REMOVED, Slots

NOW = datetime(2026, 11, 30, 1, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TONIGHT = NOW + HOUR
NIGHTS = {(NOW + n * DAY).date(): TONIGHT + n * DAY for n in range(3)}


@pytest.fixture
def slots(journal: Journal) -> Slots:
    return Slots(journal)


def add(slots: Slots, name: str = "nightly", cluster: str = "demo") -> ScheduleRecord:
    return slots.add(
        cluster=cluster, name=name, rule="every night at 02:00", operation="switch backup",
        sites=["oak"], limit="sw-*", options={"full": True}, jitter=timedelta(minutes=30),
        missed="within", within=6 * HOUR, by="ann", at=NOW,
    )  # fmt: skip


def filling(
    site: str = "oak", nights: Mapping[date, datetime] = NIGHTS, **other: object
) -> Filling:
    made = Filling(site, "Europe/London", nights, NOW, NOW + 3 * DAY)
    return replace(made, **other)  # type: ignore[arg-type]


@pytest.fixture
def nightly(slots: Slots) -> ScheduleRecord:
    """A schedule with three nights at two sites."""
    made = add(slots)
    slots.fill(made, [filling("oak"), filling("elm")], NOW)
    return made


def all_of(slots: Slots, name: str | None = None) -> list[PastSlot]:
    return slots.history("demo", since=NOW - 999 * DAY, until=NOW + 99999 * DAY, name=name)


def states(slots: Slots, site: str = "oak") -> list[str]:
    """Give what became of a site's nights, the oldest first."""
    return [one.state for one in reversed(all_of(slots)) if one.site == site]


def due(slots: Slots, schedule: ScheduleRecord, now: datetime = TONIGHT) -> list[SlotRecord]:
    return slots.due(schedule.id, now)


def begin(
    slots: Slots, run_id: str, sites: tuple[str, ...] = ("oak", "elm"), digest: str = ""
) -> str:
    """Write down the run that slots are claimed for."""
    return slots.journal.create_run(
        operation="switch-backup", title="t", cluster="demo", plan="{}", by="schedule nightly",
        plan_digest=digest or run_id * 8, at=TONIGHT,
        hosts=[(site, f"{site}-sw-1", 0) for site in sites],
        scheduled=Scheduled(run_id, "nightly"),
    )  # fmt: skip


def test_a_schedule_is_found_by_its_name_until_it_is_removed(slots: Slots) -> None:
    made = add(slots)
    assert (made.sites, made.limit, made.options) == (["oak"], "sw-*", {"full": True})
    assert (made.jitter, made.missed, made.within, made.added_at) == (1800, "within", 21600, NOW)
    assert slots.find("demo", "nightly") == made
    add(slots, cluster="other")
    with pytest.raises(ScheduleError, match="there is a schedule of this name"):
        add(slots)
    assert [one.cluster for one in slots.schedules("demo")] == ["demo"]
    assert slots.clusters() == ["demo", "other"]
    slots.remove("demo", "nightly", by="bob", at=NOW)
    assert slots.schedules("demo") == []
    assert slots.clusters() == ["other"]
    for refused in (slots.find, lambda *of: slots.remove(*of, by="bob", at=NOW)):
        with pytest.raises(ScheduleError, match="no such schedule"):
            refused("demo", "nightly")
    assert add(slots).id != made.id, "its name is free"


def test_slots_are_written_once_however_often_that_is_done(
    slots: Slots, nightly: ScheduleRecord
) -> None:
    before = all_of(slots)
    assert len(before) == 6
    for after in (NOW, NOW - DAY):
        slots.fill(nightly, [filling("oak", after=after), filling("elm")], NOW)
    assert all_of(slots) == before
    fills = slots.fills(nightly.id).values()
    assert [(one.site, one.timezone, one.filled_to) for one in fills] == [
        (site, "Europe/London", NOW + 3 * DAY) for site in ("elm", "oak")
    ]


def test_what_was_due_before_is_not_new(slots: Slots) -> None:
    made = add(slots)
    slots.fill(made, [filling(after=TONIGHT)], TONIGHT + timedelta(minutes=5))
    assert [one.due_at for one in all_of(slots)] == [TONIGHT + 2 * DAY, TONIGHT + DAY]


def test_what_is_no_longer_due_is_skipped_and_planned_again_if_it_is(
    slots: Slots, nightly: ScheduleRecord
) -> None:
    one = {day: at for day, at in NIGHTS.items() if at == TONIGHT}
    slots.fill(nightly, [filling(nights=one)], NOW)
    assert states(slots) == ["planned", "skipped", "skipped"]
    assert states(slots, "elm") == ["planned"] * 3
    assert all_of(slots)[1].reason == NO_LONGER
    later = {day: at + HOUR for day, at in NIGHTS.items()}
    slots.fill(nightly, [filling(nights=later)], NOW)
    found = [one for one in all_of(slots) if one.site == "oak"]
    assert {one.date: one.due_at for one in found} == later
    assert {(one.state, one.reason) for one in found} == {("planned", "")}


def test_what_is_planned_further_ahead_stays_so(slots: Slots, nightly: ScheduleRecord) -> None:
    """The clock was put back, and the box may be off until then."""
    slots.fill(nightly, [filling(nights={}, until=TONIGHT + HOUR)], NOW)
    assert states(slots) == ["skipped", "planned", "planned"]


def test_what_was_due_stands_as_it_is(slots: Slots, nightly: ScheduleRecord) -> None:
    slots.fill(nightly, [filling(nights={})], TONIGHT + GRACE + timedelta(minutes=1))
    assert states(slots) == ["planned", "skipped", "skipped"]


def test_a_site_that_left_has_nothing_planned(slots: Slots, nightly: ScheduleRecord) -> None:
    slots.miss("demo", {due(slots, nightly)[1].id: "why"})
    slots.leave(nightly, ["elm"])
    assert states(slots) == ["missed", "skipped", "skipped"]
    assert states(slots, "elm") == ["planned"] * 3
    assert all_of(slots)[1].reason == GONE
    assert list(slots.fills(nightly.id)) == ["elm"]


def test_what_is_claimed_is_begun_by_the_commit_that_writes_its_run(
    slots: Slots, nightly: ScheduleRecord
) -> None:
    run_id = new_run_id()
    claimed = slots.claim("demo", due(slots, nightly), run_id)
    assert [one.site for one in claimed] == ["elm", "oak"]
    assert due(slots, nightly) == []
    assert states(slots)[0] == "claimed"
    assert begin(slots, run_id) == run_id
    assert states(slots) == ["begun", "planned", "planned"]
    (tonight,) = [one for one in all_of(slots) if one.site == "oak" and one.run_id]
    assert (tonight.run_id, tonight.run_state, tonight.site_state) == (run_id, "waiting", "open")
    assert slots.journal.run(run_id).schedule == "nightly"
    with pytest.raises(RunError, match="taken over"):
        begin(slots, run_id)
    assert len(slots.journal.runs()) == 1


def test_sites_that_the_run_is_not_for_are_skipped(slots: Slots, nightly: ScheduleRecord) -> None:
    slots.claim("demo", due(slots, nightly), "abcdef")
    begin(slots, "abcdef", sites=("elm",))
    assert states(slots)[0] == "skipped"
    assert states(slots, "elm")[0] == "begun"
    assert [one.reason for one in all_of(slots) if one.state == "skipped"] == [
        "the site has no host for it"
    ]


def test_slots_of_a_plan_that_is_carried_out_already_are_of_its_run(
    slots: Slots, nightly: ScheduleRecord
) -> None:
    slots.claim("demo", due(slots, nightly), "abcdef")
    begin(slots, "abcdef", digest="d" * 64)
    other = add(slots, "the same")
    slots.fill(other, [filling("oak")], NOW)
    slots.claim("demo", due(slots, other), "ghijkl")
    assert begin(slots, "ghijkl", digest="d" * 64) == "abcdef"
    assert {one.run_id for one in all_of(slots) if one.state == "begun"} == {"abcdef"}


def test_a_slot_is_claimed_once(slots: Slots, nightly: ScheduleRecord, url: str) -> None:
    wanted, together = due(slots, nightly), Barrier(4)

    def claim(order: list[SlotRecord]) -> list[int]:
        journal = Journal.open(url)
        together.wait()
        claimed = Slots(journal).claim("demo", order, new_run_id())
        journal.close()
        return [one.id for one in claimed]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(claim, [wanted, wanted[::-1]] * 2))
    assert sorted(chain(*found)) == sorted(one.id for one in wanted)


def held_by(slots: Slots, holder: Holder, ago: timedelta = timedelta(0)) -> None:
    """Say that what is claimed is claimed by somebody else."""
    with slots.journal.writing() as connection:
        connection.execute(
            t.slot.update()
            .where(t.slot.c.state == "claimed")
            .values(claimed_by=str(holder), claimed_at=datetime.now(UTC) - ago)
        )


ME = Holder.me()
AWAY = replace(ME, machine="elsewhere:1:1")


@pytest.mark.parametrize(
    ("holder", "ago", "freed"),
    [
        (ME, 99 * DAY, False),
        (replace(ME, started=ME.started - 1), timedelta(0), True),  # its number came back
        (AWAY, CLAIM_TIME - timedelta(minutes=1), False),
        (AWAY, CLAIM_TIME + timedelta(minutes=1), True),
    ],
)
def test_a_claim_is_freed_once_nobody_holds_it(
    slots: Slots, nightly: ScheduleRecord, holder: Holder, ago: timedelta, freed: bool
) -> None:
    slots.claim("demo", due(slots, nightly), "abcdef")
    held_by(slots, holder, ago)
    slots.free_lost("other")
    assert states(slots)[0] == "claimed"
    slots.free_lost("demo")
    assert states(slots)[0] == ("planned" if freed else "claimed")
    if freed:
        assert {one.reason for one in due(slots, nightly)} == {LOST}
        slots.claim("demo", due(slots, nightly), "ghijkl")
        with pytest.raises(RunError, match="taken over"):
            begin(slots, "abcdef")  # it was only slow
        assert slots.journal.runs() == []
        begin(slots, "ghijkl")
    else:
        begin(slots, "abcdef")
    assert len(slots.journal.runs()) == 1


def test_what_could_not_be_begun_is_given_back_or_skipped(
    slots: Slots, nightly: ScheduleRecord
) -> None:
    slots.claim("demo", due(slots, nightly), "abcdef")
    slots.give_back("demo", "abcdef", "no inventory")
    assert {(one.state, one.reason, one.run_id) for one in due(slots, nightly)} == {
        ("planned", "no inventory", None)
    }
    slots.claim("demo", due(slots, nightly), "abcdef")
    slots.skip("demo", "abcdef", "no hosts")
    assert states(slots) == ["skipped", "planned", "planned"]
    slots.give_back("demo", "abcdef", "too late")
    assert states(slots) == ["skipped", "planned", "planned"]


def test_only_what_is_planned_is_missed_or_waits(slots: Slots, nightly: ScheduleRecord) -> None:
    elm, oak = due(slots, nightly)
    slots.claim("demo", [elm], "abcdef")
    slots.wait("demo", {elm.id: "no", oak.id: "a window"})
    assert [one.reason for one in due(slots, nightly)] == ["a window"]
    slots.miss("demo", {elm.id: "no", oak.id: "too late"})
    assert {one.state: one.reason for one in all_of(slots) if one.date == NOW.date()} == {
        "claimed": "", "missed": "too late",
    }  # fmt: skip


def test_nothing_of_a_removed_schedule_is_begun(slots: Slots, nightly: ScheduleRecord) -> None:
    slots.claim("demo", due(slots, nightly), "abcdef")
    assert slots.remove("demo", "nightly", by="bob", at=NOW) == 6
    with pytest.raises(RunError, match="was removed"):
        begin(slots, "abcdef")
    assert slots.journal.runs() == []
    assert {(one.state, one.reason) for one in all_of(slots, "nightly")} == {("skipped", REMOVED)}


def test_history_says_what_became_of_the_run(slots: Slots, nightly: ScheduleRecord) -> None:
    journal = slots.journal
    slots.claim("demo", due(slots, nightly), "abcdef")
    begin(slots, "abcdef")
    with journal.writing() as connection:
        failed = t.run_host.update().where(t.run_host.c.site == "elm")
        connection.execute(failed.values(outcome="unreachable"))
        connection.execute(
            t.run_host.update().where(t.run_host.c.site == "oak").values(outcome="ok")
        )
    found = slots.history("demo", since=NOW, until=TONIGHT)
    assert [(one.site, one.not_good) for one in found] == [("elm", 1), ("oak", 0)]
    assert slots.history("demo", since=NOW, until=TONIGHT, site="elm") == found[:1]
    assert slots.history("other", since=NOW, until=TONIGHT) == []
    assert slots.history("demo", since=NOW, until=TONIGHT, name="x") == []
    assert slots.history("demo", since=TONIGHT + HOUR, until=NOW + DAY) == []


def test_old_slots_are_pruned_unless_they_are_open(slots: Slots, nightly: ScheduleRecord) -> None:
    elm, _oak = due(slots, nightly)
    slots.miss("demo", {elm.id: "too late"})
    assert slots.prune(TONIGHT) == 0
    assert slots.prune(TONIGHT + HOUR) == 1
    assert states(slots, "elm") == ["planned"] * 2
    assert states(slots) == ["planned"] * 3


def test_a_run_that_no_schedule_began_has_none(slots: Slots) -> None:
    run = slots.journal.create_run(
        operation="x", title="t", cluster="demo", plan="{}", plan_digest="d" * 64,
        hosts=[("oak", "oak-sw-1", 0)], by="ann", at=NOW,
    )  # fmt: skip
    assert slots.journal.run(run).schedule is None


def test_one_slot_a_date_is_the_database_s_own_rule(slots: Slots, nightly: ScheduleRecord) -> None:
    row = {
        "schedule_id": nightly.id, "site": "oak", "date": NOW.date(), "due_at": NOW,
        "state": "planned",
    }  # fmt: skip
    with pytest.raises(sa.exc.IntegrityError), slots.journal.engine.begin() as connection:
        connection.execute(t.slot.insert(), row)
