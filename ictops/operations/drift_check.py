"""Looking for drift: hosts by their roles' check mode, switches, images, the age of backups."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

from ictops.errors import PlanError
from ictops.estate.models import Host
from ictops.imaging.published import imaging_folder
from ictops.operations.at_once import begin, reading_draft
from ictops.operations.backup_status import status
from ictops.operations.compare import results_of as switches_of
from ictops.operations.drift import SWITCH, as_checked, differing_of
from ictops.operations.drift_known import (
    basis_of,
    declared_by,
    known_hosts,
    write_known,
)
from ictops.operations.drift_results import Result, results_of
from ictops.operations.planning import Work, open_cluster
from ictops.operations.run_files import take_away
from ictops.operations.switches import archive_of, is_switch
from ictops.plans.digests import changed_since
from ictops.plans.model import Plan
from ictops.plans.search import SearchPath
from ictops.plans.sources import THEN_VARIABLE
from ictops.settings import Settings
from ictops.store.drift import Drifts
from ictops.store.fingerprints import Fingerprints
from ictops.store.hardware import Inventory
from ictops.store.journal import Journal
from ictops.store.records import (
    Checked,
    Differing,
    DriftState,
    FingerprintRecord,
    HostImageRecord,
    RunRecord,
    Scheduled,
)

CHECK = "drift-check"
"""What a run that looks for drift is called in the journal."""
HOST, IMAGE, BACKUP = "host", "image", "backup"
"""The kinds of check that compare a host with its roles, its image with what is published, and the
age of its last good backup with its promise."""
PLAYBOOK = "drift.yml"
SITE = "site.yml"
"""What ictops itself would have hosts be."""
KNOWN_VARIABLE = "ictops_drift_known"
READS_ONLY = "a drift check changes nothing"


@dataclass(frozen=True, slots=True)
class Begun:
    """A run of drift checks that is written down.

    :ivar known: hosts that are passed over if nothing has changed on them.
    :ivar notes: what a person should know of it.
    """

    run_id: str
    known: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What a run of drift checks came to.

    :ivar counts: how many hosts are clean, drift, unreachable or an error, by what was asked of
        them; of a host that nothing can be asked of, by its image.
    :ivar passed_over: how many of the clean ones were known by their fingerprint.
    :ivar checked: hosts that were checked.
    :ivar not_checked: hosts that were not begun, or that no play is for.
    """

    counts: dict[DriftState, int]
    passed_over: int
    checked: tuple[str, ...]
    not_checked: tuple[str, ...]


def begin_drift_check(
    journal: Journal,
    settings: Settings,
    *,
    sites: tuple[str, ...] = (),
    limit: str | None = None,
    full: bool = False,
    scheduled: Scheduled | None = None,
) -> Begun:
    """Write a run down that looks for drift, all sites side by side.

    :param sites: codes, or nothing for every site.
    :param limit: an Ansible host pattern.
    :param full: whether every host is looked at whole, whatever is known of it.
    :param scheduled: the claim of a schedule that the run is for.
    :raises PlanError: if there is no such host, or a role's declaration is wrong.
    """
    now = datetime.now(UTC)
    playbook = compared_with(settings)
    declared = declared_by(settings, playbook)
    imaged = {one.host for one, _ in _imaged(journal, settings)}
    work = Work(
        operation=CHECK,
        title="full drift check" if full else "drift check",
        playbook=PLAYBOOK,
        extra_vars={
            THEN_VARIABLE: playbook,
            "switch_config_folder": str(archive_of(settings).folder),
        },
        takes=lambda host: _is_asked(host) or host.name in imaged,
        only_for="Linux hosts, switches, and hosts with an image that is published here",
        check=True,
    )
    draft = reading_draft(settings, work, sites, limit)
    plan = draft.plan
    known: dict[str, str] = {}
    if not full and not declared.missing:
        known = known_hosts(journal, settings, plan, now)
    if not declared.missing:
        file = write_known(settings, declared, known)
        extra_vars = {**plan.extra_vars, KNOWN_VARIABLE: str(file)}
        plan = plan.model_copy(update={"extra_vars": extra_vars})
    whole = (f"every host is looked at whole: {why}" for why in declared.missing)
    run_id = begin(journal, plan, READS_ONLY, scheduled=scheduled)
    return Begun(run_id, len(known), (*draft.notes, *whole))


