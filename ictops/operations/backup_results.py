"""What hosts and servers say of backups, read from a run's events and never trusted as it is."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from ictops.plans.model import HostName
from ictops.running.messages import CUT
from ictops.store.journal import Journal

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}\z")]
"""Of a repository, a set or an archive."""
SnapshotId = Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}\z")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}\z")]
Size = Annotated[int, Field(ge=0, le=2**62)]
Text = Annotated[str, Field(max_length=20_000)]
Model = TypeVar("Model", bound=BaseModel)


def _whole(value: Any) -> Any:
    """Leave out the mark of a list that was too long to be kept whole."""
    return [one for one in value if one != CUT] if isinstance(value, list) else value


class _Said(BaseModel):
    """What was agreed; what else is said does not matter. Nothing is taken for what it is not."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class SampleSaid(_Said):
    """A file as it was when it was backed up."""

    path: Text
    size: Size
    sha256: Digest


class SetSaid(_Said):
    """What became of a set, or of a database of one."""

    set: Name
    class_: Annotated[str, Field(alias="class", pattern=r"^[a-z]{1,16}\z")]
    kind: Annotated[str, Field(pattern=r"^[a-z]{1,16}\z")]
    snapshot: SnapshotId | Annotated[str, Field(max_length=0)] = ""
    at: Annotated[AwareDatetime, Field(strict=False)]
    seconds: Annotated[float, Field(ge=0, strict=False, allow_inf_nan=False)] = 0.0
    files: Size = 0
    bytes: Size = 0
    bytes_added: Size = 0
    sample: Annotated[list[SampleSaid], BeforeValidator(_whole)] = []
    message: Text = ""


class BackupSaid(_Said):
    """What a backup says: the key ``ictops_backup``."""

    repository: Name
    sets: Annotated[list[SetSaid], BeforeValidator(_whole)]


class DrillSaid(_Said):
    """What became of a drill of a snapshot."""

    repository: Name
    host: HostName
    set: Name
    snapshot: SnapshotId
    files: Size = 0
    bytes: Size = 0
    good: bool
    message: Text = ""


class DrillsSaid(_Said):
    """What a server says of drills: the key ``ictops_backup_drill``."""

    results: Annotated[list[DrillSaid], BeforeValidator(_whole)]


class OfRepository(_Said):
    """What is said of a repository, whatever was done."""

    repository: Name
    good: bool
    message: Text = ""


class CheckSaid(OfRepository):
    """What a check says of a repository."""

    seconds: Annotated[float, Field(ge=0, strict=False, allow_inf_nan=False)] = 0.0
    part: Annotated[int, Field(ge=1)]
    parts: Annotated[int, Field(ge=1)]


class PruneSaid(OfRepository):
    """What a prune says of a repository."""

    removed: Annotated[list[SnapshotId], BeforeValidator(_whole)] = []
    kept: Size = 0
    bytes_freed: Size = 0


class CopySaid(OfRepository):
    """What a copy says of a repository."""

    to: Text = ""
    copied: Size = 0
    snapshots: Size = 0


class SnapshotSaid(_Said):
    """A snapshot in a repository."""

    snapshot: SnapshotId
    host: Text
    set: Text = ""
    class_: Annotated[str, Field(alias="class")] = ""
    kind: Text = ""
    archive: Text = ""
    at: Annotated[AwareDatetime, Field(strict=False)]
    paths: Annotated[list[Text], BeforeValidator(_whole)] = []
    bytes: Size | None = None

    @field_validator("set", "class_", "kind", "archive", mode="before")
    @classmethod
    def _or_nothing(cls, value: object) -> object:
        return "" if value is None else value


class ListSaid(OfRepository):
    """What a server says of a repository."""

    bytes: Size = 0
    escrowed: bool = False
    copied: Annotated[bool, Field(alias="copy")] = False
    snapshots: Annotated[list[SnapshotSaid], BeforeValidator(_whole)] = []


class FoundSaid(_Said):
    """A file in a snapshot."""

    snapshot: SnapshotId
    host: Text
    set: Text = ""
    at: Annotated[AwareDatetime, Field(strict=False)]
    path: Text
    type: Text = ""
    size: Size = 0
    mtime: Text = ""


class FindSaid(OfRepository):
    """What was found in a repository."""

    found: Annotated[list[FoundSaid], BeforeValidator(_whole)] = []
    more: bool = False


class RestoredSaid(_Said):
    """What became of a restore: the key ``ictops_backup_restored``."""

    snapshot: SnapshotId
    path: Text
    to: Text
    files: Size
    bytes: Size
    verified: bool
    owner: Text = ""


class ArchivedSaid(_Said):
    """What became of an archive: the key ``ictops_backup_archived``."""

    name: Name
    repository: Name
    snapshot: SnapshotId
    files: Size
    bytes: Size
    verified: bool
    removed: list[Text] = []


class DeletedSaid(_Said):
    """What became of a deletion: the key ``ictops_backup_deleted``."""

    repository: Name
    archive: Name
    removed: list[SnapshotId]
    copy_removed: list[SnapshotId] = []


@dataclass(frozen=True, slots=True)
class Heard:
    """The last word of a host under a key, as it came, and when."""

    host: str
    at: datetime
    told: Any
    message: str
    """Of the task, where it failed."""


def heard(journal: Journal, run_id: str, key: str) -> dict[str, Heard]:
    """Give the last result of each host that carries a key, also of a task that failed."""
    found: dict[str, Heard] = {}
    mark = json.dumps(key)
    for event in journal.events(run_id):
        if event.host is None or mark not in event.data:
            continue
        result = json.loads(event.data)["data"].get("res")
        if isinstance(result, Mapping) and key in result:
            failed = event.kind == "runner_on_failed"
            message = str(result.get("msg") or "") if failed else ""
            found[event.host] = Heard(event.host, event.at, result[key], message)
    return found


def understood(model: type[Model], told: Any) -> Model | str:
    """Give what was told as it was agreed, or what is wrong with it in words."""
    try:
        return model.model_validate(told)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "it"
        return f"what it says cannot be read: {where}: {first['msg']}"


def of_repositories(model: type[Model], told: Any) -> Iterator[Model | str]:
    """Give what is said of each repository: one that cannot be read hides no other."""
    listed = told.get("repositories") if isinstance(told, Mapping) else None
    if not isinstance(listed, list):
        yield "what it says cannot be read: it names no repositories"
        return
    for one in listed:
        yield understood(model, one)


def printable(text: str) -> str:
    """Give a text of a host as it may be printed: on one line, and nothing in it acts."""
    return "".join(
        letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def words(text: str) -> str:
    """Give what a program complains of on one line, as it may be printed."""
    return printable("; ".join(line.strip() for line in text.splitlines() if line.strip()))
