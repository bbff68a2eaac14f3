"""The journal of real runs: damaged on the disk, and kept on PostgreSQL."""

from __future__ import annotations

import pytest

from ictops.running.sweep import processes_of
from tests.support.lab import Workspace
from tests.support.postgresql import Server
from tests.support.runs import (
    HOLDING,
    apply,
    beside,
    counts,
    let_go,
    newest,
    opened,
    outcomes,
    tokens,
    until,
)

pytestmark = pytest.mark.lab

FEW = ["lab001-ws-01", "lab001-ws-02"]
CANARY, OTHER = FEW


def killed_at_work(mine: Workspace, name: str) -> str:
    """Give a run whose process is killed while its canary is at work."""
    plan = mine.plan(HOLDING.format(name=name), "--limit", ",".join(FEW))
    applying = mine.start(*apply(plan))
    until(lambda: counts(mine, name, FEW)[CANARY] == 1, 30, "the canary at work")
    run = newest(mine)
    applying.kill()
    applying.communicate()
    return run


def test_a_damaged_journal_is_told_and_a_run_goes_on_from_its_copy(workspace: Workspace) -> None:
    mine, name = beside(workspace, "damaged"), "damaged"
    mine.ictops("run", "list")  # makes the journal
    refused = mine.ictops("journal", "restore", "--yes", code=1)
    assert "there is no good copy" in refused
    run = killed_at_work(mine, name)
    shards = tokens(mine)
    mine.ictops("journal", "copy")
    path = mine.folder / "state" / "journal.db"
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    path.write_bytes(content)

    for words in (("run", "list"), ("run", "show", run), ("run", "resume", run), ("tick",)):
        told = mine.ictops(*words, code=1)
        assert "the journal is damaged" in told
        assert "'ictops journal restore' puts the newest back" in told
        assert "Traceback" not in told
    assert mine.json("journal", "check", code=3)["faults"]
    assert len(mine.json("journal", "copies")) == 1
    mine.ictops("journal", "restore", code=1)  # nobody is there to say yes
    assert mine.json("journal", "check", code=3)["faults"]
    mine.ictops("journal", "restore", "--yes")
    assert mine.json("journal", "check")["faults"] == []

    assert [one["id"] for one in mine.json("run", "list")] == [run]
    let_go(mine, name, FEW)
    mine.ictops("run", "resume", run)
    assert outcomes(mine, run) == dict.fromkeys(FEW, "changed")
    assert counts(mine, name, FEW) == {CANARY: 2, OTHER: 1}
    assert processes_of({*shards, *tokens(mine)}) == []


def test_a_run_on_postgresql_is_killed_refused_to_others_and_resumed(
    workspace: Workspace, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ICTOPS_JOURNAL", postgresql.database())
    mine, name = beside(workspace, "postgresql"), "postgresql"
    run = killed_at_work(mine, name)
    assert "its process was lost" in mine.ictops("run", "show", run)
    resuming = mine.start("run", "resume", run)
    until(lambda: counts(mine, name, FEW)[CANARY] == 2, 30, "the canary at work again")
    refused = mine.ictops("run", "resume", run, code=1)
    assert "a living process carries this run already" in refused
    let_go(mine, name, FEW)
    output, _ = resuming.communicate(timeout=60)
    assert resuming.returncode == 0, output
    assert outcomes(mine, run) == dict.fromkeys(FEW, "changed")
    assert counts(mine, name, FEW) == {CANARY: 2, OTHER: 1}
    with opened(mine) as journal:
        shards = journal.shards(run)
        assert [shard.state for shard in shards] == ["lost", "ended", "ended"]
        assert len(journal.events(run, host=OTHER)) > 3
    assert processes_of([shard.token for shard in shards]) == []
    assert not (mine.folder / "state" / "journal.db").exists()
