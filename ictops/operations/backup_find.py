"""Looking into repositories: their snapshots, and files in all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ictops.errors import PlanError
from ictops.operations.backup_care import Cared, finish_list
from ictops.operations.backup_results import FindSaid, FoundSaid, ListSaid, SnapshotSaid, words
from ictops.operations.backup_servers import OnServers, begin_on_servers, words_of
from ictops.operations.run_files import told_in
from ictops.plans.model import Plan
from ictops.settings import Settings
from ictops.store.journal import Journal
from ictops.store.records import Scheduled

READS_ONLY = "looking into backups changes nothing"
LIST = OnServers("backup-list", "list of backups", "backup_list.yml", READS_ONLY, beside=True)
FIND = OnServers("backup-find", "search in backups", "backup_find.yml", READS_ONLY, beside=True)

VARIABLE = "backup_find"


@dataclass(frozen=True, slots=True)
class Listed:
    """The snapshots that there are.

    :ivar snapshots: with their repository, newest first.
    :ivar cared: what servers say of their repositories.
    """

    snapshots: tuple[tuple[str, SnapshotSaid], ...]
    cared: Cared


@dataclass(frozen=True, slots=True)
class Found:
    """What was found in backups.

    :ivar files: with the repository of each, newest first.
    :ivar more: whether there is more than was told.
    :ivar bad: repositories and servers that could not be looked into, and why.
    """

    files: tuple[tuple[str, FoundSaid], ...]
    more: bool
    bad: Mapping[str, str]


def begin_list(
    journal: Journal,
    settings: Settings,
    *,
    sites: tuple[str, ...] = (),
    limit: str | None = None,
    host: str | None = None,
    set_: str | None = None,
    scheduled: Scheduled | None = None,
) -> str:
    """Write a run down that lists snapshots, and give its id.

    :param host: only of this host, also of one that is no longer in the inventory.
    :param set_: only of this set.
    :raises NoHosts: if none of these sites has a backup server.
    """
    told = _given(host=host, set=set_)
    extra_vars = {"backup_list": told} if told else {}
    return begin_on_servers(
        journal, settings, LIST, extra_vars, sites=sites, limit=limit, scheduled=scheduled
    )


def listed_of(journal: Journal, run_id: str) -> Listed:
    """Give what a list brought, and write down how repositories are; again changes nothing."""
    cared = finish_list(journal, run_id)
    told, _ = words_of(journal, run_id, "ictops_backup_list", ListSaid)
    snapshots = [(said.repository, one) for *_, said in told for one in said.snapshots]
    snapshots.sort(key=lambda one: one[1].at, reverse=True)
    return Listed(tuple(snapshots), cared)


def begin_find(
    journal: Journal,
    settings: Settings,
    pattern: str,
    *,
    sites: tuple[str, ...] = (),
    host: str | None = None,
    set_: str | None = None,
    after: datetime | None = None,
    before: datetime | None = None,
) -> str:
    """Write a run down that looks for files in all snapshots, and give its id.

    :param pattern: of a name or a path, with ``*``, ``?`` and ``[…]``.
    :param after: only snapshots made then or later; likewise ``before``.
    :raises PlanError: if the pattern is empty, or nothing could be made between the times.
    :raises NoHosts: if none of these sites has a backup server.
    """
    if not pattern.strip() or "\0" in pattern:
        raise PlanError(
            "say what is looked for", where="--path", do='Such as --path "*essay*"'
        )  # fmt: skip
    if after and before and before <= after:
        raise PlanError("no time is before the one and after the other", where="--before")
    told = _given(
        pattern=pattern, host=host, set=set_,
        after=after.isoformat() if after else None, before=before.isoformat() if before else None,
    )  # fmt: skip
    return begin_on_servers(journal, settings, FIND, {VARIABLE: told}, sites=sites)


def found_of(journal: Journal, run_id: str) -> Found:
    """Give what a search brought."""
    told, silent = words_of(journal, run_id, "ictops_backup_found", FindSaid)
    files = [(said.repository, one) for *_, said in told for one in said.found]
    asked = told_in(Plan.model_validate_json(journal.run(run_id).plan), VARIABLE)
    if after := asked.get("after"):
        files = [one for one in files if one[1].at >= datetime.fromisoformat(str(after))]
    if before := asked.get("before"):
        files = [one for one in files if one[1].at <= datetime.fromisoformat(str(before))]
    files.sort(key=lambda one: one[1].at, reverse=True)
    bad = {said.repository: words(said.message) for *_, said in told if not said.good}
    return Found(tuple(files), any(said.more for *_, said in told), {**silent, **bad})


def literal(path: str) -> str:
    """Give the pattern that only this very path fits (Go's path/filepath.Match)."""
    return "".join(f"\\{letter}" if letter in "*?[\\" else letter for letter in path)


def _given(**told: Any) -> dict[str, Any]:
    return {key: value for key, value in told.items() if value is not None}
