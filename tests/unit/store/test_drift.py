"""The results of drift checks, in each database that can hold a journal."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ictops.errors import JournalDamaged, JournalError
from ictops.store import database, drift, tables
from ictops.store.copies import journal_file
from ictops.store.database import MIGRATIONS
from ictops.store.drift import Drifts
from ictops.store.journal import Journal
from ictops.store.records import Checked, CheckRecord, Differing, DriftRecord
from tests.support.journals import NOW, make_run

NIGHT = timedelta(days=1)
VLAN = Differing("running vs intended", "a" * 64, "+ vlan 20")
NTP = Differing("running vs intended", "b" * 64, "- ntp server 10.1.1.1")
UNSAVED = Differing("running vs startup", "a" * 64, "+ vlan 20")


def night(number: int) -> datetime:
    return NOW + number * NIGHT


def drifted(host: str, at: datetime, *differing: Differing) -> Checked:
    return Checked(host, "oakfield", "drift", at, differing=differing)


def clean(host: str, at: datetime) -> Checked:
    return Checked(host, "oakfield", "clean", at)


def silent(host: str, at: datetime) -> Checked:
    return Checked(host, "oakfield", "unreachable", at, "it does not answer")


@pytest.fixture
def run(journal: Journal) -> str:
    return make_run(journal)


@pytest.fixture
def results(journal: Journal) -> Drifts:
    return Drifts(journal)


def write(results: Drifts, run: str, *checked: Checked) -> None:
    results.record("demo", "switch", run, checked)


def newest(results: Drifts, host: str = "sw-1") -> CheckRecord:
    (found,) = [one for one in results.newest("demo", "switch") if one.host == host]
    return found


def found(results: Drifts) -> list[DriftRecord]:
    return results.found("demo", "switch")


def test_the_newest_of_each_host_is_given_with_its_beginning(results: Drifts, run: str) -> None:
    for number in range(3):
        write(results, run, drifted("sw-1", night(number), VLAN, UNSAVED), clean("sw-2", night(0)))
    one = newest(results)
    assert (one.state, one.since, one.checked_at) == ("drift", night(0), night(2))
    assert (one.run_id, one.site, one.ended_at) == (run, "oakfield", None)
    assert newest(results, "sw-2").state == "clean"
    assert [(one.host, one.item, one.text) for one in found(results)] == [
        ("sw-1", "running vs intended", "+ vlan 20"),
        ("sw-1", "running vs startup", "+ vlan 20"),
    ]
    assert {(one.since, one.seen_at) for one in found(results)} == {(night(0), night(2))}


def test_another_difference_in_its_place_begins_anew(results: Drifts, run: str) -> None:
    write(results, run, drifted("sw-1", night(0), VLAN, UNSAVED))
    write(results, run, drifted("sw-1", night(1), NTP, UNSAVED))
    assert {(one.digest[0], one.since) for one in found(results)} == {
        ("b", night(1)), ("a", night(0)),
    }  # fmt: skip
    assert newest(results).since == night(0), "it was drift all the time"


def test_what_was_gone_and_is_back_begins_anew(results: Drifts, run: str) -> None:
    write(results, run, drifted("sw-1", night(0), VLAN))
    write(results, run, clean("sw-1", night(1)))
    assert found(results) == []
    write(results, run, drifted("sw-1", night(2), VLAN))
    assert [one.since for one in found(results)] == [night(2)]


def test_a_host_that_cannot_be_looked_at_is_no_drift_and_ends_none(
    results: Drifts, run: str
) -> None:
    write(results, run, drifted("sw-1", night(0), VLAN))
    write(results, run, silent("sw-1", night(1)))
    assert (newest(results).state, newest(results).message) == ("unreachable", "it does not answer")
    assert found(results) == []
    write(results, run, Checked("sw-1", "oakfield", "error", night(2), "wrong password"))
    write(results, run, drifted("sw-1", night(3), VLAN))
    assert [(one.since, one.seen_at) for one in found(results)] == [(night(0), night(3))]
    assert newest(results).since == night(3)


def test_an_older_result_and_one_that_comes_twice_change_nothing(results: Drifts, run: str) -> None:
    write(results, run, drifted("sw-1", night(0), VLAN))
    write(results, run, clean("sw-1", night(2)))
    before = results.newest("demo")
    write(results, run, drifted("sw-1", night(1), NTP))
    write(results, run, clean("sw-1", night(2)))
    assert (results.newest("demo"), found(results)) == (before, [])


def test_the_same_words_of_another_kind_cluster_or_host_are_their_own(
    results: Drifts, run: str
) -> None:
    write(results, run, drifted("sw-1", night(0), VLAN), drifted("sw-2", night(1), VLAN))
    results.record("demo", "roles", run, [drifted("sw-1", night(2), VLAN)])
    results.record("other", "switch", run, [clean("sw-1", night(3))])
    assert [one.since for one in found(results)] == [night(0), night(1)]
    assert [one.kind for one in results.found("demo")] == ["switch", "roles", "switch"]
    assert {one.state for one in results.newest("demo")} == {"drift"}


@pytest.mark.parametrize(("state", "differing"), [("clean", (VLAN,)), ("drift", ())])
def test_a_result_is_never_mixed(state: str, differing: tuple[Differing, ...]) -> None:
    with pytest.raises(ValueError, match=f"sw-1: {state} with"):
        Checked("sw-1", "oakfield", state, NOW, differing=differing)  # type: ignore[arg-type]


def test_many_hosts_are_written_in_parts(
    results: Drifts, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "WRITTEN_AT_ONCE", 7)
    for number in range(2):
        write(results, run, *(drifted(f"sw-{n}", night(number), VLAN) for n in range(20)))
    assert len(found(results)) == 20
    assert {one.seen_at for one in found(results)} == {night(1)}


def test_of_checks_that_end_at_once_the_latest_stands(url: str, journal: Journal, run: str) -> None:
    barrier = Barrier(4)

    def check(number: int) -> None:
        mine = Journal.open(url)
        barrier.wait()
        for turn in range(10):
            at = NOW + timedelta(minutes=turn * 4 + number)
            one = VLAN if number % 2 else NTP
            write(Drifts(mine), run, *(drifted(f"sw-{n}", at, one) for n in range(20)))
        mine.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(check, range(4)))
    last = NOW + timedelta(minutes=39)
    assert {(one.digest, one.seen_at) for one in found(Drifts(journal))} == {(VLAN.digest, last)}
    assert len(found(Drifts(journal))) == 20


def test_what_ended_long_ago_is_pruned_and_what_stands_is_not(
    journal: Journal, results: Drifts, run: str
) -> None:
    write(results, run, drifted("sw-1", night(0), VLAN), drifted("sw-2", night(0), VLAN))
    for number in (1, 5):
        write(results, run, clean("sw-1", night(number)))
    for number in (2, 300):
        write(results, run, drifted("sw-2", night(number), VLAN))
    assert results.prune(night(0)) == 0
    assert results.prune(night(2)) == 2, "that sw-1 was drift, and of what"
    assert [one.since for one in found(results)] == [night(0)]
    assert {one.host for one in results.newest("demo")} == {"sw-1", "sw-2"}
    assert results.prune(night(200)) == 1, "sw-1 was not heard of since"
    with journal.reading() as connection:
        count = sa.select(sa.func.count())
        assert connection.execute(count.select_from(tables.drift_check)).scalar() == 1


def test_words_that_postgresql_cannot_hold_are_marked(results: Drifts, run: str) -> None:
    write(results, run, drifted("sw-1", NOW, Differing("an item", "c", "a\0b")))
    assert [one.text for one in found(results)] == ["a\N{REPLACEMENT CHARACTER}b"]


def test_a_run_that_is_gone_takes_no_result_with_it(
    journal: Journal, results: Drifts, run: str
) -> None:
    write(results, run, drifted("sw-1", NOW, VLAN))
    with journal.writing() as connection:
        connection.execute(tables.run.delete())
    assert (newest(results).state, newest(results).run_id) == ("drift", None)


def test_a_journal_without_results_of_drift_is_brought_on(url: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    address = database.parse_url(url)
    engine = sa.create_engine(address)
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        assert not sa.inspect(connection).has_table("drift_check")
    engine.dispose()
    journal = Journal.open(url)
    write(Drifts(journal), make_run(journal), drifted("sw-1", NOW, VLAN))
    assert len(found(Drifts(journal))) == 1
    journal.close()


def test_a_damaged_journal_is_told_of_here_too(sqlite_url: str) -> None:
    journal = Journal.open(sqlite_url)
    write(Drifts(journal), make_run(journal), clean("sw-1", NOW))
    journal.close()
    file = journal_file(sqlite_url)
    whole = file.read_bytes()
    file.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(JournalDamaged, match="damaged"):
        Journal.open(sqlite_url)


def test_a_full_disk_is_told_of_and_keeps_what_was_known(sqlite_url: str) -> None:
    journal = Journal.open(sqlite_url)
    results, run = Drifts(journal), make_run(journal)
    write(results, run, drifted("sw-1", NOW, VLAN))
    journal.engine.dispose()
    sa.event.listen(
        journal.engine, "connect", lambda one, _: one.execute("PRAGMA max_page_count = 60")
    )
    with pytest.raises(JournalError, match="the journal's disk is full"):
        write(results, run, *(drifted(f"sw-{n}", night(1), NTP) for n in range(900)))
    assert [(one.host, one.digest, one.seen_at) for one in found(results)] == [
        ("sw-1", VLAN.digest, NOW)
    ]
    journal.close()


HOSTS = ("sw-1", "sw-2")
STATES = st.sampled_from(["clean", "unreachable", "error", "vlan", "ntp", "both"])
DIFFERING = {"vlan": (VLAN,), "ntp": (NTP,), "both": (NTP, UNSAVED)}


def as_checked(host: str, state: str, at: datetime) -> Checked:
    if state in DIFFERING:
        return drifted(host, at, *DIFFERING[state])
    return Checked(host, "oakfield", state, at)  # type: ignore[arg-type]


def beginnings(checks: list[Checked]) -> Iterator[tuple[str, str, datetime]]:
    """Tell from all checks of a host what stands, and since when: the slow and sure way."""
    looked = [one for one in checks if one.state in {"clean", "drift"}]
    if not checks or checks[-1].state != "drift":
        return
    for differing in checks[-1].differing:
        since = checks[-1].at
        for one in reversed(looked):
            if differing not in one.differing:
                break
            since = one.at
        yield differing.item, differing.digest, since


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(st.sampled_from(HOSTS), STATES), max_size=12))
def test_it_is_as_told_from_all_checks_at_once(
    journal: Journal, steps: list[tuple[str, str]]
) -> None:
    with journal.writing() as connection:
        for table in (tables.drift_item, tables.drift_check):
            connection.execute(table.delete())
    results, run = Drifts(journal), make_run(journal)
    told: dict[str, list[Checked]] = {}
    for number, (host, state) in enumerate(steps):
        told.setdefault(host, []).append(as_checked(host, state, night(number)))
        write(results, run, told[host][-1])
    assert {one.host: one.state for one in results.newest("demo")} == {
        host: checks[-1].state for host, checks in told.items()
    }
    assert {(one.host, one.item, one.digest, one.since) for one in found(results)} == {
        (host, *rest) for host, checks in told.items() for rest in beginnings(checks)
    }
