from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import TypeVar

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from ictops.errors import JournalError, LeaseLost, RunCarried, RunError
from ictops.store import tables
from ictops.store.database import HEAD, MIGRATIONS, moment
from ictops.store.holder import Holder
from ictops.store.journal import LEASE_TIME, Journal, is_free
from ictops.store.records import Settled
from tests.support.journals import NOW, make_run, start

Found = TypeVar("Found")


def at_once(url: str, times: int, do: Callable[[Journal, int], Found]) -> list[Found]:
    """Do something in several threads that begin together, each with a connection of its own."""
    barrier = Barrier(times)

    def one(number: int) -> Found:
        journal = Journal.open(url)
        barrier.wait()
        try:
            return do(journal, number)
        finally:
            journal.close()

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


def test_hosts_come_in_the_order_of_the_plan(journal: Journal) -> None:
    run = make_run(journal, ("pc-2", "pc-10", "pc-1"))
    assert [host.host for host in journal.hosts(run)] == ["pc-2", "pc-10", "pc-1"]


def test_one_plan_has_one_run_at_a_time_though_many_ask_at_once(url: str, journal: Journal) -> None:
    def ask(mine: Journal, _number: int) -> list[str]:
        return [make_run(mine, digest=f"plan {number}") for number in range(20)]

    first, *others = at_once(url, 4, ask)
    assert all(other == first for other in others)
    assert len(journal.runs()) == 20


def test_a_plan_whose_run_has_ended_may_be_run_again(journal: Journal) -> None:
    first = make_run(journal, digest="one plan")
    journal.acquire(first, at=NOW).let_go("finished", "", at=NOW)
    assert make_run(journal, digest="one plan") != first


def test_who_lost_the_lease_writes_nothing_more(journal: Journal) -> None:
    run = make_run(journal)
    old = journal.acquire(run, at=NOW)
    old.let_go("waiting", "", at=NOW)
    new = journal.acquire(run, at=NOW)
    for write in (old.beat, old.release, lambda: start(old, ["pc-1"])):
        with pytest.raises(LeaseLost):
            write()
    assert start(new, ["pc-1"]) is not None


def test_a_takeover_waits_for_a_write_that_is_under_way(journal: Journal, url: str) -> None:
    """Else an old holder could commit after a new one has read how far the run is."""
    run = make_run(journal)
    old = journal.acquire(run, at=NOW)
    old.release()
    other = Journal.open(url)
    with ThreadPoolExecutor(1) as pool:
        with old._writing() as connection:
            taken = pool.submit(other.acquire, run, at=NOW)
            with pytest.raises(TimeoutError):
                taken.result(timeout=0.3)
            connection.execute(tables.run.update().values(title="written by the old holder"))
        assert taken.result(timeout=10).fence == 2
    assert other.run(run).title == "written by the old holder"
    other.close()


def test_a_run_that_a_living_process_carries_is_not_taken_over(journal: Journal) -> None:
    run = make_run(journal)
    journal.acquire(run, at=NOW)
    assert journal.is_carried(journal.run(run))
    with pytest.raises(RunCarried, match="another ictops process"):
        journal.acquire(run, at=NOW)


def test_of_many_that_want_a_run_one_gets_it(url: str, journal: Journal) -> None:
    runs = [make_run(journal) for _ in range(20)]

    def take(mine: Journal, _number: int) -> list[str]:
        got = []
        for run in runs:
            with suppress(RunCarried):
                got.append(mine.acquire(run, at=NOW).run_id)
        return got

    assert sorted(run for got in at_once(url, 4, take) for run in got) == sorted(runs)
    assert {run.fence for run in journal.runs()} == {1}


def test_a_run_of_a_dead_process_is_taken_over(url: str, journal: Journal) -> None:
    run = make_run(journal)
    code = (
        "import sys; from datetime import UTC, datetime; "
        "from ictops.store.journal import Journal; "
        "Journal.open(sys.argv[1]).acquire(sys.argv[2], at=datetime.now(UTC))"
    )
    subprocess.run([sys.executable, "-c", code, url, run], check=True)
    assert not journal.is_carried(journal.run(run))
    assert journal.acquire(run, at=NOW).fence == 2


