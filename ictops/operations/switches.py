"""Backups of switches: taken by the role ``switch_backup``, kept in one git archive a cluster."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta

from ictops.errors import InventoryError
from ictops.estate.models import Host
from ictops.network.archive import Archive
from ictops.operations.apply import create_run
from ictops.operations.planning import Request, Work, make_plan, open_cluster, person
from ictops.planning.waves import CanaryRule
from ictops.plans.model import Gate, Plan
from ictops.settings import Limits, Settings
from ictops.store.journal import Journal

PLAYBOOK = "switch_backup.yml"
BACKUP = "switch-backup"
"""What a run is called in the journal."""
READS_ONLY = "a backup changes nothing on a switch"
NO_RETRY = timedelta(days=1)
"""Longer than a run lasts: a switch that is off is told, and backed up the next time."""
MANY = 1_000_000


def archive_of(settings: Settings) -> Archive:
    """Give the backups of the cluster's switches."""
    return Archive(settings.resolve(settings.state_dir) / "switches" / settings.cluster)


def begin_backup(
    journal: Journal, settings: Settings, *, sites: tuple[str, ...] = (), limit: str | None = None
) -> str:
    """Write a run down that backs up these switches, all sites side by side, and give its id.

    :param sites: codes, or nothing for every site.
    :param limit: an Ansible host pattern.
    :raises PlanError: if there is no such switch.
    """
    work = Work(
        operation=BACKUP,
        title="backup of switches",
        playbook=PLAYBOOK,
        extra_vars={
            "switch_backup_folder": str(archive_of(settings).folder),
            "switch_backup_commit": False,
        },
        takes=is_switch,
        only_for="switches",
    )
    return begin_reading(journal, settings, work, sites, limit, READS_ONLY)


def begin_reading(
    journal: Journal,
    settings: Settings,
    work: Work,
    sites: tuple[str, ...],
    limit: str | None,
    reason: str,
) -> str:
    """Write a run down that changes nothing on switches, all sites side by side; give its id.

    It waits for no window, no gate stops it, and it tries no switch twice.

    :param reason: why it need not wait for a window.
    :raises PlanError: if there is no such switch.
    """
    plan = reading_plan(settings, work, sites, limit)
    return create_run(journal, plan, plan.made_at, now_reason=reason)


def reading_plan(settings: Settings, work: Work, sites: tuple[str, ...], limit: str | None) -> Plan:
    """Give a plan for what changes nothing: all sites side by side, no gate, no second try.

    :raises PlanError: if there is no such host.
    """
    request = Request(
        sites=sites,
        span=None,
        limit=limit,
        canary=CanaryRule(),
        shares=(),
        gate=Gate(site_failures="100%", run_failures="100%"),
        limits=Limits(site=MANY, room=MANY, switch=MANY, total=MANY),
        retry_every=NO_RETRY,
    )
    return make_plan(settings, request, work).plan


@dataclass(frozen=True, slots=True)
class BackedUp:
    """What a backup brought.

    :ivar commit: None if nothing has changed since the last one.
    :ivar changes: what changed, in words.
    :ivar unsaved: switches that would lose what they run with a reboot.
    """

    commit: str | None
    changes: str
    unsaved: list[str]


def finish_backup(journal: Journal, settings: Settings, run_id: str) -> BackedUp:
    """Commit what a run brought, and tell of it."""
    archive = archive_of(settings)
    commit = archive.commit(f"backup, run {run_id}", by=person())
    unsaved = {
        event.host
        for event in journal.events(run_id)
        if event.host and json.loads(event.data)["data"].get("res", {}).get("unsaved")
    }
    return BackedUp(commit, archive.message(commit) if commit else "", sorted(unsaved))


def find_switch(settings: Settings, name: str) -> Host:
    """Give a switch of the cluster by its name.

    :raises InventoryError: if there is none of that name.
    """
    for host in open_cluster(settings).all_hosts():
        if host.name == name and is_switch(host):
            return host
    raise InventoryError(
        "there is no such switch in the inventory",
        where=name,
        do="'ictops site show SITE' lists a site's hosts",
    )


def is_switch(host: Host) -> bool:
    """Tell whether a host is a switch."""
    return host.kind == "switch"
