"""Caring for repositories: checking a part of all data, pruning, and copying elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ictops.errors import PlanError
from ictops.operations.backup_promise import servers
from ictops.operations.backup_results import (
    CheckSaid,
    CopySaid,
    ListSaid,
    OfRepository,
    PruneSaid,
    printable,
    words,
)
from ictops.operations.backup_servers import OnServers, begin_on_servers, words_of
from ictops.operations.planning import open_cluster
from ictops.settings import Settings
from ictops.store.backup_care import BackupCare
from ictops.store.backup_records import CareName, CareRecord
from ictops.store.backups import Backups
from ictops.store.journal import Journal
from ictops.store.records import Scheduled

OWN_ONLY = "only repositories on backup servers are worked on"
CHECK = OnServers("backup-check", "check of backups", "backup_check.yml", OWN_ONLY)
PRUNE = OnServers("backup-prune", "prune of backups", "backup_prune.yml", OWN_ONLY)
COPY = OnServers("backup-copy", "second copy of backups", "backup_copy.yml", OWN_ONLY)
PARTS, MOST_PARTS = 7, 365
"""In how many checks all data of a repository are read, if not told otherwise."""
NO_REASON = "it failed, and the server does not say why"


@dataclass(frozen=True, slots=True)
class Cared:
    """What a check, prune or copy came to.

    :ivar repositories: what became of each.
    :ivar silent: servers that said nothing of theirs, and why.
    """

    repositories: tuple[CareRecord, ...]
    silent: Mapping[str, str]

    @property
    def good(self) -> bool:
        """Whether nothing is wrong anywhere."""
        return not self.silent and all(one.good for one in self.repositories)


def begin_check(
    journal: Journal,
    settings: Settings,
    *,
    sites: tuple[str, ...] = (),
    limit: str | None = None,
    parts: int | str = PARTS,
    scheduled: Scheduled | None = None,
) -> str:
    """Write a run down that checks repositories and reads a part of their data; give its id.

    The part is the one that was longest not read, so that so many checks read everything.

    :param parts: in how many checks; 1 reads everything at once.
    :raises NoHosts: if none of these sites has a backup server.
    """
    number = whole(parts, "--parts", MOST_PARTS)
    there = tuple(servers(open_cluster(settings), sites=sites))
    checks = BackupCare(journal, settings.cluster).of(sites=there) if there else []
    part = next_part((one for one in checks if one.what == "check"), number)
    extra_vars = {"backup_check": {"part": part, "parts": number}}
    return begin_on_servers(
        journal, settings, CHECK, extra_vars, sites=sites, limit=limit, scheduled=scheduled
    )


def begin_prune(
    journal: Journal,
    settings: Settings,
    *,
    sites: tuple[str, ...] = (),
    limit: str | None = None,
    scheduled: Scheduled | None = None,
) -> str:
    """Write a run down that deletes snapshots beyond their retention, and give its id.

    :raises NoHosts: if none of these sites has a backup server.
    """
    return begin_on_servers(
        journal, settings, PRUNE, {}, sites=sites, limit=limit, scheduled=scheduled
    )


def begin_copy(
    journal: Journal,
    settings: Settings,
    *,
    sites: tuple[str, ...] = (),
    limit: str | None = None,
    scheduled: Scheduled | None = None,
) -> str:
    """Write a run down that brings the second copies up to date, and give its id.

    :raises NoHosts: if none of these sites has a backup server.
    """
    return begin_on_servers(
        journal, settings, COPY, {}, sites=sites, limit=limit, scheduled=scheduled
    )


def next_part(checks: Iterable[CareRecord], parts: int) -> int:
    """Give the part that some repository has not been looked at for longest.

    One in which something was wrong is read once more first: it may have been a passing trouble.
    """
    of_parts = [one.details for one in checks if one.details.get("parts") == parts]
    again = [int(details["again"]) for details in of_parts if details.get("again")]
    if again:
        return min(again)
    looked = [_looked(details, parts) for details in of_parts]
    if not looked:
        return 1
    return min(
        range(1, parts + 1), key=lambda part: (min(of.get(str(part), "") for of in looked), part)
    )


def finish_check(journal: Journal, run_id: str) -> Cared:
    """Write down what a check found, and give it; again changes nothing.

    Damage stands until the part in which it was found, or all of the repository, was read and is
    good: another part that is good says nothing of it.
    """
    care = BackupCare(journal, journal.run(run_id).cluster)
    before = {one.repository: one for one in care.of() if one.what == "check"}

    def details(said: OfRepository, at: str) -> dict[str, Any]:
        if not isinstance(said, CheckSaid):
            return {}
        record = before.get(said.repository)
        known = record.details if record and record.tried_at.isoformat() != at else {}
        this = f"{said.part}/{said.parts}"
        damaged = {} if said.good and said.parts == 1 else dict(known.get("damaged", {}))
        damaged.pop(this, None)
        if not said.good:
            damaged[this] = words(said.message) or NO_REASON
        again = not said.good and known.get("again") != said.part
        # Also where it found damage: else it would read this part for ever and no other.
        looked = {**_looked(known, said.parts), str(said.part): at}
        return {
            "part": said.part, "parts": said.parts, "seconds": said.seconds, "looked": looked,
            "damaged": damaged, "again": said.part if again else None,
        }  # fmt: skip

    return _finish(journal, run_id, "check", "ictops_backup_check", CheckSaid, details)


def finish_prune(journal: Journal, run_id: str) -> Cared:
    """Write down what a prune removed, and give it; again changes nothing."""
    backups = Backups(journal, journal.run(run_id).cluster)

    def details(said: OfRepository, _at: str) -> dict[str, Any]:
        if not isinstance(said, PruneSaid):
            return {}
        backups.forget(said.repository, said.removed)
        removed = len(said.removed)
        return {"removed": removed, "kept": said.kept, "bytes_freed": said.bytes_freed}

    return _finish(journal, run_id, "prune", "ictops_backup_prune", PruneSaid, details)


def finish_copy(journal: Journal, run_id: str) -> Cared:
    """Write down what became of second copies, and give it; again changes nothing."""

    def details(said: OfRepository, _at: str) -> dict[str, Any]:
        if not isinstance(said, CopySaid):
            return {}
        return {"to": printable(said.to), "copied": said.copied, "snapshots": said.snapshots}

    return _finish(journal, run_id, "copy", "ictops_backup_copy", CopySaid, details)


def finish_list(journal: Journal, run_id: str) -> Cared:
    """Write down what a list says of repositories, and give it; again changes nothing."""

    def details(said: OfRepository, _at: str) -> dict[str, Any]:
        if not isinstance(said, ListSaid):
            return {}
        return {
            "bytes": said.bytes, "escrowed": said.escrowed, "copy": said.copied,
            "snapshots": len(said.snapshots),
        }  # fmt: skip

    return _finish(journal, run_id, "list", "ictops_backup_list", ListSaid, details)


def _finish(
    journal: Journal,
    run_id: str,
    what: CareName,
    key: str,
    model: type[OfRepository],
    details: Callable[[OfRepository, str], dict[str, Any]],
) -> Cared:
    cluster = journal.run(run_id).cluster
    told, silent = words_of(journal, run_id, key, model)
    done = []
    for server, site, word, said in told:
        about = details(said, word.at.isoformat())
        damaged = about.get("damaged", {})
        good = said.good and not damaged
        message = words(said.message) or ("" if said.good else NO_REASON)
        if said.good and damaged:
            message = "; ".join(
                f"part {part.replace('/', ' of ')}, not read again since: {why}"
                for part, why in damaged.items()
            )
        done.append(
            CareRecord(
                cluster=cluster, repository=said.repository, what=what, site=site, server=server,
                tried_at=word.at, good=good, good_at=word.at if good else None, message=message,
                details=about,
            )
        )  # fmt: skip
    BackupCare(journal, cluster).record(done)
    return Cared(tuple(done), silent)


def whole(value: int | str, option: str, most: int) -> int:
    """Give a number of an option, also of a schedule's, which are texts.

    :raises PlanError: if it is none, or not from 1 to ``most``.
    """
    try:
        number = int(value)
    except ValueError:
        number = 0
    if not 1 <= number <= most:
        raise PlanError(f"a number from 1 to {most} is wanted, not {value!r}", where=option)
    return number


def _looked(details: Mapping[str, Any], parts: int) -> dict[str, str]:
    """Give when each part was looked at, if a repository was read in so many parts."""
    looked = details.get("looked")
    return dict(looked) if details.get("parts") == parts and isinstance(looked, dict) else {}
