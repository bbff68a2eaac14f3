"""What the journal gives back: rows as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

RunState = Literal["waiting", "running", "paused", "cancelled", "finished"]
Ending = Literal["waiting", "paused", "cancelled", "finished"]
"""What a run is when nobody carries it any more."""
Wish = Literal["pause", "cancel"]
SiteState = Literal["open", "stopped", "done"]
HostState = Literal["pending", "running", "ended"]
OutcomeName = Literal["ok", "changed", "failed", "unreachable", "deferred", "skipped"]

ENDED: tuple[RunState, ...] = ("cancelled", "finished")
GOOD: frozenset[str] = frozenset({"ok", "changed"})
STRAGGLING: frozenset[str] = frozenset({"unreachable", "deferred"})


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One execution of a plan."""

    id: str
    operation: str
    title: str
    cluster: str
    plan: str
    """The plan as JSON."""
    plan_digest: str
    created_at: datetime
    created_by: str
    now_reason: str | None
    state: RunState
    wish: Wish | None
    fence: int
    holder: str | None
    holder_seen_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class SiteRecord:
    """How far one site is in a run."""

    run_id: str
    site: str
    state: SiteState
    reason: str
    passed: int
    """How many waves have passed their gate."""
    checked: int
    """How many waves have had their health check."""
    approved: int
    """How many gates a person has opened."""
    settled_at: datetime | None


@dataclass(frozen=True, slots=True)
class HostRecord:
    """What became of one host in a run, so far."""

    run_id: str
    host: str
    site: str
    wave: int
    state: HostState
    outcome: OutcomeName | None
    reason: str
    tries: int
    started_at: datetime | None
    ended_at: datetime | None
    next_try_at: datetime | None


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """One site's part of one wave, as it was sent to an executor."""

    id: int
    run_id: str
    site: str
    wave: int
    attempt: int
    kind: Literal["work", "health"]
    fence: int
    token: str
    hosts: list[str]
    state: Literal["running", "ended", "lost"]
    started_at: datetime
    ended_at: datetime | None
    status: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """Why a run did what it did, and who said so."""

    id: int
    run_id: str
    site: str | None
    at: datetime
    by: str
    what: str
    detail: str


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Something that happened in a shard; ``data`` is JSON."""

    id: int
    shard_id: int
    counter: int
    at: datetime
    kind: str
    host: str | None
    task: str | None
    data: str


@dataclass(frozen=True, slots=True)
class ApprovalRecord:
    """Who approved a plan, and when."""

    id: int
    plan_digest: str
    by: str
    at: datetime
    note: str


@dataclass(frozen=True, slots=True)
class Settled:
    """A host's new state at the end of a try."""

    host: str
    state: HostState
    outcome: OutcomeName | None
    reason: str = ""
    next_try_at: datetime | None = None
