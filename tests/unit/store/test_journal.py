from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ictops.errors import JournalError, LeaseLost, RunError
from ictops.operations.housekeeping import keep_house_daily
from ictops.settings import load_settings
from ictops.store import copies, database
from ictops.store.holder import Holder
from ictops.store.journal import Journal, is_free
from ictops.store.lease import Lease
from ictops.store.records import Settled

NOW = datetime(2026, 10, 26, 9, 0, tzinfo=UTC)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'journal.db'}"


@pytest.fixture
def journal(url: str) -> Journal:
    return Journal.open(url)


def make_run(journal: Journal, hosts: tuple[str, ...] = ("pc-1", "pc-2")) -> str:
    return journal.create_run(
        operation="rollout", title="t", cluster="demo", plan="{}", plan_digest="d", by="ann",
        at=NOW, hosts=[("oakfield", host, 0) for host in hosts],
    )  # fmt: skip


def start(lease: Lease, hosts: list[str], token: str = "t1"):
    return lease.start_shard(
        site="oakfield", wave=0, kind="work", token=token, hosts=hosts, cluster="demo", at=NOW
    )


def test_a_journal_is_for_nobody_else(journal: Journal, tmp_path: Path) -> None:
    assert (tmp_path / "journal.db").stat().st_mode & 0o777 == 0o600


def test_hosts_come_in_the_order_of_the_plan(journal: Journal) -> None:
    run = make_run(journal, ("pc-2", "pc-10", "pc-1"))
    assert [host.host for host in journal.hosts(run)] == ["pc-2", "pc-10", "pc-1"]


def test_who_lost_the_lease_writes_nothing_more(journal: Journal) -> None:
    run = make_run(journal)
    old = journal.acquire(run, at=NOW)
    old.let_go("waiting", "", at=NOW)
    new = journal.acquire(run, at=NOW)
    with pytest.raises(LeaseLost):
        start(old, ["pc-1"])
    assert start(new, ["pc-1"]) is not None


def test_a_run_that_a_living_process_carries_is_not_taken_over(journal: Journal) -> None:
    run = make_run(journal)
    journal.acquire(run, at=NOW)
    with pytest.raises(RunError, match="another ictops process"):
        journal.acquire(run, at=NOW)


def test_a_run_of_a_dead_process_is_taken_over(url: str, journal: Journal) -> None:
    run = make_run(journal)
    code = (
        "import sys; from datetime import UTC, datetime; "
        "from ictops.store.journal import Journal; "
        "Journal.open(sys.argv[1]).acquire(sys.argv[2], at=datetime.now(UTC))"
    )
    subprocess.run([sys.executable, "-c", code, url, run], check=True)
    assert journal.acquire(run, at=NOW).fence == 2


def test_a_silent_holder_on_another_machine_keeps_its_run_for_a_minute() -> None:
    other = str(Holder("elsewhere:boot:1", 1, 1))
    assert not is_free(other, NOW, NOW + timedelta(seconds=59))
    assert is_free(other, NOW, NOW + timedelta(seconds=61))


def test_two_runs_never_work_on_one_host_at_once(journal: Journal) -> None:
    one = journal.acquire(make_run(journal), at=NOW)
    other = journal.acquire(make_run(journal), at=NOW)
    first = start(one, ["pc-1"], "t1")
    second = start(other, ["pc-1", "pc-2"], "t2")
    assert first is not None
    assert second is not None
    assert second.hosts == ["pc-2"]
    assert start(other, ["pc-1"], "t3") is None
    one.end_shard(first.id, status="successful", reason="", settled=[], at=NOW)
    assert start(other, ["pc-1"], "t4") is not None


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


def test_a_journal_of_a_newer_ictops_is_left_alone(url: str, journal: Journal) -> None:
    journal.close()
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(JournalError, match="newer ictops"):
        Journal.open(url)


def test_the_version_in_the_code_is_the_newest_migration() -> None:
    names = sorted(p.name for p in (database.MIGRATIONS / "versions").glob("0*.py"))
    assert names[-1].startswith(database.HEAD)


def test_a_damaged_journal_is_noticed_and_its_copy_put_back(url: str, journal: Journal) -> None:
    run = make_run(journal)
    copies.make_copy(url, NOW)
    journal.close()
    path = copies.journal_file(url)
    content = bytearray(path.read_bytes())
    content[4096:40960] = b"\xff" * (40960 - 4096)
    path.write_bytes(content)
    assert copies.faults(path)
    with pytest.raises(JournalError, match="damaged"):
        Journal.open(url).hosts(run)
    aside = copies.restore(url, copies.copies(url)[0], NOW)
    assert aside.is_file()
    assert len(Journal.open(url).hosts(run)) == 2


def test_keeping_house_copies_the_journal_once_a_day(
    url: str, journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ICTOPS_STATE_DIR", str(tmp_path))
    monkeypatch.setenv("ICTOPS_JOURNAL", url)
    settings = load_settings()
    make_run(journal)
    for hours, wanted in ((0, 1), (5, 1), (25, 2)):
        keep_house_daily(journal, settings, NOW + timedelta(hours=hours))
        assert len(copies.copies(url)) == wanted
    for days in range(2, 20):
        keep_house_daily(journal, settings, NOW + timedelta(days=days))
    assert len(copies.copies(url)) == copies.KEPT
