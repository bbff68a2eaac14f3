"""Which hosts are backed up, what of them, and how old a backup may be: by the inventory.

Reading every host's variables takes its time, and alarms are looked at each minute: what is found
is kept by the digest of all that speaks for a site.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from ictops.estate.load import Cluster
from ictops.estate.models import Host, Site
from ictops.estate.source import InventoryFile, read_source
from ictops.estate.variables import Placed, group_variables, read_placed, variable_files
from ictops.settings import Settings, make_private

SETS, PROMISE = "backup_sets", "backup_promise_hours"
"""Variables of a host: what is backed up, and how old the last good backup may be."""
HOURS = 26
"""The promise where none is given: a backup each night, and two hours for it."""
SERVERS = "backup_servers"
"""The inventory group of the hosts that keep repositories."""
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Promise:
    """What is promised of a host's backup.

    :ivar sets: the names of its sets; none where they cannot be known without Ansible.
    """

    host: str
    site: str
    hours: float
    sets: tuple[str, ...]

    @property
    def age(self) -> timedelta:
        """How old the last good backup may be."""
        return timedelta(hours=self.hours)


def promises(
    settings: Settings, cluster: Cluster, *, sites: Collection[str] = ()
) -> dict[str, Promise]:
    """Give the hosts that are backed up, by name.

    :param sites: codes; all if empty.
    :raises InventoryError: with file and line, if a file is broken; or if there is no such site.
    """
    for code in sites:
        cluster.site(code)
    found: dict[str, Promise] = {}
    for code, site in cluster.sites.items():
        if sites and code not in sites:
            continue
        cache = settings.cache_dir / "backup" / settings.cluster / f"{code}.json"
        of_site = _kept(cache, site)
        if of_site is None:
            of_site = list(_read(cluster, site))
            _keep(cache, site, of_site)
        found |= {one.host: one for one in of_site}
    return found


def servers(cluster: Cluster, *, sites: Collection[str] = ()) -> dict[str, list[str]]:
    """Give the names of the backup servers of each site that has any."""
    found: dict[str, list[str]] = {}
    for host in cluster.all_hosts():
        if SERVERS in host.groups and (not sites or host.site in sites):
            found.setdefault(host.site, []).append(host.name)
    return found


def _read(cluster: Cluster, site: Site) -> Iterator[Promise]:
    source = read_source(site.source)
    of_groups: dict[tuple[str, ...], dict[str, Placed]] = {}
    for host in cluster.hosts(site.code):
        if host.system != "linux":
            continue
        chain = tuple(source.in_order(source.groups_of(host.name)))
        if chain not in of_groups:
            of_groups[chain] = group_variables(cluster.folder, chain, source)
        promise = _promise(host, _own(cluster.folder, host, source, of_groups[chain]))
        if promise is not None:
            yield promise


def _own(
    folder: Path, host: Host, source: InventoryFile, of_groups: Mapping[str, Placed]
) -> dict[str, Any]:
    """Give what is said of a host's backup by Ansible's precedence."""
    said = {name: of_groups[name].value for name in (SETS, PROMISE) if name in of_groups}
    said |= source.hosts[host.name].variables
    for path in variable_files(folder / "host_vars", host.name):
        said |= {name: one.value for name, one in read_placed(path).items()}
    return said


def _promise(host: Host, said: Mapping[str, Any]) -> Promise | None:
    sets, hours = said.get(SETS), said.get(PROMISE, HOURS)
    if not sets:
        return None
    named = sets if isinstance(sets, list) else []
    names = [one["name"] for one in named if isinstance(one, dict) and "name" in one]
    number = isinstance(hours, int | float) and not isinstance(hours, bool) and hours > 0
    known = tuple(str(name) for name in names) if len(names) == len(named) else ()
    return Promise(host.name, host.site, float(hours) if number else HOURS, known)


def _kept(cache: Path, site: Site) -> list[Promise] | None:
    try:
        kept = json.loads(cache.read_bytes())
        if kept["format"] != FORMAT or kept["digest"] != site.digest:
            return None
        return [Promise(**{**one, "sets": tuple(one["sets"])}) for one in kept["hosts"]]
    except (OSError, ValueError, KeyError, TypeError):
        return None  # it is made again


def _keep(cache: Path, site: Site, of_site: Collection[Promise]) -> None:
    kept = {"format": FORMAT, "digest": site.digest, "hosts": [asdict(one) for one in of_site]}
    fresh = cache.with_suffix(f".{secrets.token_hex(4)}.part")
    with suppress(OSError):  # it only saves time
        make_private(cache.parent)
        fresh.write_text(json.dumps(kept))
        fresh.replace(cache)
