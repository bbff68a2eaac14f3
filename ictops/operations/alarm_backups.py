"""What people should know of backups and of the repositories that they are in."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Literal

from ictops.operations.alarm_sources import BackupSeen, of_backups
from ictops.operations.backup_status import CHECKED_FOR, COPIED_FOR, Status, status
from ictops.settings import Settings
from ictops.store.alarm_records import Alarm
from ictops.store.backups import Backups
from ictops.store.journal import Journal


def alarms_of_backups(journal: Journal, settings: Settings, now: datetime) -> list[Alarm]:
    """Give all that backups have to say now.

    :raises InventoryError: if the inventory, which says what is promised, cannot be read.
    """
    if not settings.cluster_dir.is_dir() and not Backups(journal, settings.cluster).sets():
        return []  # nothing was ever promised here
    seen = status(journal, settings, now=now)
    return [*of_backups(backups_seen(seen), now), *of_repositories(repositories_seen(seen))]


@dataclass(frozen=True, slots=True)
class RepositorySeen:
    """How a repository of backups is cared for, as far as an alarm needs it.

    :ivar escrowed: None where nobody knows; likewise ``has_copy``.
    :ivar failed: what of its care failed the last time, beside the check.
    """

    repository: str
    site: str
    check_good: bool | None
    checked_lately: bool
    escrowed: bool | None
    has_copy: bool | None
    copied_lately: bool
    failed: tuple[str, ...] = ()


def of_repositories(seen: Iterable[RepositorySeen]) -> Iterator[Alarm]:
    """Tell of repositories that are damaged (urgent), or not cared for as they should be."""
    for one in seen:
        for key, severity, text in _of_repository(one):
            yield Alarm(_key(key, one.repository), severity, text, one.site)


def _of_repository(
    one: RepositorySeen,
) -> Iterator[tuple[str, Literal["urgent", "warning", "info"], str]]:
    name = f"repository {one.repository}"
    if one.check_good is False:
        yield "check", "urgent", f"{name}: a check found damage in its backups, or failed"
    elif not one.checked_lately:
        yield "check", "warning", f"{name}: its backups were not checked for damage lately"
    if one.escrowed is False:
        yield "escrow", "warning", f"{name}: its keys are not escrowed"
    elif one.escrowed is None:
        yield "escrow", "info", f"{name}: nobody has looked whether its keys are escrowed"
    if one.has_copy is False:
        yield "copy", "warning", f"{name}: there is no second copy elsewhere"
    elif one.has_copy and not one.copied_lately:
        yield "copy", "warning", f"{name}: its second copy is out of date"
    for what in one.failed:
        yield f"{what} failed", "warning", f"{name}: the last {what} failed"


def backups_seen(status_: Status) -> list[BackupSeen]:
    """Give what alarms need to know of each host."""
    return [
        BackupSeen(
            host=one.host,
            site=one.site,
            last_good=one.good_at,
            promised=timedelta(hours=one.hours),
            failures=one.failures,
            drill=one.drill,
        )
        for one in status_.hosts
    ]


def repositories_seen(status_: Status) -> list[RepositorySeen]:
    """Give what alarms need to know of each repository."""
    return [
        RepositorySeen(
            repository=one.repository,
            site=one.site,
            check_good=one.check_good,
            checked_lately=_lately(one.checked_at, CHECKED_FOR, status_.at),
            escrowed=one.escrowed,
            has_copy=one.has_copy,
            copied_lately=_lately(one.copied_at, COPIED_FOR, status_.at),
            failed=tuple(what for what in one.failed if what != "check"),
        )
        for one in status_.repositories
    ]


def _lately(moment: datetime | None, lasts: timedelta, now: datetime) -> bool:
    return moment is not None and now - moment <= lasts


def _key(*parts: str) -> str:
    return sha256("\0".join(parts).encode()).hexdigest()[:40]
