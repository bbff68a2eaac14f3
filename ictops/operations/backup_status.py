"""How backups are: the last good one of each host against its promise, and what proves it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from ictops.operations.backup_promise import Promise, promises, servers
from ictops.operations.planning import open_cluster
from ictops.settings import Settings
from ictops.store.backup_care import BackupCare
from ictops.store.backup_records import CareName, CareRecord, DrillRecord, SetRecord
from ictops.store.backups import Backups
from ictops.store.journal import Journal

PROVED_FOR = timedelta(days=31)
"""How long a good drill of a set proves its backup."""
CHECKED_FOR = timedelta(days=14)
COPIED_FOR = timedelta(days=3)
"""How long ago the last good check and the last second copy of a repository may be."""

Drill = Literal["proved", "unproved", "failed"]
"""What drills say of a backup; unproved where none was tried lately."""
Kept = Literal["kept", "late", "never"]
"""Whether the promise is kept, the last good backup is older, or there is none."""


@dataclass(frozen=True, slots=True)
class SetStatus:
    """How the backup of a set is. Sizes are bytes.

    :ivar good_at: when it was last backed up; None: never.
    :ivar message: of the newest try, where that failed.
    :ivar drilled_at: when a restore of it was last tried; None: never.
    :ivar drill_message: what that said.
    """

    name: str
    class_: str
    kind: str
    repository: str
    state: Kept
    good_at: datetime | None
    failures: int
    message: str
    drill: Drill
    drilled_at: datetime | None
    drill_message: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class HostStatus:
    """How the backup of a host is: as good as that of the worst of its sets.

    :ivar hours: how old the last good backup may be.
    """

    host: str
    site: str
    state: Kept
    hours: float
    good_at: datetime | None
    failures: int
    drill: Drill
    drilled_at: datetime | None
    sets: tuple[SetStatus, ...]


@dataclass(frozen=True, slots=True)
class RepositoryStatus:
    """How a repository is cared for. Sizes are bytes; None where nobody has looked yet.

    :ivar check_good: what the last check came to.
    :ivar failed: what of its care failed the last time.
    :ivar faults: what a person should see to, in words.
    """

    repository: str
    site: str
    server: str
    escrowed: bool | None
    has_copy: bool | None
    copied_at: datetime | None
    checked_at: datetime | None
    check_good: bool | None
    pruned_at: datetime | None
    bytes: int | None
    failed: tuple[CareName, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """How all backups of a cluster are.

    :ivar without_server: sites with hosts to back up and no backup server of their own.
    """

    at: datetime
    hosts: tuple[HostStatus, ...]
    repositories: tuple[RepositoryStatus, ...]
    without_server: tuple[str, ...]

    @property
    def broken(self) -> bool:
        """Whether a promise is not kept, or a backup or a repository was found damaged."""
        bad_hosts = any(one.state != "kept" or one.drill == "failed" for one in self.hosts)
        return bad_hosts or any(one.check_good is False for one in self.repositories)


def status(
    journal: Journal,
    settings: Settings,
    *,
    sites: Collection[str] = (),
    now: datetime | None = None,
) -> Status:
    """Give how backups are, by the journal and the inventory; no host is asked.

    :param sites: codes; all if empty.
    :raises InventoryError: if the inventory cannot be read, or there is no such site.
    """
    now = now or datetime.now(UTC)
    cluster = open_cluster(settings)
    promised = promises(settings, cluster, sites=sites)
    backups = Backups(journal, settings.cluster)
    sets = backups.sets(sites=sites)
    hosts = hosts_of(promised, sets, backups.drills(), now)
    # What a school has left behind that is no longer of the cluster is nobody's worry.
    care = [
        one
        for one in BackupCare(journal, settings.cluster).of(sites=sites)
        if one.site in cluster.sites
    ]
    named = {one.repository: one.site for one in sets if one.host in promised}
    with_server = set(servers(cluster))
    return Status(
        at=now,
        hosts=tuple(hosts),
        repositories=tuple(repositories_of(care, named, now)),
        without_server=tuple(sorted({one.site for one in promised.values()} - with_server)),
    )


def hosts_of(
    promised: Mapping[str, Promise],
    sets: Iterable[SetRecord],
    drills: Mapping[tuple[str, str], DrillRecord],
    now: datetime,
) -> list[HostStatus]:
    """Give how the backup of each host is that has a promise, by site and name."""
    of_host: dict[str, dict[str, SetRecord]] = {}
    for one in sets:
        of_host.setdefault(one.host, {})[one.name] = one
    found = []
    for promise in promised.values():
        known = of_host.get(promise.host, {})
        names = promise.sets or tuple(known)  # one that the inventory has no longer is no worry
        of_sets = tuple(_set(promise, name, known.get(name), drills, now) for name in names)
        found.append(_host(promise, of_sets))
    return sorted(found, key=lambda one: (one.site, one.host))


def _set(
    promise: Promise,
    name: str,
    record: SetRecord | None,
    drills: Mapping[tuple[str, str], DrillRecord],
    now: datetime,
) -> SetStatus:
    drill = drills.get((promise.host, name))
    good_at = record.good_at if record else None
    return SetStatus(
        name=name,
        class_=record.class_ if record else "",
        kind=record.kind if record else "",
        repository=record.repository if record else "",
        state=_state(promise, good_at, now),
        good_at=good_at,
        failures=record.failures if record else 0,
        message=record.message if record and record.failures else "",
        drill=_drilled(drill, now),
        drilled_at=drill.drilled_at if drill else None,
        drill_message=drill.message if drill else "",
        files=record.files if record else 0,
        bytes=record.bytes if record else 0,
    )


def _host(promise: Promise, sets: tuple[SetStatus, ...]) -> HostStatus:
    good = [one.good_at for one in sets if one.good_at is not None]
    all_good = bool(sets) and len(good) == len(sets)
    states = {one.state for one in sets}
    drills = {one.drill for one in sets}
    drilled = [one.drilled_at for one in sets if one.drilled_at is not None]
    worst: Kept = "never" if not all_good else ("late" if "late" in states else "kept")
    drill: Drill = "failed" if "failed" in drills else "unproved"
    if drills == {"proved"}:
        drill = "proved"
    return HostStatus(
        host=promise.host,
        site=promise.site,
        state=worst,
        hours=promise.hours,
        good_at=min(good) if all_good else None,
        failures=max((one.failures for one in sets), default=0),
        drill=drill,
        drilled_at=min(drilled) if len(drilled) == len(sets) and drilled else None,
        sets=sets,
    )


def _state(promise: Promise, good_at: datetime | None, now: datetime) -> Kept:
    if good_at is None:
        return "never"
    return "late" if now - good_at > promise.age else "kept"


def _drilled(drill: DrillRecord | None, now: datetime) -> Drill:
    if drill is None:
        return "unproved"
    if not drill.proved:
        return "failed"
    return "unproved" if now - drill.drilled_at > PROVED_FOR else "proved"


def repositories_of(
    care: Iterable[CareRecord], named: Mapping[str, str], now: datetime
) -> list[RepositoryStatus]:
    """Give how each repository is cared for that hosts back up to, or that a server has.

    :param named: those that hosts back up to, with a site.
    """
    found: dict[str, dict[CareName, CareRecord]] = {name: {} for name in named}
    for one in care:
        found.setdefault(one.repository, {})[one.what] = one
    return [
        _repository(name, named.get(name, ""), of_name, now)
        for name, of_name in sorted(found.items())
    ]


def _repository(
    name: str, site: str, care: Mapping[CareName, CareRecord], now: datetime
) -> RepositoryStatus:
    newest = max(care.values(), key=lambda one: one.tried_at, default=None)
    check, copy, listed = care.get("check"), care.get("copy"), care.get("list")
    said = listed.details if listed and listed.good else {}
    escrowed, has_copy = said.get("escrowed"), said.get("copy")
    if copy is not None and copy.good_at is not None:
        has_copy = True
    prune = care.get("prune")
    return RepositoryStatus(
        repository=name,
        site=newest.site if newest else site,
        server=newest.server if newest else "",
        escrowed=escrowed,
        has_copy=has_copy,
        copied_at=copy.good_at if copy else None,
        checked_at=check.good_at if check else None,
        check_good=check.good if check else None,
        pruned_at=prune.good_at if prune else None,
        bytes=said.get("bytes"),
        failed=tuple(sorted(what for what, one in care.items() if not one.good)),
        faults=tuple(_faults(care, escrowed, has_copy, now)),
    )


def _faults(
    care: Mapping[CareName, CareRecord],
    escrowed: bool | None,
    has_copy: bool | None,
    now: datetime,
) -> Iterable[str]:
    """Say what is wrong with a repository, or not known of it."""
    names: dict[CareName, str] = {
        "check": "the last check found damage or failed",
        "prune": "the last prune failed",
        "copy": "the last second copy failed",
        "list": "its snapshots could not be listed",
    }
    for what, words in names.items():
        one = care.get(what)
        if one is not None and not one.good:
            yield f"{words}: {one.message}" if one.message else words
    check, copy = care.get("check"), care.get("copy")
    if check is None or check.good_at is None or now - check.good_at > CHECKED_FOR:
        yield "not checked lately: 'ictops backup check'"
    if escrowed is None:
        yield "nobody has looked whether its keys are escrowed: 'ictops backup list'"
    elif not escrowed:
        yield "keys not escrowed: set backup_server_escrow_recipients"
    if has_copy is False:
        yield "no second copy elsewhere: set backup_server_copy_to"
    elif has_copy and (copy is None or copy.good_at is None or now - copy.good_at > COPIED_FOR):
        yield "no second copy lately: 'ictops backup copy'"
