"""What tests of backups share: a school with hosts to back up, and what these say of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ictops.operations.apply import create_run
from ictops.store.backup_records import Sampled, Taken, Tried
from ictops.store.journal import Journal
from ictops.store.records import OutcomeName, Settled
from tests.support.journals import NOW, start
from tests.support.scripted import small_plan

SHA = "ab" * 32
ID, OTHER_ID, THIRD_ID = "11" * 32, "22" * 32, "33" * 32
SERVER = "oak-bak-01"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

SCHOOL = """\
site_oakfield:
  hosts: {oak-srv-01: , oak-srv-02: , oak-pc-01: , oak-bak-01: }
linux:
  hosts: {oak-srv-01: , oak-srv-02: , oak-pc-01: , oak-bak-01: }
servers:
  hosts: {oak-srv-01: , oak-srv-02: , oak-bak-01: }
backup_servers:
  hosts: {oak-bak-01: }
homes:
  hosts: {oak-srv-01: }
  vars:
    backup_sets:
      - {name: homes, class: pupils, kind: folders, paths: [/home]}
      - {name: staff, class: staff, kind: folders, paths: [/srv/staff]}
"""
"""One site: a server with two sets, and ``oak-srv-02`` with one in its host_vars."""


def make_school(folder: Path) -> Path:
    """Write the inventory of a school, and another one without a backup server."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "oakfield.yml").write_text(SCHOOL)
    (folder / "host_vars").mkdir(exist_ok=True)
    (folder / "host_vars" / "oak-srv-02.yml").write_text(
        "backup_promise_hours: 50\n"
        "backup_sets: [{name: mis, class: mis, kind: postgresql, databases: [mis]}]\n"
    )
    (folder / "elmtree.yml").write_text(
        "site_elmtree: {hosts: {elm-srv-01: }}\n"
        "linux: {hosts: {elm-srv-01: {backup_sets: [{name: homes, class: staff}]}}}\n"
    )
    return folder


def of_set(name: str = "homes", snapshot: str = ID, **more: Any) -> dict[str, Any]:
    """Give what a host says of a set that is backed up; of one that failed if no snapshot."""
    said = {
        "set": name, "class": "pupils", "kind": "folders", "snapshot": snapshot,
        "at": NOW.isoformat(), "seconds": 2.5, "files": 3, "bytes": 3000, "files_new": 1,
        "files_changed": 1, "bytes_added": 1000, "message": "" if snapshot else "it failed",
        "sample": [{"path": "/home/a", "size": 5, "sha256": SHA}] if snapshot else [],
    }  # fmt: skip
    return said | more


def backed_up(*sets: Mapping[str, Any], repository: str = "oakfield") -> dict[str, Any]:
    """Give what a host says of its backup."""
    return {"ictops_backup": {"repository": repository, "sets": list(sets)}}


def ended(
    journal: Journal,
    operation: str,
    said: Mapping[str, Mapping[str, Any] | None],
    *,
    outcomes: Mapping[str, OutcomeName] | None = None,
    extra_vars: Mapping[str, Any] | None = None,
    at: datetime = NOW,
    site: str = "oakfield",
    by: str | None = None,
) -> str:
    """Write a run down that is over, with what its hosts said, and give its id.

    :param said: by host, the result of its task; None: it said nothing.
    :param outcomes: where they are not ok.
    """
    hosts = list(said)
    plan = small_plan({site: [hosts]}).model_copy(
        update={
            "operation": operation, "title": operation, "extra_vars": dict(extra_vars or {}),
            "made_at": at, **({"made_by": by} if by else {}),
        }
    )  # fmt: skip
    run_id = create_run(journal, plan, at)
    lease = journal.acquire(run_id, at=at)
    shard = start(lease, hosts, token=f"{run_id}-1")
    assert shard is not None
    became = {host: (outcomes or {}).get(host, "ok") for host in hosts}
    rows = [
        {
            "shard_id": shard.id, "counter": number, "at": at, "host": host, "task": "Back up",
            "kind": "runner_on_failed" if became[host] == "failed" else "runner_on_ok",
            "data": json.dumps({"data": {"res": result}}),
        }
        for number, (host, result) in enumerate(said.items())
        if result is not None
    ]  # fmt: skip
    lease.record(rows, at=at)
    settled = [
        Settled(host, "ended", outcome, "" if outcome == "ok" else f"it is {outcome}")
        for host, outcome in became.items()
    ]
    lease.end_shard(shard.id, status="successful", reason="", settled=settled, at=at)
    lease.let_go("finished", "", at=at)
    return run_id


def tried(
    name: str = "homes",
    *,
    host: str = "oak-srv-01",
    good: bool = True,
    at: datetime = NOW,
    snapshot: str = ID,
    sample: Sequence[Sampled] = (Sampled("/home/a", 5, SHA),),
    **more: Any,
) -> Tried:
    """Give a try of a set as the store takes it."""
    said: dict[str, Any] = {
        "host": host, "site": "oakfield", "name": name, "repository": "oakfield",
        "class_": "pupils", "kind": "folders", "at": at, "good": good,
        "message": "" if good else "no space left",
        "snapshots": (Taken(snapshot, at, tuple(sample)),) if good else (),
    }  # fmt: skip
    return Tried(**(said | more))
