"""How long past runs took, by which plans are estimated."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from ictops.store.journal import Journal
from ictops.store.records import Settled

NOW = datetime(2026, 10, 26, 9, 0, tzinfo=UTC)


def run_one(journal: Journal, cluster: str, operation: str, seconds: int) -> None:
    run = journal.create_run(
        operation=operation, title="t", cluster=cluster, plan="{}", plan_digest=cluster, by="ann",
        at=NOW, hosts=[("oakfield", "pc-1", 0)],
    )  # fmt: skip
    lease = journal.acquire(run, at=NOW)
    token = f"{cluster} {operation}"
    shard = lease.start_shard(
        site="oakfield", wave=0, kind="work", token=token, hosts=["pc-1"], cluster=cluster, at=NOW
    )
    assert shard is not None
    settled = [Settled("pc-1", "ended", "ok")]
    end = NOW + timedelta(seconds=seconds)
    lease.end_shard(shard.id, status="successful", reason="", settled=settled, at=end)
    lease.let_go("finished", "", at=NOW)


def test_a_rehearsal_does_not_count_for_the_schools(tmp_path: Path) -> None:
    journal = Journal.open(f"sqlite:///{tmp_path / 'journal.db'}")
    run_one(journal, "lab", "rollout", 7)
    run_one(journal, "mine", "rollout", 300)
    run_one(journal, "mine", "playbook:printers", 60)
    assert journal.past_seconds("rollout", "mine") == [300]
    assert journal.past_seconds("rollout", "lab") == [7]
    assert journal.past_seconds("rollout", "other") == []
