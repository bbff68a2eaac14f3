"""Drills: a sample of each backup is restored to a scratch place and compared with what it was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from ictops.errors import NoHosts
from ictops.estate.load import Cluster
from ictops.operations.backup_care import whole
from ictops.operations.backup_promise import servers
from ictops.operations.backup_results import DrillsSaid, heard, understood, words
from ictops.operations.backup_servers import (
    NO_WORD,
    OnServers,
    begin_on_servers,
    refuse_without_server,
)
from ictops.operations.planning import open_cluster
from ictops.operations.run_files import take_away, told_in, write_for_run
from ictops.plans.model import Plan
from ictops.settings import Settings
from ictops.store.backup_records import Drilled, SnapshotRecord
from ictops.store.backups import Backups
from ictops.store.journal import Journal
from ictops.store.records import Scheduled

DRILL = OnServers(
    "backup-drill", "restore drill", "backup_drill.yml",
    "a drill restores to a scratch place on the backup server",
)  # fmt: skip
VARIABLE, KEY = "backup_drill", "ictops_backup_drill"
SAMPLE, MOST = 10, 1000
"""How many sets of a school are tried in a drill, if not told otherwise."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a drill says of a set's newest backup. Sizes are bytes."""

    host: str
    set: str
    repository: str
    snapshot: str
    good: bool
    message: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class DrillDone:
    """What a drill came to.

    :ivar silent: servers that said nothing that can be read, and why.
    """

    proofs: tuple[Proof, ...]
    silent: Mapping[str, str]

    @property
    def good(self) -> bool:
        """Whether everything that was tried could be restored."""
        return not self.silent and all(one.good for one in self.proofs)


def begin_drill(
    journal: Journal,
    settings: Settings,
    *,
    sites: tuple[str, ...] = (),
    limit: str | None = None,
    host: str | None = None,
    sample: int | str = SAMPLE,
    scheduled: Scheduled | None = None,
) -> str:
    """Write a run down that restores the samples of some sets and compares them; give its id.

    It takes the newest backup of the sets that were not tried for longest.

    :param host: only of this host's sets.
    :param sample: how many sets of each school.
    :raises NoHosts: if there is no backup server, or nothing to try.
    """
    number = whole(sample, "--sample", MOST)
    refuse_without_server(settings, sites)
    cluster = open_cluster(settings)
    chosen = choose(journal, settings, cluster, sites=sites, host=host, sample=number)
    if not chosen:
        raise NoHosts(
            "there is no backup yet that could be tried",
            where=host or ", ".join(sites) or settings.cluster,
            do="'ictops backup run' makes one",
        )
    names = servers(cluster, sites=tuple(chosen))
    told = {name: entries for code, entries in chosen.items() for name in names[code]}
    path = write_for_run(settings, "backup", "drill", told)
    # Servers of schools that have nothing to try are left alone.
    try:
        return begin_on_servers(
            journal, settings, DRILL, {VARIABLE: {"file": str(path)}},
            sites=tuple(chosen), limit=limit, scheduled=scheduled,
        )  # fmt: skip
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def choose(
    journal: Journal,
    settings: Settings,
    cluster: Cluster,
    *,
    sites: tuple[str, ...] = (),
    host: str | None = None,
    sample: int = SAMPLE,
) -> dict[str, list[dict[str, Any]]]:
    """Give what is to be tried, by site: those never tried first, then the longest not tried."""
    backups = Backups(journal, settings.cluster)
    drills = backups.drills()
    never = datetime.min.replace(tzinfo=UTC)

    def last(one: SnapshotRecord) -> datetime:
        drill = drills.get((one.host, one.name))
        return drill.drilled_at if drill else never

    with_server = servers(cluster, sites=sites)
    found: dict[str, list[dict[str, Any]]] = {}
    for one in sorted(backups.newest_snapshots(), key=last):
        if one.site not in with_server or (host is not None and one.host != host):
            continue
        of_site = found.setdefault(one.site, [])
        if len(of_site) < sample:
            of_site.append(
                {
                    "repository": one.repository, "host": one.host, "set": one.name,
                    "snapshot": one.snapshot, "sample": [asdict(file) for file in one.sample],
                }
            )  # fmt: skip
    return found


def finish_drill(journal: Journal, run_id: str) -> DrillDone:
    """Write down what a drill proved, and give it; again changes nothing.

    A server's word counts for snapshots that are known, of its own school.

    :raises RunError: if there is no such run.
    """
    run = journal.run(run_id)
    plan = Plan.model_validate_json(run.plan)
    site_of = {host: code for code, site in plan.sites.items() for host in site.hosts}
    said = heard(journal, run_id, KEY)
    backups = Backups(journal, run.cluster)
    proofs: list[Proof] = []
    silent: dict[str, str] = {}
    for host in journal.hosts(run_id):
        word = said.get(host.host)
        if word is None:
            silent[host.host] = words(host.reason) or NO_WORD
            continue
        told = understood(DrillsSaid, word.told)
        if isinstance(told, str):
            silent[host.host] = words(told)
            continue
        drilled = {
            (one.repository, one.snapshot): Drilled(
                one.repository, one.snapshot, site_of[host.host], word.at, one.good,
                words(one.message),
            )
            for one in told.results
        }  # fmt: skip
        known = {(one.repository, one.snapshot) for one in backups.drill(drilled.values())}
        proofs += [
            Proof(
                one.host, one.set, one.repository, one.snapshot, one.good,
                words(one.message), one.files, one.bytes,
            )
            for one in told.results
            if (one.repository, one.snapshot) in known
        ]  # fmt: skip
        if strangers := len(told.results) - sum(
            (one.repository, one.snapshot) in known for one in told.results
        ):
            silent[host.host] = f"it speaks of {strangers} snapshots that nobody knows"
    take_away(run, told_in(plan, VARIABLE).get("file"))
    return DrillDone(tuple(proofs), silent)
