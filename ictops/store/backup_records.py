"""What the journal knows of backups, as frozen data. Sizes are bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

CareName = Literal["check", "prune", "copy", "list"]
"""What is done to a repository, beside backing up to it."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """A file as it was when it was backed up."""

    path: str
    size: int
    sha256: str
    """In hex."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A snapshot that a backup made."""

    snapshot: str
    at: datetime
    sample: tuple[Sampled, ...]


@dataclass(frozen=True, slots=True)
class Tried:
    """What a backup says of a set.

    :ivar at: when it was heard of, by our own clock: a host's may be wrong.
    :ivar snapshots: what it made: none if it failed, some where a set has several databases.
    """

    host: str
    site: str
    name: str
    repository: str
    class_: str
    kind: str
    at: datetime
    good: bool
    message: str = ""
    snapshots: tuple[Taken, ...] = ()
    seconds: float = 0.0
    files: int = 0
    bytes: int = 0
    bytes_added: int = 0

    def __post_init__(self) -> None:
        if self.good != bool(self.snapshots):
            raise ValueError(f"{self.host}, {self.name}: good and {len(self.snapshots)} snapshots")

    @property
    def good_at(self) -> datetime | None:
        """When what is backed up was as it is there: never later than it was heard of."""
        return min((self.at, *(one.at for one in self.snapshots))) if self.good else None


@dataclass(frozen=True, slots=True)
class SetRecord:
    """What became of the backups of a set of a host.

    :ivar failures: tries that failed since the last good one.
    :ivar message: of the newest try.
    :ivar seconds: this and what follows is of the last good one; 0 if there was none.
    """

    cluster: str
    host: str
    name: str
    site: str
    repository: str
    class_: str
    kind: str
    tried_at: datetime
    good_at: datetime | None
    failures: int
    message: str
    seconds: float
    files: int
    bytes: int
    bytes_added: int
    run_id: str | None


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """A snapshot, the sample that was taken with it, and what a drill proved of it."""

    cluster: str
    repository: str
    snapshot: str
    site: str
    host: str
    name: str
    """Of the set."""
    at: datetime
    sample: tuple[Sampled, ...]
    drilled_at: datetime | None
    proved: bool | None
    """What the last drill of it came to; None: there was none."""
    message: str


@dataclass(frozen=True, slots=True)
class DrillRecord:
    """What the newest drill of a set came to."""

    host: str
    name: str
    snapshot: str
    at: datetime
    """When the snapshot was made."""
    drilled_at: datetime
    proved: bool
    message: str


@dataclass(frozen=True, slots=True)
class Drilled:
    """What a drill says of a snapshot."""

    repository: str
    snapshot: str
    site: str
    """Of the server that says it."""
    at: datetime
    proved: bool
    message: str


@dataclass(frozen=True, slots=True)
class CareRecord:
    """What became of the last check, prune, copy or list of a repository.

    :ivar good_at: when it was last good; None: never.
    :ivar details: what else there is to say of the last time, by what it is.
    """

    cluster: str
    repository: str
    what: CareName
    site: str
    server: str
    tried_at: datetime
    good: bool
    good_at: datetime | None
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ArchiveRecord:
    """Data that was put away for good."""

    cluster: str
    name: str
    site: str
    host: str
    repository: str
    snapshots: list[str]
    paths: list[str]
    removed: list[str]
    """Paths that are no longer on the host."""
    files: int
    bytes: int
    archived_at: datetime
    keep_until: date
    deleted_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """Who did what to people's data, when and why."""

    cluster: str
    at: datetime
    by: str
    what: str
    site: str
    subject: str
    details: str
    reason: str
    run_id: str | None
