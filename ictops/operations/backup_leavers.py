"""Leavers' data: put away for good, and deleted when the school need not keep it any longer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import PurePosixPath

from ictops.errors import PlanError
from ictops.estate.load import Cluster
from ictops.estate.source import read_source
from ictops.estate.variables import host_variables
from ictops.operations.backup_paths import after_period, archive_name, whole_path
from ictops.operations.backup_promise import SERVERS, promises, servers
from ictops.operations.backup_results import (
    ArchivedSaid,
    DeletedSaid,
    heard,
    printable,
    understood,
)
from ictops.operations.backup_results import words as plain
from ictops.operations.planning import Draft, Request, Work, make_plan, open_cluster
from ictops.operations.run_files import told_in
from ictops.planning.waves import CanaryRule
from ictops.plans.model import Plan
from ictops.settings import Settings
from ictops.store.audit import Audit
from ictops.store.backup_care import BackupCare
from ictops.store.backup_records import ArchiveRecord, AuditRecord
from ictops.store.journal import Journal
from ictops.store.records import RunRecord

ARCHIVE, DELETE = "backup-archive", "backup-delete"
"""What runs are called in the journal."""
ARCHIVE_PLAYBOOK, DELETE_PLAYBOOK = "backup_archive.yml", "backup_delete.yml"
ARCHIVE_VARIABLE, DELETE_VARIABLE = "backup_archive", "backup_delete"
ARCHIVED_KEY, DELETED_KEY = "ictops_backup_archived", "ictops_backup_deleted"
KEEP = "backup_keep_leavers"
"""The variable that says how long a school keeps what is archived (ISO 8601: P7Y)."""
SHOWN = 5
NO_WORD = "nothing was told of it"


@dataclass(frozen=True, slots=True)
class Archiving:
    """What is to be archived.

    :ivar keep_until: the last day on which it is kept; as the school says if None.
    :ivar remove: whether it is removed from the host, once it is proved that it can be restored.
    """

    name: str
    host: str
    paths: tuple[str, ...]
    keep_until: date | None = None
    remove: bool = False


@dataclass(frozen=True, slots=True)
class Became:
    """What became of an archive or of its deletion, in words."""

    name: str
    good: bool
    words: str


def plan_archive(settings: Settings, what: Archiving, request: Request) -> Draft:
    """Plan that data of a host are put away under a name. Another person must approve it.

    :raises PlanError: if there is such an archive, or nobody knows how long it is kept.
    :raises InventoryError: if there is no such host.
    """
    name = archive_name(what.name)
    cluster = open_cluster(settings)
    host = cluster.find(what.host)
    if host.name not in promises(settings, cluster, sites=[host.site]):
        raise PlanError(
            "nothing of this host is backed up, so it reaches no repository",
            where=host.name,
            do="Give it backup_sets in the inventory, and apply the role backup",
        )
    _refuse_known(settings, name)
    paths = _apart([whole_path(path, "PATH") for path in what.paths])
    period = None if what.keep_until else _period(cluster, host.name, host.site)
    told = {"name": name, "paths": paths, "keep_until": "", "remove": what.remove}
    work = Work(
        operation=ARCHIVE,
        title=f"archive {name}",
        playbook=ARCHIVE_PLAYBOOK,
        extra_vars={ARCHIVE_VARIABLE: told},
        # What is done halfway is looked at by a person: files may be gone from the host.
        idempotent=False,
        takes=lambda one: one.name == host.name,
        only_for="one Linux host",
    )
    draft = make_plan(settings, _for_two(request, host.site, host.name), work)
    ends = (draft.plan.ends_at or datetime.now(UTC)).date()
    until = what.keep_until or after_period(ends, period, f"{KEEP} of {host.name}")
    if until <= ends:
        raise PlanError(
            f"it would be kept until {until:%d %b %Y}, which is not after it is archived",
            where="--keep-until",
        )
    told["keep_until"] = until.isoformat()
    some = ", ".join(printable(path) for path in paths[:SHOWN])
    more = f" and {len(paths) - SHOWN} more" if len(paths) > SHOWN else ""
    then = "REMOVED from the host then" if what.remove else "left on the host too"
    about = {host.name: f"{some}{more}; {then}; kept until {until:%d %b %Y}"}
    return _two_people(draft, {ARCHIVE_VARIABLE: told}, about)


def plan_delete(
    settings: Settings, name: str, request: Request, *, today: date | None = None
) -> Draft:
    """Plan that an archive is deleted for good. Another person must approve it.

    :param today: the day that it is now.
    :raises PlanError: if there is no such archive, or it is still to be kept.
    """
    today = today or datetime.now(UTC).date()
    archive = _archive(settings, name)
    if archive.deleted_at is not None:
        raise PlanError(f"it was deleted on {archive.deleted_at:%d %b %Y}", where=name)
    if today <= archive.keep_until:
        raise PlanError(
            f"it is to be kept until {archive.keep_until:%a %d %b %Y}",
            where=name,
            do="It can be deleted from the day after",
        )
    server = _server(settings, archive)
    told = {
        "repository": archive.repository, "archive": archive.name, "snapshots": archive.snapshots,
    }  # fmt: skip
    work = Work(
        operation=DELETE,
        title=f"delete archive {archive.name}",
        playbook=DELETE_PLAYBOOK,
        extra_vars={DELETE_VARIABLE: told},
        takes=lambda one: one.name == server,
        only_for=f"backup servers (hosts of the group {SERVERS})",
    )
    draft = make_plan(settings, _for_two(request, archive.site, server), work)
    some = ", ".join(printable(path) for path in archive.paths[:SHOWN])
    about = {
        server: f"of {archive.host}: {some}; files: {archive.files}, archived "
        f"{archive.archived_at:%d %b %Y}, kept until {archive.keep_until:%d %b %Y}"
    }
    return _two_people(draft, {DELETE_VARIABLE: told}, about)


def finish_archive(journal: Journal, run_id: str) -> Became:
    """Write down what was archived, also in the audit trail; again changes nothing."""
    run = journal.run(run_id)
    plan = Plan.model_validate_json(run.plan)
    told = told_in(plan, ARCHIVE_VARIABLE)
    name, paths = str(told["name"]), [str(path) for path in told["paths"]]
    (host,) = journal.hosts(run_id)
    word = heard(journal, run_id, ARCHIVED_KEY).get(host.host)
    said = understood(ArchivedSaid, word.told) if word else plain(host.reason) or NO_WORD
    if not isinstance(said, str) and said.name != name:
        said = f"it speaks of another archive: {said.name}"
    if isinstance(said, str) or word is None:
        became = Became(name, False, str(said))
    else:
        BackupCare(journal, run.cluster).keep_archive(
            ArchiveRecord(
                cluster=run.cluster, name=name, site=host.site, host=host.host,
                repository=said.repository, snapshots=[said.snapshot], paths=paths,
                removed=list(said.removed), files=said.files, bytes=said.bytes,
                archived_at=word.at, keep_until=date.fromisoformat(str(told["keep_until"])),
            )
        )  # fmt: skip
        good = said.verified and host.outcome in {"ok", "changed"}
        gone = f"{len(said.removed)} of {len(paths)} paths removed from the host"
        proof = "all of it restored and compared" if said.verified else "NOT PROVED"
        words = f"files: {said.files}, bytes: {said.bytes}; {proof}; {gone}"
        why = "" if good else f"; {plain(host.reason)}"
        became = Became(name, good, words + why)
    if host.outcome is not None:
        until = f"to be kept until {told['keep_until']}"
        listed = printable(", ".join(paths))
        details = f"{became.words}; {until}; {listed}"
        what = "archived" if became.good else "archive failed"
        _tell(journal, run, host.site, what, f"archive {name} of {host.host}", details)
    return became


def finish_delete(journal: Journal, run_id: str) -> Became:
    """Write down that an archive is gone, also in the audit trail; again changes nothing."""
    run = journal.run(run_id)
    told = told_in(Plan.model_validate_json(run.plan), DELETE_VARIABLE)
    name, snapshots = str(told["archive"]), [str(one) for one in told["snapshots"]]
    (host,) = journal.hosts(run_id)
    word = heard(journal, run_id, DELETED_KEY).get(host.host)
    said = understood(DeletedSaid, word.told) if word else plain(host.reason) or NO_WORD
    if isinstance(said, str) or word is None:
        became = Became(name, False, str(said))
    else:
        left = [one for one in snapshots if one not in said.removed]
        good = not left and said.archive == name and host.outcome in {"ok", "changed"}
        copies = f"{len(said.copy_removed)} of the second copy"
        words = f"{len(said.removed)} of {len(snapshots)} snapshots deleted, {copies}"
        why = "" if good else f"; {plain(host.reason)}"
        became = Became(name, good, words + why)
        if good:
            BackupCare(journal, run.cluster).delete_archive(name, word.at)
    if host.outcome is not None:
        what = "deleted" if became.good else "deletion failed"
        _tell(journal, run, host.site, what, f"archive {name}", became.words)
    return became


def _tell(
    journal: Journal, run: RunRecord, site: str, what: str, subject: str, details: str
) -> None:
    plan = Plan.model_validate_json(run.plan)
    approved = [one.by for one in journal.approvals(run.plan_digest)]
    people = f"planned by {plan.made_by}, approved by {', '.join(approved) or 'nobody'}"
    Audit(journal).add(
        AuditRecord(
            cluster=run.cluster, at=run.ended_at or datetime.now(UTC), by=run.created_by,
            what=what, site=site, subject=subject, details=f"{details}; {people}",
            reason=run.now_reason or run.title, run_id=run.id,
        )
    )  # fmt: skip


def _for_two(request: Request, site: str, host: str) -> Request:
    return replace(
        request, sites=(site,), limit=host, rooms=(), canary=CanaryRule("none"), shares=(),
        needs_approval=True,
    )  # fmt: skip


def _two_people(draft: Draft, extra_vars: dict[str, object], about: dict[str, str]) -> Draft:
    changed = {"extra_vars": extra_vars, "about": about, "two_people": True}
    return replace(draft, plan=draft.plan.model_copy(update=changed))


def _apart(paths: Sequence[str]) -> list[str]:
    """Refuse what is no data of anybody's, and what is named twice."""
    for path in paths:
        parts = PurePosixPath(path).parts
        if len(parts) < 3:  # noqa: PLR2004 - the root, a folder of it, and something in that
            raise PlanError(
                "too much is in it: it is for data of people who left",
                where=path,
                do="Name their folders, such as /home/ann",
            )
        for other in paths:
            if other != path and PurePosixPath(path).is_relative_to(other):
                raise PlanError(f"it is in {other}, which is named too", where=path)
    if len(set(paths)) < len(paths) or not paths:
        raise PlanError("name each path once", where="PATH")
    return list(paths)


