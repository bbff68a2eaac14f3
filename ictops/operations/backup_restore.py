"""Restoring: which backup has the path, bringing it back, and where it is now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter, ValidationError

from ictops.errors import BackupError, BackupServerSilent, PlanError
from ictops.estate.models import Host
from ictops.operations.at_once import NO_RETRY, at_once, begin
from ictops.operations.backup_find import Found
from ictops.operations.backup_paths import moment, whole_path
from ictops.operations.backup_results import (
    FoundSaid,
    RestoredSaid,
    SnapshotId,
    heard,
    printable,
    understood,
    words,
)
from ictops.operations.planning import Work, make_plan, open_cluster, person
from ictops.operations.run_files import told_in
from ictops.plans.model import Plan
from ictops.settings import Settings
from ictops.store.audit import Audit
from ictops.store.backup_records import AuditRecord
from ictops.store.journal import Journal, new_run_id

RESTORE = "backup-restore"
"""What a run is called in the journal."""
PLAYBOOK = "backup_restore.yml"
VARIABLE, KEY = "backup_restore", "ictops_backup_restored"
FOLDER = "/var/lib/ictops-restored"
"""Where restored files go if nobody says otherwise: nothing of anybody's is there."""
ASKED, DONE, FAILED = "restore", "restored", "restore failed"
"""What the audit trail says."""
MOST = 3
_ID: TypeAdapter[str] = TypeAdapter(SnapshotId)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be brought back, and where to.

    :ivar host: whose backup it is.
    :ivar on: the host that it is brought to.
    :ivar to: a folder; empty for the place where it was.
    :ivar overwrite: whether what is there now is overwritten.
    """

    host: str
    path: str
    snapshot: str
    on: str
    to: str
    overwrite: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Restored:
    """What became of a restore. Sizes are bytes.

    :ivar where: the path at which it is now; empty if it is not.
    :ivar why: what went wrong, if anything did.
    """

    host: str
    on: str
    path: str
    snapshot: str
    where: str
    owner: str
    files: int
    bytes: int
    verified: bool
    overwrite: bool
    why: str


def place_of(settings: Settings, host: str, on: str | None) -> Host:
    """Give the host that a restore goes to: the one whose backup it is, or another.

    :raises InventoryError: if it is not in the inventory.
    :raises BackupError: if it cannot be reached by the same backup server, or is no Linux host.
    """
    cluster = open_cluster(settings)
    target = cluster.find(on or host)
    if target.system != "linux":
        raise BackupError("only Linux hosts are restored to so far", where=target.name)
    own = next((one for one in cluster.all_hosts() if one.name == host), None)
    if own is not None and own.site != target.site:
        raise BackupError(
            f"its backups are at site {own.site}, which {target.name} of {target.site} cannot read",
            where="--on",
            do="Choose a host of the same school",
        )
    return target


def zone_of(settings: Settings, code: str) -> ZoneInfo:
    """Give the time zone of a site."""
    return ZoneInfo(open_cluster(settings).site(code).timezone)


def limit_of(text: str | None, zone: ZoneInfo) -> datetime | None:
    """Give the time that a backup may not be later than; a day means all of it.

    :raises PlanError: if it is no day or time.
    """
    return moment(text, zone, "--at", ends=True) if text else None


def newest_of(
    found: Found, host: str, path: str, limit: datetime | None, zone: ZoneInfo
) -> FoundSaid:
    """Give the newest backup of a path, of those not later than a time.

    :raises BackupError: if there is none, with what to do.
    """
    fitting = [one for _, one in found.files if one.path.rstrip("/") == path and one.host == host]
    if not fitting:
        if found.bad:
            raise BackupServerSilent(
                "the backup server could not look: "
                + "; ".join(f"{name}: {why}" for name, why in found.bad.items()),
                where=f"{host}:{printable(path)}",
                do="See that it is on and reached, then do this again. Nothing was changed",
            )
        raise BackupError(
            "no backup has it under this name",
            where=f"{host}:{printable(path)}",
            do=f'Look for it: ictops backup find --host {host} --path "*NAME*" '
            "(capitals and small letters count)",
        )
    fitting.sort(key=lambda one: one.at, reverse=True)
    in_time = [one for one in fitting if limit is None or one.at <= limit]
    if not in_time:
        oldest = fitting[-1].at.astimezone(zone)
        raise BackupError(
            f"no backup from before that time has it; the oldest that has is of "
            f"{oldest:%a %d %b %Y %H:%M}",
            where="--at",
            do=f"Take that one: --snapshot {fitting[-1].snapshot[:8]}",
        )
    return in_time[0]


def wanted(
    host: str,
    path: str,
    snapshot: str,
    target: Host,
    *,
    to: str | None,
    in_place: bool,
    overwrite: bool,
    reason: str,
) -> Wanted:
    """Give what is to be restored, as a person asks for it.

    :raises PlanError: if that makes no sense.
    """
    if not reason.strip():
        raise PlanError("say why; it is kept in the audit trail", where="--reason")
    if in_place and to:
        raise PlanError("either back to its place, or to a folder", where="--to, --in-place")
    if overwrite and not in_place:
        raise PlanError(
            "only what goes back to its place can overwrite anything",
            where="--overwrite",
            do="Add --in-place, or leave it out",
        )
    try:
        _ID.validate_python(snapshot)
    except ValidationError as error:
        raise PlanError(
            f"{snapshot!r} is no snapshot's id",
            where="--snapshot",
            do="'ictops backup find' and 'ictops backup list' show them",
        ) from error
    new = f"{FOLDER}/{datetime.now(UTC):%Y-%m-%d}-{new_run_id()}"
    return Wanted(
        host=host,
        path=whole_path(path, "PATH"),
        snapshot=snapshot,
        on=target.name,
        to="" if in_place else (whole_path(to, "--to") if to else new),
        overwrite=overwrite,
        reason=reason.strip(),
    )


def begin_restore(journal: Journal, settings: Settings, site: str, what: Wanted) -> str:
    """Write a run down that brings something back, and the audit trail's entry; give its id.

    It waits for no window: a person waits for it, and nothing is overwritten unasked.

    :raises PlanError: if the path holds what Ansible would run, or the host is not there.
    """
    told = {
        "snapshot": what.snapshot, "path": what.path, "to": what.to, "overwrite": what.overwrite,
    }  # fmt: skip
    work = Work(
        operation=RESTORE,
        title=f"restore to {what.on}",
        playbook=PLAYBOOK,
        extra_vars={VARIABLE: told, "ictops_backup_of": what.host},
        # A person waits for it, and a backup or a check may take hours.
        beside=True,
        takes=lambda host: host.name == what.on,
        only_for="one Linux host",
    )
    request = at_once((site,), what.on, settings.limits, NO_RETRY)
    run_id = begin(journal, make_plan(settings, request, work).plan, what.reason)
    Audit(journal).add(
        AuditRecord(
            cluster=settings.cluster, at=datetime.now(UTC), by=person(), what=ASKED, site=site,
            subject=f"{what.host}:{printable(what.path)}", details=_told(what),
            reason=what.reason, run_id=run_id,
        )
    )  # fmt: skip
    return run_id


def finish_restore(journal: Journal, run_id: str) -> Restored:
    """Give what became of a restore, and write it into the audit trail; again changes nothing.

    :raises RunError: if there is no such run.
    """
    run = journal.run(run_id)
    plan = Plan.model_validate_json(run.plan)
    told = told_in(plan, VARIABLE)
    (host,) = journal.hosts(run_id)
    of = str(plan.extra_vars.get("ictops_backup_of", host.host))
    what = Wanted(
        of, told["path"], told["snapshot"], host.host, told["to"], told["overwrite"],
        run.now_reason or "",
    )  # fmt: skip
    word = heard(journal, run_id, KEY).get(host.host)
    said = understood(RestoredSaid, word.told) if word else words(host.reason) or "no word"
    good = host.outcome in {"ok", "changed"} and not isinstance(said, str)
    if isinstance(said, str):
        done = Restored(
            of, host.host, what.path, what.snapshot, "", "", 0, 0,
            verified=False, overwrite=what.overwrite, why=said,
        )  # fmt: skip
    else:
        why = "" if good else words(host.reason)
        done = Restored(
            of, host.host, what.path, what.snapshot, where(what, said.to) if good else "",
            printable(said.owner), said.files, said.bytes, said.verified,
            what.overwrite, why,
        )  # fmt: skip
    if host.outcome is not None:
        became = f"files: {done.files}, bytes: {done.bytes}" if good else done.why
        Audit(journal).add(
            AuditRecord(
                cluster=run.cluster, at=word.at if word else (host.ended_at or run.created_at),
                by=run.created_by, what=DONE if good else FAILED, site=host.site,
                subject=f"{of}:{printable(what.path)}", details=_told(what, became),
                reason=what.reason, run_id=run_id,
            )
        )  # fmt: skip
    return done


def where(what: Wanted, to: str) -> str:
    """Give where a restored path is now.

    :param to: what the host says: the path itself, or the folder that it was told, in which restic
        lays out the whole path.
    """
    if to and to.rstrip("/") == what.to.rstrip("/"):
        return to.rstrip("/") + what.path
    return to or what.path


def _told(what: Wanted, *more: str) -> str:
    place = f"to {what.to}" if what.to else "to its place"
    over = ", overwriting what is there" if what.overwrite else ""
    return "; ".join([f"snapshot {what.snapshot} {place} on {what.on}{over}", *more])
