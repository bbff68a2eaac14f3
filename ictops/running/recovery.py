"""After a crash: end what still runs, take in what was said, queue the rest again."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from ictops.errors import RunError
from ictops.plans.model import Plan
from ictops.running.local import LocalExecutor, spooled
from ictops.running.messages import Ended, Event
from ictops.running.outcomes import event_row, settle_end, settle_event
from ictops.running.sweep import sweep
from ictops.running.tally import Tally
from ictops.store.journal import Journal
from ictops.store.lease import Lease
from ictops.store.records import Settled, ShardRecord

LOST = "the process that carried the run was lost"


def recover(
    journal: Journal,
    lease: Lease,
    plan: Plan,
    executor: LocalExecutor,
    clock: Callable[[], datetime],
) -> list[ShardRecord]:
    """Bring the journal to the truth about the shards that an earlier process left.

    A host that had reached its end stays done; the others are queued again, or, where the
    plan is not idempotent and they had begun, reported as failed.

    :raises RunError: if a process of such a shard cannot be ended.
    """
    lost = journal.shards(lease.run_id, "running")
    left = sweep([shard.token for shard in lost])
    if left:
        raise RunError(
            f"{left} processes of an earlier carrying cannot be ended",
            where=lease.run_id,
            do="Look for them with 'ps' and try 'ictops run resume' again",
        )
    for shard in lost:
        known = {e.counter: e for e in _journalled(journal, lease.run_id, shard)}
        spool = [e for e in spooled(executor.folder_of(shard.token)) if e.counter not in known]
        tally = Tally()
        now = clock()
        next_try = now + plan.retry_every
        settled: list[Settled] = []
        for event in sorted([*known.values(), *spool], key=lambda e: e.counter):
            host = tally.add(event)
            if host is not None:
                settled += settle_event(tally, shard, host, next_try)
        lease.record([event_row(e) for e in spool], settled, at=now)
        ended = Ended(shard=shard.id, fence=shard.fence, status="error", reason=LOST)
        rest = settle_end(tally, shard, ended, next_try, cut_off=True, idempotent=plan.idempotent)
        lease.end_shard(shard.id, status=ended.status, reason=LOST, settled=rest, at=now, lost=True)
        executor.forget(shard.token)
    return lost


def _journalled(journal: Journal, run_id: str, shard: ShardRecord) -> list[Event]:
    return [
        Event(
            shard=shard.id,
            fence=shard.fence,
            counter=row.counter,
            at=row.at,
            kind=row.kind,
            host=row.host,
            task=row.task,
            data=json.loads(row.data)["data"],
        )
        for row in journal.events(run_id, shard=shard.id)
    ]


def prune_jobs(journal: Journal, folder: Path) -> int:
    """Delete the folders of jobs whose shards are over; give how many there were.

    What may still run of such a job is ended: a journal that was put back from a copy knows
    nothing of it.
    """
    # Folders first: one that is made after this look is not in the list, whatever is running.
    there = [f.name for f in folder.iterdir() if f.is_dir()]
    running = {
        s.token for run in journal.runs(open_only=True) for s in journal.shards(run.id, "running")
    }
    stale = [token for token in there if token not in running]
    sweep(stale)
    executor = LocalExecutor(folder)
    for token in stale:
        executor.forget(token)
    return len(stale)
