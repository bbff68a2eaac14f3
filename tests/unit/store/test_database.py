"""What a person is told when the journal's database cannot be used."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa

from ictops.errors import JournalDamaged, JournalError
from ictops.settings import load_settings
from ictops.store import copies, database
from ictops.store.journal import Journal
from tests.support.journals import NOW, make_run
from tests.support.postgresql import Server, server


@pytest.fixture
def own_server() -> Iterator[Server]:
    """A server that may be stopped without harm to other tests."""
    with server() as it:
        yield it


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("/var/lib/journal.db", "no database URL"),
        ("mysql://ann:hunter2@db/ictops", "no journal can be kept in mysql://ann:***@db/ictops"),
        ("sqlite://", "no journal can be kept in sqlite://"),
        ("sqlite:///:memory:", "no journal can be kept"),
    ],
)
def test_a_url_that_cannot_hold_a_journal_is_refused(url: str, told: str) -> None:
    with pytest.raises(JournalError) as raised:
        Journal.open(url)
    assert told in raised.value.what
    assert "hunter2" not in str(raised.value)


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(JournalError, match=r"psycopg is not installed.*ictops\[postgresql\]"):
        Journal.open("postgresql://ann:hunter2@db/ictops")


def test_a_path_in_the_settings_is_read_from_the_workspace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "ictops.toml"
    config.write_text('journal = "sqlite:///kept/journal.db"\n')
    monkeypatch.setenv("ICTOPS_CONFIG", str(config))
    monkeypatch.chdir("/")
    assert load_settings().journal_url == f"sqlite:///{tmp_path}/kept/journal.db"


def test_a_server_that_is_away_is_told_and_no_password_with_it(own_server: Server) -> None:
    url = own_server.database().replace("postgres@", "postgres:hunter2@")
    journal = Journal.open(url)
    own_server.stop()
    for use in (journal.runs, lambda: Journal.open(url)):
        with pytest.raises(JournalError, match="does not answer") as raised:
            use()
        assert "hunter2" not in str(raised.value)
    own_server.start()
    assert journal.runs() == []
    journal.close()


def test_a_database_that_is_not_there_is_told(postgresql: Server) -> None:
    with pytest.raises(JournalError, match=r"refuses.*createdb"):
        Journal.open(postgresql.url("nowhere"))


@pytest.mark.parametrize(
    ("state", "error", "told"),
    [
        ("53100", JournalError, "the journal's disk is full. Free some space"),
        ("XX001", JournalDamaged, "damaged: a made-up error"),
        ("42501", JournalError, "refuses: a made-up error"),
        ("53300", JournalError, "cannot be used: a made-up error"),
    ],
)
def test_what_the_server_says_is_told_in_our_words(
    postgresql: Server, state: str, error: type[JournalError], told: str
) -> None:
    journal = Journal.open(postgresql.database())
    sql = f"DO $$ BEGIN RAISE EXCEPTION 'a made-up error' USING ERRCODE = '{state}'; END $$"
    with pytest.raises(error) as raised, journal.writing() as connection:
        connection.exec_driver_sql(sql)
    assert told in str(raised.value)
    journal.close()


def test_copies_are_left_to_the_server_s_own_tools() -> None:
    url = "postgresql://ann:hunter2@db/ictops"
    with pytest.raises(JournalError, match="pg_dump") as raised:
        copies.make_copy(url, NOW)
    assert "hunter2" not in str(raised.value)


def test_a_commit_is_durable_whatever_the_server_s_default(postgresql: Server) -> None:
    url = postgresql.database()
    name = url.rpartition("/journal_")[2].partition("?")[0]
    postgresql.run(f"ALTER DATABASE journal_{name} SET synchronous_commit = off")
    journal = Journal.open(url)
    with journal.reading() as connection:
        assert connection.execute(sa.text("SHOW synchronous_commit")).scalar() == "on"
    journal.close()


def test_a_process_that_hangs_in_a_write_is_told_of(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "LOCK_SECONDS", 1)
    journal, other = Journal.open(url), Journal.open(url)
    run = make_run(journal)
    lease = journal.acquire(run, at=NOW)
    with ThreadPoolExecutor(1) as pool, lease._writing():
        waiting = pool.submit(other.wish, run, "pause", by="ann", at=NOW)
        with pytest.raises(JournalError, match="another process has held the journal"):
            waiting.result(timeout=20)
    for one in (journal, other):
        one.close()


def test_a_box_that_vanishes_in_a_write_does_not_hold_the_journal_for_ever(
    postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "IDLE_SECONDS", 1)
    url = postgresql.database()
    journal, other = Journal.open(url), Journal.open(url)
    run = make_run(journal)
    lease = journal.acquire(run, at=NOW)

    def vanish() -> None:
        with lease._writing():
            assert other.wish(run, "pause", by="ann", at=NOW).wish == "pause"

    with pytest.raises(JournalError, match="does not answer"):
        vanish()
    for one in (journal, other):
        one.close()
