# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The snapshots of a repository, as what hosts say of them: names and times can be forged."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, timezone

from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    NO_LOCK,
    Repository,
    ResticError,
    answer,
)

_TIME = re.compile(
    r"(\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?\d*(Z|[+-]\d\d:\d\d)\Z", re.IGNORECASE
)


@dataclass(frozen=True)
class Snapshot:
    """A snapshot, as its host labelled it.

    :ivar tags: those of the form ``name=value``; of two of one name the first.
    :ivar original: the snapshot that it is a copy of; its own id if it is none.
    :ivar at: by the host's clock, in UTC.
    """

    id: str
    host: str
    at: datetime
    tags: dict[str, str]
    paths: tuple[str, ...]
    original: str

    @property
    def archive(self) -> str:
        return self.tags.get("archive", "")

    def is_called(self, name: str) -> bool:
        """Tell whether this is meant by an id, whole or its beginning, of it or its original."""
        return self.id.startswith(name) or self.original.startswith(name)


def snapshots_of(repository: Repository) -> list[Snapshot]:
    """Give all snapshots, newest first.

    :raises ResticError: if they cannot be read.
    """
    found = [_snapshot(one) for one in answer(repository, "snapshots", *NO_LOCK) or ()]
    return sorted(found, key=lambda one: (one.at, one.id), reverse=True)


def moment(text: str) -> datetime:
    """Read a time of restic's, which has nanoseconds.

    :raises ValueError: if it is none.
    """
    found = _TIME.match(text)
    if not found:
        raise ValueError(f"{text!r} is no time")
    whole, part, zone = found.groups()
    zone = "+00:00" if zone in "Zz" else zone
    read = datetime.fromisoformat(f"{whole}{(part or '.0').ljust(7, '0')}{zone}")
    return read.astimezone(timezone.utc)  # noqa: UP017 - Python 3.10 knows no other name


def _snapshot(said: dict) -> Snapshot:
    tags: dict[str, str] = {}
    for tag in said.get("tags") or ():
        name, _, value = tag.partition("=")
        tags.setdefault(name, value)
    try:
        at = moment(said["time"])
    except (ValueError, OverflowError) as error:
        raise ResticError(0, f"snapshot {said['id'][:8]} has no time: {error}") from error
    return Snapshot(
        said["id"],
        said.get("hostname") or "",
        at,
        tags,
        tuple(said.get("paths") or ()),
        said.get("original") or said["id"],
    )
