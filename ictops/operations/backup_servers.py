"""What is done on schools' backup servers, at once and all side by side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from ictops.errors import NoHosts
from ictops.operations.at_once import begin_reading
from ictops.operations.backup_promise import SERVERS, servers
from ictops.operations.backup_results import Heard, OfRepository, heard, of_repositories, words
from ictops.operations.planning import Work, open_cluster
from ictops.plans.model import Plan
from ictops.settings import Settings
from ictops.store.backups import Backups
from ictops.store.journal import Journal
from ictops.store.records import Scheduled

NO_WORD = "the role backup_server told nothing of it"
Model = TypeVar("Model", bound=OfRepository)


@dataclass(frozen=True, slots=True)
class OnServers:
    """What is to be done on backup servers.

    :ivar reason: why it need not wait for a window.
    :ivar beside: whether it need not wait for other runs either, such as a check of hours.
    """

    operation: str
    title: str
    playbook: str
    reason: str
    beside: bool = False


def begin_on_servers(
    journal: Journal,
    settings: Settings,
    what: OnServers,
    extra_vars: Mapping[str, Any],
    *,
    sites: tuple[str, ...] = (),
    limit: str | None = None,
    scheduled: Scheduled | None = None,
) -> str:
    """Write a run down that does something on the backup servers of these sites; give its id.

    :param sites: codes, or nothing for every site that has one.
    :param limit: an Ansible host pattern.
    :param scheduled: the claim of a schedule that the run is for.
    :raises NoHosts: if none of these sites has a backup server.
    """
    refuse_without_server(settings, sites)
    work = Work(
        operation=what.operation,
        title=what.title,
        playbook=what.playbook,
        extra_vars=extra_vars,
        beside=what.beside,
        takes=lambda host: SERVERS in host.groups,
        only_for=f"backup servers (hosts of the group {SERVERS})",
    )
    return begin_reading(journal, settings, work, sites, limit, what.reason, scheduled=scheduled)


def refuse_without_server(settings: Settings, sites: tuple[str, ...] = ()) -> None:
    """See that one of these sites has a backup server.

    :raises InventoryError: if there is no such site.
    :raises NoHosts: if none has.
    """
    cluster = open_cluster(settings)
    for code in sites:
        cluster.site(code)
    if not servers(cluster, sites=sites):
        raise NoHosts(
            "no backup server is known here",
            where=", ".join(f"site {code}" for code in sites) or settings.cluster,
            do=f"Put a Linux host of the site into the group {SERVERS}, and set it up: "
            "'ictops plan playbook backup_server.yml'",
        )


def words_of(
    journal: Journal, run_id: str, key: str, model: type[Model]
) -> tuple[list[tuple[str, str, Heard, Model]], dict[str, str]]:
    """Give what each server of a run says of each repository, and what else is to be told.

    A server speaks for repositories of its own site only.

    :returns: server, site, when it was heard and what was said; and by server why it said
        nothing that can be read.
    """
    run = journal.run(run_id)
    plan = Plan.model_validate_json(run.plan)
    site_of = {host: code for code, site in plan.sites.items() for host in site.hosts}
    owner = {one.repository: one.site for one in Backups(journal, run.cluster).sets()}
    said = heard(journal, run_id, key)
    told: list[tuple[str, str, Heard, Model]] = []
    silent: dict[str, str] = {}
    for host in journal.hosts(run_id):
        word = said.get(host.host)
        if word is None:
            silent[host.host] = "not begun" if host.outcome in {None, "deferred"} else (
                words(host.reason) or NO_WORD
            )  # fmt: skip
            continue
        site = site_of[host.host]
        for one in of_repositories(model, word.told):
            if isinstance(one, str):
                silent[host.host] = words(one)
            elif owner.get(one.repository, site) != site:
                silent[host.host] = f"it speaks of {one.repository}, which is another school's"
            else:
                told.append((host.host, site, word, one))
    return told, silent