def test_a_silent_holder_on_another_machine_keeps_its_run_for_a_minute() -> None:
    other = str(Holder("elsewhere:boot:1", 1, 1))
    assert not is_free(other, NOW, NOW + timedelta(seconds=59))
    assert is_free(other, NOW, NOW + timedelta(seconds=61))


def test_a_control_box_whose_clock_is_wrong_takes_nothing_from_another(journal: Journal) -> None:
    run = make_run(journal)
    lease = journal.acquire(run, at=NOW)  # by the calendar of a box that is months off
    lease.beat()
    seen = journal.run(run).holder_seen_at
    assert seen is not None
    assert abs(seen - datetime.now(UTC)) < timedelta(minutes=1)

    def silent_for(silence: timedelta) -> None:
        other = str(Holder("elsewhere:boot:1", 1, 1))
        with journal.writing() as connection:
            seen = moment(connection) - silence
            holder = {"holder": other, "holder_seen_at": seen}
            connection.execute(tables.run.update().values(holder))

    silent_for(LEASE_TIME - timedelta(seconds=10))
    with pytest.raises(RunCarried):
        journal.acquire(run, at=NOW + timedelta(days=300))
    silent_for(LEASE_TIME + timedelta(seconds=1))
    assert journal.acquire(run, at=NOW - timedelta(days=300)).fence == 2


def test_two_runs_never_work_on_one_host_at_once(journal: Journal) -> None:
    one = journal.acquire(make_run(journal), at=NOW)
    other = journal.acquire(make_run(journal), at=NOW)
    first = start(one, ["pc-1"], "t1")
    second = start(other, ["pc-1", "pc-2"], "t2")
    assert first is not None
    assert second is not None
    assert second.hosts == ["pc-2"]
    assert journal.shards(other.run_id) == [second]
    assert start(other, ["pc-1"], "t3") is None
    assert journal.claimed_by("demo", ["pc-1", "pc-3"]) == [one.run_id]
    one.end_shard(first.id, status="successful", reason="", settled=[], at=NOW)
    assert start(other, ["pc-1"], "t4") is not None


def test_runs_that_want_the_same_hosts_at_once_share_them_out(url: str, journal: Journal) -> None:
    hosts = [f"pc-{number}" for number in range(300)]
    runs = [make_run(journal, hosts) for _ in range(4)]
    worked_on: dict[str, int] = {}
    twice: list[str] = []

    def work(mine: Journal, number: int) -> int:
        lease = mine.acquire(runs[number], at=NOW)
        claimed = 0
        for turn in range(12):
            shard = start(lease, hosts if number % 2 else hosts[::-1], f"{number}-{turn}")
            if shard is None:
                continue
            claimed += len(shard.hosts)
            twice.extend(h for h in shard.hosts if worked_on.setdefault(h, number) != number)
            for host in shard.hosts:
                del worked_on[host]
            lease.end_shard(shard.id, status="successful", reason="", settled=[], at=NOW)
        return claimed

    assert sum(at_once(url, 4, work)) >= len(hosts)
    assert twice == []
    assert journal.claimed_by("demo", hosts) == []


def test_an_event_that_comes_twice_is_kept_once(journal: Journal) -> None:
    run = make_run(journal)
    lease = journal.acquire(run, at=NOW)
    shard = start(lease, ["pc-1"])
    assert shard is not None
    row = {
        "shard_id": shard.id, "counter": 1, "at": NOW, "kind": "runner_on_ok", "host": "pc-1",
        "task": "x", "data": "{}",
    }  # fmt: skip
    lease.record([row], [Settled("pc-1", "ended", "ok")], at=NOW)
    lease.record([row], at=NOW)
    assert len(journal.events(run)) == 1
    assert journal.counts(run) == {"oakfield": {"ok": 1, "pending": 1}}


