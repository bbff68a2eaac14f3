"""Backing hosts up: the role ``backup`` does it on each, and its word is written down."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from ictops.errors import NoHosts, PlanError
from ictops.operations.at_once import NO_RETRY, at_once, begin
from ictops.operations.backup_promise import SETS, promises
from ictops.operations.backup_results import BackupSaid, SetSaid, heard, understood, words
from ictops.operations.planning import Work, make_plan, open_cluster
from ictops.plans.model import Plan
from ictops.settings import Settings
from ictops.store.backup_records import Sampled, Taken, Tried
from ictops.store.backups import Backups
from ictops.store.journal import Journal
from ictops.store.records import Scheduled

BACKUP = "backup"
"""What a run is called in the journal."""
PLAYBOOK = "backup.yml"
VARIABLE, KEY = "backup_run", "ictops_backup"
READS_ONLY = "a backup changes nothing on a host"
NO_WORD = "the role backup told nothing of it"
NO_REASON = "it failed, and the host does not say why"
NOT_AS_AGREED = "what the host says of its backup cannot be read"


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a run of backups came to.

    :ivar good: how many sets were backed up.
    :ivar failed: by host, its sets that were not and why.
    :ivar silent: hosts that were not reached, or whose word cannot be read, and why.
    :ivar bytes_added: by how much repositories grew.
    """

    good: int
    failed: dict[str, dict[str, str]]
    silent: dict[str, str]
    files: int
    bytes: int
    bytes_added: int


def begin_backup(
    journal: Journal,
    settings: Settings,
    *,
    sites: tuple[str, ...] = (),
    limit: str | None = None,
    sets: Iterable[str] | str = (),
    scheduled: Scheduled | None = None,
) -> str:
    """Write a run down that backs these hosts up, all sites side by side, and give its id.

    :param sites: codes, or nothing for every site.
    :param limit: an Ansible host pattern.
    :param sets: names of sets, or one text with commas between them; all if empty.
    :param scheduled: the claim of a schedule that the run is for.
    :raises NoHosts: if no host of these has anything to back up.
    :raises PlanError: if no host has such a set.
    """
    promised = promises(settings, open_cluster(settings), sites=sites)
    if not promised:
        raise NoHosts(
            "no host says what of it is to be backed up",
            where=", ".join(sites) or settings.cluster,
            do=f"Give hosts {SETS} in the inventory; the role backup's README says how",
        )
    names = _names(sets)
    there = {name for one in promised.values() for name in one.sets}
    if unknown := sorted(set(names) - there):
        raise PlanError(
            f"no host has a set {', '.join(unknown)}",
            where="--set",
            do=f"There are: {', '.join(sorted(there))}" if there else "",
        )
    work = Work(
        operation=BACKUP,
        title="backup",
        playbook=PLAYBOOK,
        extra_vars={VARIABLE: {"sets": names}} if names else {},
        takes=lambda host: host.name in promised,
        only_for=f"Linux hosts with {SETS}",
    )
    # So many at once as the settings say: all of a school's would wait for one server's disks.
    request = at_once(sites, limit, settings.limits, NO_RETRY)
    return begin(journal, make_plan(settings, request, work).plan, READS_ONLY, scheduled=scheduled)


def finish_backup(journal: Journal, run_id: str) -> BackedUp:
    """Write down what a run brought, and tell of it; again changes nothing.

    A host that was not reached has no try: the age of its last backup tells of it.

    :raises RunError: if there is no such run.
    """
    run = journal.run(run_id)
    plan = Plan.model_validate_json(run.plan)
    backups = Backups(journal, run.cluster)
    site_of = {host: code for code, site in plan.sites.items() for host in site.hosts}
    said = heard(journal, run_id, KEY)
    tried: list[Tried] = []
    silent: dict[str, str] = {}
    for host in journal.hosts(run_id):
        if host.outcome in {None, "deferred"}:
            silent[host.host] = "not begun"
            continue
        word = said.get(host.host)
        if word is None:
            silent[host.host] = words(host.reason) or NO_WORD
            if host.outcome == "failed":
                at = host.ended_at or run.created_at
                tried += _all_failed(backups, host.host, silent[host.host], at)
            continue
        told = understood(BackupSaid, word.told)
        if isinstance(told, str):
            silent[host.host] = f"{NOT_AS_AGREED}: {words(told)}"
            tried += _all_failed(backups, host.host, silent[host.host], word.at)
        else:
            tried += _tried(host.host, site_of[host.host], told, word.at)
    backups.record(run_id, tried)
    failed: dict[str, dict[str, str]] = {}
    for one in tried:
        if not one.good and one.host not in silent:
            failed.setdefault(one.host, {})[one.name] = one.message
    good = [one for one in tried if one.good]
    return BackedUp(
        good=len(good),
        failed=failed,
        silent=silent,
        files=sum(one.files for one in good),
        bytes=sum(one.bytes for one in good),
        bytes_added=sum(one.bytes_added for one in good),
    )


def _all_failed(backups: Backups, host: str, why: str, at: datetime) -> Iterator[Tried]:
    """Count a failure of each set that is known of a host which said nothing of them."""
    for one in backups.sets():
        if one.host == host:
            yield Tried(
                host, one.site, one.name, one.repository, one.class_, one.kind, at,
                good=False, message=why,
            )  # fmt: skip


def _tried(host: str, site: str, told: BackupSaid, at: datetime) -> Iterator[Tried]:
    """Give what became of each set: one of several databases is good only if all are."""
    by_name: dict[str, list[SetSaid]] = {}
    for one in told.sets:
        by_name.setdefault(one.set, []).append(one)
    for name, parts in by_name.items():
        good = all(part.snapshot for part in parts)
        messages = [part.message for part in parts if not part.snapshot or part.message]
        taken = {
            part.snapshot: Taken(
                part.snapshot,
                part.at,
                tuple(Sampled(file.path, file.size, file.sha256) for file in part.sample),
            )
            for part in parts
            if part.snapshot
        }
        yield Tried(
            host=host, site=site, name=name, repository=told.repository,
            class_=parts[0].class_, kind=parts[0].kind, at=at,
            good=good,
            message=words("\n".join(messages)) or ("" if good else NO_REASON),
            snapshots=tuple(taken.values()) if good else (),
            seconds=sum(part.seconds for part in parts),
            files=sum(part.files for part in parts),
            bytes=sum(part.bytes for part in parts),
            bytes_added=sum(part.bytes_added for part in parts),
        )  # fmt: skip


def _names(sets: Iterable[str] | str) -> list[str]:
    listed = sets.split(",") if isinstance(sets, str) else sets
    return list(dict.fromkeys(name.strip() for name in listed if name.strip()))