def finish_drift_check(journal: Journal, settings: Settings, run_id: str) -> Found:
    """Write down what a run found, and give what it came to; again changes nothing.

    :raises RunError: if there is no such run.
    """
    run = journal.run(run_id)
    plan = Plan.model_validate_json(run.plan)
    cluster = open_cluster(settings)
    of_switches = {one.name for one in cluster.all_hosts() if is_switch(one)}
    results = [one for one in results_of(journal, run_id) if one.checked.host not in of_switches]
    switches = [
        as_checked(one) for host, one in switches_of(journal, run_id).items() if host in of_switches
    ]
    drifts = Drifts(journal)
    drifts.record(run.cluster, HOST, run_id, (one.checked for one in results))
    drifts.record(run.cluster, SWITCH, run_id, switches)
    images = image_checks(journal, settings, plan, run)
    drifts.record(run.cluster, IMAGE, run_id, images)
    backups = backup_checks(journal, settings, plan, run)
    drifts.record(run.cluster, BACKUP, run_id, backups)
    if not changed_since(plan, cluster, SearchPath.of(settings)):
        Fingerprints(journal).record(_fingerprints(run, plan, results))
    take_away(run, plan.extra_vars.get(KNOWN_VARIABLE))
    asked = {one.name for one in cluster.all_hosts() if _is_asked(one)}
    checked = {one.host: one.state for one in images if one.host not in asked}
    checked |= {one.checked.host: one.checked.state for one in results}
    checked |= {one.host: one.state for one in switches}
    counts: Counter[DriftState] = Counter(checked.values())
    return Found(
        counts={state: counts[state] for state in get_args(DriftState)},
        passed_over=sum(one.passed_over for one in results),
        checked=tuple(sorted(checked)),
        not_checked=tuple(host for host in plan.hosts if host not in checked),
    )


def _fingerprints(run: RunRecord, plan: Plan, results: Iterable[Result]) -> list[FingerprintRecord]:
    """Give the fingerprints of hosts that were looked at whole, and found clean."""
    basis = {host: basis_of(plan, site) for site in plan.sites.values() for host in site.hosts}
    return [
        FingerprintRecord(
            run.cluster, one.checked.host, basis[one.checked.host], one.fingerprint, one.checked.at
        )
        for one in results
        if one.checked.state == "clean" and one.fingerprint and not one.passed_over
    ]


def image_checks(journal: Journal, settings: Settings, plan: Plan, run: RunRecord) -> list[Checked]:
    """Compare the image that each host has with the newest that is published of its name."""
    site_of = {host: code for code, site in plan.sites.items() for host in site.hosts}
    at = run.ended_at or run.created_at
    found = []
    for one, newest in _imaged(journal, settings):
        if one.host not in site_of:
            continue
        differing: tuple[Differing, ...] = ()
        if newest != one.version:
            lines = [f"- {one.version}", f"+ {newest}"]
            differing = (differing_of(one.host, f"image {one.name}", lines),)
        state: DriftState = "drift" if differing else "clean"
        found.append(Checked(one.host, site_of[one.host], state, at, differing=differing))
    return found


def _imaged(journal: Journal, settings: Settings) -> Iterator[tuple[HostImageRecord, str]]:
    """Give the image of each host that has one which is published, and its newest version."""
    newest: dict[str, str] = {}
    for version in imaging_folder(settings).store.versions():
        newest[version.name] = version.version
    for one in Inventory(journal).images(settings.cluster):
        if one.name in newest:
            yield one, newest[one.name]


def backup_checks(
    journal: Journal, settings: Settings, plan: Plan, run: RunRecord
) -> list[Checked]:
    """Compare the last good backup of each host that has a promise with that."""
    at = run.ended_at or run.created_at
    found = []
    for one in status(journal, settings, sites=tuple(plan.sites), now=at).hosts:
        if one.host not in plan.hosts:
            continue
        differing: tuple[Differing, ...] = ()
        if one.state != "kept":
            # No age: the same promise that is broken a day longer is no other difference.
            has = "older than that" if one.state == "late" else "none"
            lines = [f"- {has}", f"+ at most {one.hours:g} hours old"]
            differing = (differing_of(one.host, "last good backup", lines),)
        state: DriftState = "drift" if differing else "clean"
        found.append(Checked(one.host, one.site, state, at, differing=differing))
    return found


def compared_with(settings: Settings) -> str:
    """Give the playbook that hosts are compared with, as a plan names it.

    :raises PlanError: if there is no such file.
    """
    if not settings.drift.playbook:
        return SITE
    here = settings.resolve(Path(settings.drift.playbook))
    if here.is_file():
        return str(here)
    raise PlanError(
        "there is no such playbook",
        where=str(here),
        do="Put drift.playbook in ictops.toml right; without it site.yml of ictops is taken",
    )


def _is_asked(host: Host) -> bool:
    """Say whether a host itself is asked; of others, their image is known without a word."""
    return is_switch(host) or host.system == "linux"
