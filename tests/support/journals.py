"""What tests of the journal share: a run of two hosts at one school, and a shard of it."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

from ictops.store.journal import Journal
from ictops.store.lease import Lease
from ictops.store.records import ShardRecord

NOW = datetime(2026, 10, 26, 9, 0, tzinfo=UTC)


def make_run(
    journal: Journal, hosts: Sequence[str] = ("pc-1", "pc-2"), digest: str | None = None
) -> str:
    return journal.create_run(
        operation="rollout", title="t", cluster="demo", plan="{}", by="ann", at=NOW,
        plan_digest=digest or secrets.token_hex(32),
        hosts=[("oakfield", host, 0) for host in hosts],
    )  # fmt: skip


def start(lease: Lease, hosts: Sequence[str], token: str = "t1") -> ShardRecord | None:
    return lease.start_shard(
        site="oakfield", wave=0, kind="work", token=token, hosts=hosts, cluster="demo", at=NOW
    )