def _period(cluster: Cluster, host: str, site: str) -> object:
    source = read_source(cluster.site(site).source)
    placed = host_variables(cluster.folder, host, source).get(KEEP)
    if placed is None:
        raise PlanError(
            "nobody says how long the school keeps it",
            where=f"site {site}",
            do=f"Set {KEEP}: P7Y for the site, or give --keep-until",
        )
    return placed.value


def _refuse_known(settings: Settings, name: str) -> None:
    journal = Journal.open(settings.journal_url)
    try:
        known = BackupCare(journal, settings.cluster).archive(name)
    finally:
        journal.close()
    if known is not None:
        raise PlanError(
            f"there is an archive of that name, of {known.host} and {known.archived_at:%d %b %Y}",
            where=name,
            do="Choose another name",
        )


def _archive(settings: Settings, name: str) -> ArchiveRecord:
    journal = Journal.open(settings.journal_url)
    try:
        known = BackupCare(journal, settings.cluster).archives()
    finally:
        journal.close()
    found = next((one for one in known if one.name == name), None)
    if found is None:
        there = ", ".join(one.name for one in known if one.deleted_at is None)
        raise PlanError(
            "there is no such archive",
            where=name,
            do=f"There are: {there}" if there else "Nothing is archived",
        )
    return found


def _server(settings: Settings, archive: ArchiveRecord) -> str:
    """Give the backup server that has an archive's repository."""
    there = servers(open_cluster(settings), sites=[archive.site]).get(archive.site, [])
    if len(there) > 1:
        journal = Journal.open(settings.journal_url)
        try:
            care = BackupCare(journal, settings.cluster).of(sites=[archive.site])
        finally:
            journal.close()
        known = {one.server for one in care if one.repository == archive.repository}
        there = [name for name in there if name in known] or there
    if len(there) != 1:
        raise PlanError(
            f"which of {len(there)} backup servers has repository {archive.repository} is not "
            "known" if there else f"site {archive.site} has no backup server",
            where=archive.name,
            do="'ictops backup list' looks",
        )  # fmt: skip
    return there[0]
