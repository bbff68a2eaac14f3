from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from ictops.errors import JournalError
from ictops.operations.carry import jobs_of
from ictops.operations.housekeeping import keep_house, keep_house_daily
from ictops.running.sweep import TOKEN_VARIABLE, processes_of
from ictops.settings import Settings
from ictops.store import copies
from ictops.store.journal import Journal
from ictops.store.lease import Lease
from tests.support.journals import NOW, make_run, start
from tests.support.postgresql import Server
from tests.support.runs import until


def ended_with_an_event(journal: Journal) -> str:
    run = make_run(journal)
    lease: Lease = journal.acquire(run, at=NOW)
    shard = start(lease, ["pc-1"], run)
    assert shard is not None
    row = {"shard_id": shard.id, "counter": 1, "at": NOW, "kind": "x", "data": "{}"}
    lease.record([row | {"host": None, "task": None}], at=NOW)
    lease.end_shard(shard.id, status="successful", reason="", settled=[], at=NOW)
    lease.let_go("finished", "", at=NOW)
    return run


def test_a_job_that_the_journal_knows_nothing_of_is_ended_and_its_folder_deleted(
    journal: Journal, settings: Settings
) -> None:
    """As after a restore of a copy that is older than the job."""
    lease = journal.acquire(make_run(journal), at=NOW)
    shard = start(lease, ["pc-1"], "known")
    assert shard is not None
    processes = {}
    for token in ("known", "unknown"):
        (jobs_of(settings) / token).mkdir()
        processes[token] = subprocess.Popen(
            [sys.executable, "-c", "import time; time.sleep(600)"],
            env={**os.environ, TOKEN_VARIABLE: token},
        )
        until(lambda t=token: bool(processes_of([t])), 10, "the job")
    keep_house(journal, settings, NOW)
    assert processes["unknown"].wait(10) != 0
    assert processes["known"].poll() is None
    processes["known"].kill()
    processes["known"].wait()
    assert [folder.name for folder in jobs_of(settings).iterdir()] == ["known"]


def test_where_no_copy_can_be_made_old_events_are_pruned_all_the_same(
    journal: Journal, settings: Settings
) -> None:
    run = ended_with_an_event(journal)
    (copies.journal_file(settings.journal_url).parent / "copies").write_text("in the way")
    with pytest.raises(JournalError, match="no copy could be made"):
        keep_house(journal, settings, NOW + timedelta(days=400))
    assert journal.events(run) == []


def test_a_journal_on_postgresql_is_pruned_once_a_day(
    postgresql: Server, settings: Settings
) -> None:
    settings = settings.model_copy(update={"journal": postgresql.database()})
    journal = Journal.open(settings.journal_url)
    later = NOW + timedelta(days=400)
    keep_house_daily(journal, settings, later)
    run = ended_with_an_event(journal)
    keep_house_daily(journal, settings, later + timedelta(hours=23))
    assert len(journal.events(run)) == 1
    keep_house_daily(journal, settings, later + timedelta(hours=24))
    assert journal.events(run) == []
    journal.close()
