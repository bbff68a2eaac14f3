"""What the journal gives back: rows as frozen data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

RunState = Literal["waiting", "running", "paused", "cancelled", "finished"]
Ending = Literal["waiting", "paused", "cancelled", "finished"]
"""What a run is when nobody carries it any more."""
Wish = Literal["pause", "cancel"]
SiteState = Literal["open", "stopped", "done"]
HostState = Literal["pending", "running", "ended"]
OutcomeName = Literal["ok", "changed", "failed", "unreachable", "deferred", "skipped"]
DriftState = Literal["clean", "drift", "unreachable", "error"]
"""What a drift check says of a host: always one of these, and never two at once."""
SlotState = Literal["planned", "claimed", "begun", "missed", "skipped"]
MissedPolicy = Literal["run-once", "skip", "within"]
"""What is done of a slot that was missed: see docs/schedule.md."""
LOOKED: frozenset[DriftState] = frozenset({"clean", "drift"})
"""The states of a host that was looked at: of the others nothing is known."""

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
    schedule: str | None
    """The schedule that began it, by its name."""


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


@dataclass(frozen=True, slots=True)
class Differing:
    """Something of a host that is not as it should be."""

    item: str
    """What of the host, such as "running vs intended"."""
    digest: str
    """At most 64 characters, the same for the same difference, on whatever host."""
    text: str
    """For people: secrets masked."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check says of a host."""

    host: str
    site: str
    state: DriftState
    at: datetime
    message: str = ""
    differing: tuple[Differing, ...] = ()
    """At most one of each item; some if, and only if, the state is drift."""

    def __post_init__(self) -> None:
        if (self.state == "drift") != bool(self.differing):
            raise ValueError(f"{self.host}: {self.state} with {len(self.differing)} differences")


@dataclass(frozen=True, slots=True)
class CheckRecord:
    """What the newest checks of a kind say of a host."""

    cluster: str
    host: str
    kind: str
    site: str
    state: DriftState
    message: str
    run_id: str | None
    """The run of the newest check."""
    since: datetime
    """The first of the checks that all said this state."""
    checked_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class DriftRecord:
    """A difference of a host, from the check that first found it."""

    cluster: str
    host: str
    kind: str
    item: str
    digest: str
    text: str
    since: datetime
    seen_at: datetime
    """When it was last found."""
    ended_at: datetime | None
    """When a check found it gone, or another in its place."""


@dataclass(frozen=True, slots=True)
class AcceptedRecord:
    """A difference of a host that a person let be, for a time."""

    cluster: str
    host: str
    kind: str
    item: str
    digest: str
    until: datetime
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class FingerprintRecord:
    """What a host was like when a full check last found it clean."""

    cluster: str
    host: str
    basis: str
    """SHA-256 (hex) of the roles, the playbook and the inventory that it was found clean by."""
    digest: str
    """SHA-256 (hex) of all that these roles manage there."""
    taken_at: datetime


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """What became of the disks of a PC that was to be erased."""

    cluster: str
    host: str
    site: str
    run_id: str | None
    job: str
    erased: bool
    """Whether all of its disks were."""
    ended_at: datetime
    digest: str
    """SHA-256 of ``data``, in hex."""
    data: str
    """JSON, in ASCII."""


@dataclass(frozen=True, slots=True)
class HardwareRecord:
    """What a host was made of when it was last looked at. Sizes are bytes."""

    cluster: str
    host: str
    site: str
    seen_at: datetime
    uuid: str
    vendor: str
    model: str
    serial: str
    firmware: Literal["uefi", "bios"]
    secure_boot: bool
    memory: int
    macs: list[str]
    disks: list[dict[str, Any]]
    """As :class:`ictops.imaging.wire.said.Disk`."""


@dataclass(frozen=True, slots=True)
class HostImageRecord:
    """The image that was last written to a host."""

    cluster: str
    host: str
    name: str
    version: str
    digest: str
    written_at: datetime


@dataclass(frozen=True, slots=True)
class ScheduleRecord:
    """What is begun again and again, and when."""

    id: int
    cluster: str
    name: str
    rule: str
    """As a person said it: "every school night at 02:00"."""
    operation: str
    """The words of the command that begins it by hand: "switch backup"."""
    sites: list[str]
    """None means every site that there is."""
    limit: str | None
    options: dict[str, str | bool]
    jitter: int
    """Seconds: the longest that it is put off at a site."""
    missed: MissedPolicy
    within: int | None
    """Seconds: how late it may begin, where the policy is ``within``."""
    added_at: datetime
    added_by: str
    removed_at: datetime | None
    removed_by: str | None


@dataclass(frozen=True, slots=True)
class SlotRecord:
    """A time at which a schedule is due at a site, and what became of it."""

    id: int
    schedule_id: int
    site: str
    date: date
    """Local to the site; there is one slot a date."""
    due_at: datetime
    state: SlotState
    reason: str
    """Why it is not begun; a planned one that is due says what it waits for."""
    run_id: str | None
    claimed_by: str | None
    claimed_at: datetime | None


@dataclass(frozen=True, slots=True)
class FillRecord:
    """Until when the slots of a schedule are written down for a site."""

    schedule_id: int
    site: str
    timezone: str
    filled_to: datetime


@dataclass(frozen=True, slots=True)
class PastSlot:
    """A slot with its schedule's name and the state of its run, as history shows it."""

    schedule: str
    site: str
    date: date
    due_at: datetime
    state: SlotState
    reason: str
    run_id: str | None
    run_state: RunState | None
    site_state: SiteState | None
    """How far the run is, or came, at this site."""
    not_good: int
    """Hosts of the site that failed in the run, were not reached or were put off."""


@dataclass(frozen=True, slots=True)
class Scheduled:
    """The run that a schedule begins: its slots are claimed for it before there is one.

    :ivar run_id: the id that it will have.
    :ivar schedule: the schedule's name.
    """

    run_id: str
    schedule: str