def test_what_a_host_says_may_hold_any_character(journal: Journal) -> None:
    run = make_run(journal)
    lease = journal.acquire(run, at=NOW)
    said = "a NUL \0, a snowman ☃, a quote ' and a % sign"
    lease.record([], [Settled("pc-1", "ended", "failed", said)], at=NOW)
    (host,) = [h for h in journal.hosts(run) if h.host == "pc-1"]
    assert host.reason == said.replace("\0", "\N{REPLACEMENT CHARACTER}")


def test_old_events_go_and_outcomes_stay(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ictops.store.journal.PRUNED_AT_ONCE", 3)
    runs = [make_run(journal), make_run(journal)]
    for run in runs:
        lease = journal.acquire(run, at=NOW)
        shard = start(lease, ["pc-1"], run)
        assert shard is not None
        row = {"shard_id": shard.id, "at": NOW, "kind": "x", "host": None, "task": None}
        rows = [row | {"counter": number, "data": "{}"} for number in range(7)]
        lease.record(rows, [Settled("pc-1", "ended", "ok")], at=NOW)
        lease.end_shard(shard.id, status="successful", reason="", settled=[], at=NOW)
        if run == runs[0]:
            lease.let_go("finished", "", at=NOW)
    assert journal.prune_events(NOW) == 0
    assert journal.prune_events(NOW + timedelta(seconds=1)) == 7
    assert [len(journal.events(run)) for run in runs] == [0, 7]
    assert journal.counts(runs[0])["oakfield"]["ok"] == 1


def test_a_paused_run_goes_on_only_when_a_person_says_so(journal: Journal) -> None:
    run = make_run(journal)
    journal.wish(run, "pause", by="ann", at=NOW)
    journal.acquire(run, at=NOW).let_go("paused", "", at=NOW)
    assert journal.run(run).wish is None
    assert journal.go_on(run, by="ann", at=NOW).state == "waiting"
    journal.acquire(run, at=NOW).let_go("cancelled", "", at=NOW)
    with pytest.raises(RunError, match="cancelled already"):
        journal.go_on(run, by="ann", at=NOW)


def test_many_may_open_a_new_journal_at_once(url: str) -> None:
    barrier = Barrier(4)

    def open_it(_number: int) -> int:
        barrier.wait()
        journal = Journal.open(url)
        try:
            return len(journal.runs())
        finally:
            journal.close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(open_it, range(4))) == [0, 0, 0, 0]


def test_a_journal_of_a_newer_ictops_is_left_alone(url: str, journal: Journal) -> None:
    with journal.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(JournalError, match="newer ictops"):
        Journal.open(url)


def test_the_version_in_the_code_is_the_newest_migration() -> None:
    names = sorted(p.name for p in (MIGRATIONS / "versions").glob("0*.py"))
    assert names[-1].startswith(HEAD)


def test_the_migrations_make_the_tables_that_the_code_knows(journal: Journal) -> None:
    with journal.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, tables.metadata) == []


def test_the_newest_event_of_a_kind_is_found_of_each_host_at_work(journal: Journal) -> None:
    run = make_run(journal, ("pc-1", "pc-2"))
    lease = journal.acquire(run, at=NOW)
    shard = start(lease, ["pc-1", "pc-2"])
    assert shard is not None

    def event(counter: int, host: str, kind: str = "runner_retry") -> dict[str, object]:
        return {
            "shard_id": shard.id, "counter": counter, "at": NOW, "kind": kind, "host": host,
            "task": None, "data": "{}",
        }  # fmt: skip

    said = [event(1, "pc-1"), event(2, "pc-2"), event(3, "pc-1"), event(4, "pc-1", "runner_on_ok")]
    ended = Settled("pc-2", "ended", "ok")
    lease.record(said, at=NOW)
    found = [(one.host, one.counter) for one in journal.latest(run, "runner_retry")]
    assert found == [("pc-1", 3), ("pc-2", 2)]
    lease.record([], [ended], at=NOW)
    assert [one.host for one in journal.latest(run, "runner_retry")] == ["pc-1"]
