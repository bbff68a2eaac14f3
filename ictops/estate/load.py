"""The cluster: its sites, and each site's hosts from an index that knows what changed.

Ansible's own loader takes about a millisecond a host. A plan for a hundred thousand hosts
needs only their names, groups, rooms and addresses, so these are kept, by the digest of
the file they came from; no other variable is, and no secret.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import astuple, dataclass, fields
from difflib import get_close_matches
from pathlib import Path

from ictops.errors import InventoryError
from ictops.estate.models import NOT_SITES, SITE_CODE, Host, HostKind, HostSystem, Site, site_group
from ictops.estate.reading import explained, read_bytes
from ictops.estate.source import InventoryFile, read_source
from ictops.estate.variables import Placed, group_variables, values
from ictops.settings import make_private

INDEX_FORMAT = 4

KINDS: dict[str, HostKind] = {
    "workstations": "workstation",
    "servers": "server",
    "switches": "switch",
}
SYSTEMS: dict[str, HostSystem] = {"linux": "linux", "windows": "windows"}


@dataclass(frozen=True, slots=True)
class _Entry:
    """What the index keeps of a site's file."""

    hosts: tuple[Host, ...]
    groups: tuple[str, ...]
    """The groups that the whole site is in, in the order of their variables."""
    own_vars: bool
    """Whether the file itself gives variables to one of them."""


class Cluster:
    """The schools that one team looks after."""

    def __init__(self, folder: Path, cache_dir: Path) -> None:
        self.folder = folder
        self.name = folder.name
        self._cache = cache_dir / "inventory" / _digest(str(folder).encode())[:16]
        self._hosts: dict[str, tuple[Host, ...]] = {}
        self._shared = _shared_digest(folder)
        self._group_vars = _names_in(folder / "group_vars")
        self._host_vars = _names_in(folder / "host_vars")
        self.sites: dict[str, Site] = {
            code: self._read_site(code, path) for code, path in site_files(folder)
        }

    def site(self, code: str) -> Site:
        """Give a site by its code.

        :raises InventoryError: if there is none, with the nearest that there is.
        """
        found = self.sites.get(code)
        if found is None:
            near = get_close_matches(code, self.sites, 1)
            hint = f"Did you mean {near[0]}?" if near else "'ictops site list' shows them all"
            raise InventoryError(f"there is no site {code!r}", where=str(self.folder), do=hint)
        return found

    def hosts(self, code: str) -> Sequence[Host]:
        """Give the hosts of a site, in the order of its file."""
        return self._hosts[self.site(code).code]

    def all_hosts(self) -> Iterator[Host]:
        """Give every host of the cluster."""
        for code in self.sites:
            yield from self.hosts(code)

    def find(self, name: str) -> Host:
        """Give a host by its name.

        :raises InventoryError: if there is none.
        """
        names = []
        for host in self.all_hosts():
            if host.name == name:
                return host
            names.append(host.name)
        near = get_close_matches(name, names, 1)
        hint = f"Did you mean {near[0]}?" if near else ""
        raise InventoryError(f"there is no host {name!r}", where=str(self.folder), do=hint)

    def _read_site(self, code: str, path: Path) -> Site:
        with explained(path):
            content = read_bytes(path)
        entry = self._read_index(code, path, content)
        own = _digest_of_files(sorted(self._own_files(code, entry.hosts)), self.folder)
        digest = _digest(content + self._shared + own)
        source = read_source(path) if entry.own_vars else None
        placed = group_variables(self.folder, entry.groups, source)
        return site_of(code, path, placed, host_count=len(entry.hosts), digest=digest)

    def _own_files(self, code: str, hosts: Iterable[Host]) -> Iterator[Path]:
        """Give the variable files of a site, its rooms and its hosts."""
        name = re.escape(code.replace("-", "_"))
        wanted = re.compile(rf"site_{name}(\..*)?|room_{name}_.*", re.DOTALL)
        own = [self.folder / "group_vars" / n for n in self._group_vars if wanted.fullmatch(n)]
        if self._host_vars:
            names = {host.name for host in hosts}
            said = (n for n in self._host_vars if n in names or Path(n).stem in names)
            own += [self.folder / "host_vars" / n for n in said]
        for path in own:
            yield from [path] if path.is_file() else _files(path)

    def _read_index(self, code: str, path: Path, content: bytes) -> _Entry:
        key = _digest(content)
        index = self._cache / f"{code}.json"
        entry = _from_index(index, key)
        if entry is None:
            entry = _entry_of(read_source(path), code)
            with suppress(OSError):  # it only saves time, and a full disk is no reason to stop
                _to_index(index, key, entry)
        self._hosts[code] = entry.hosts
        return entry


def load_cluster(folder: Path, cache_dir: Path) -> Cluster:
    """Give the cluster in an inventory directory.

    :raises InventoryError: if the directory or a file in it cannot be read.
    """
    require_cluster(folder)
    return Cluster(folder, cache_dir)


def require_cluster(folder: Path) -> None:
    """Make sure that there is such a cluster.

    :raises InventoryError: with those that there are, if there is not.
    """
    if not folder.is_dir():
        near = sorted(p.name for p in folder.parent.glob("*") if p.is_dir())
        hint = f"There are: {', '.join(near)}" if near else "'cluster' in ictops.toml names it"
        raise InventoryError("there is no such cluster", where=str(folder), do=hint)


def site_of(
    code: str, path: Path, placed: Mapping[str, Placed], *, host_count: int, digest: str = ""
) -> Site:
    """Give a site by its file and the variables of its groups."""
    ours = {name: one for name, one in placed.items() if name.startswith("site_")}
    merged = values(ours)
    return Site(
        code=code,
        name=str(merged.get("site_name", code)),
        phase=str(merged.get("site_phase", "")),
        timezone=str(merged.get("site_timezone", "Europe/London")),
        calendar=str(merged.get("site_calendar", "")),
        source=path,
        digest=digest,
        host_count=host_count,
        variables=merged,
        places={name: one.where for name, one in ours.items()},
    )


def site_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Give the code and file of each site, by name; what is no site's code is left out."""
    for path in sorted(folder.glob("*.y*ml")):
        named = path.suffix in {".yml", ".yaml"} and SITE_CODE.match(path.stem)
        if named and path.stem not in NOT_SITES and not path.is_dir():
            yield path.stem, path


def hosts_of(source: InventoryFile, code: str) -> Iterator[Host]:
    """Give the hosts that a site's file describes."""
    room_prefix = f"room_{code.replace('-', '_')}_"
    for entry in source.hosts.values():
        groups = source.groups_of(entry.name)
        rooms = sorted(g.removeprefix(room_prefix) for g in groups if g.startswith(room_prefix))
        kind = next((KINDS[g] for g in sorted(groups) if g in KINDS), None)
        system = next((SYSTEMS[g] for g in sorted(groups) if g in SYSTEMS), None)
        yield Host(
            name=entry.name,
            site=code,
            kind=kind,
            system="network" if kind == "switch" else system,
            room=rooms[0] if rooms else None,
            address=_text(entry.variables.get("ansible_host")),
            mac=normal_mac(entry.variables.get("host_mac")),
            canary="canaries" in groups,
            line=entry.line,
            groups=tuple(sorted(groups - {"all", "ungrouped"})),
            port=_port(entry.variables.get("ansible_port")),
            switch=_text(entry.variables.get("host_switch")),
        )


def normal_mac(value: object) -> str | None:
    """Give a MAC as six lower-case pairs joined by colons, or None if it is not one."""
    digits = re.sub(r"[:.\-]", "", str(value)).lower()
    if not re.fullmatch(r"[0-9a-f]{12}", digits):
        return None
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _port(value: object) -> int:
    return int(str(value)) if str(value).isdecimal() else 22


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _shared_digest(folder: Path) -> bytes:
    """Give a digest of what speaks for every site: the group_vars of no site's own."""
    shared = [
        path
        for path in _files(folder / "group_vars")
        if not re.match(r"(site|room)_", path.relative_to(folder / "group_vars").parts[0])
    ]
    return _digest_of_files(sorted(shared), folder)


def _names_in(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir()) if folder.is_dir() else []


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        yield from (path for name in names if (path := Path(parent) / name).is_file())


def _digest_of_files(paths: Sequence[Path], folder: Path) -> bytes:
    summed = hashlib.sha256()
    for path in paths:
        name = str(path.relative_to(folder)).encode()
        summed.update(name + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return summed.digest()


def _entry_of(source: InventoryFile, code: str) -> _Entry:
    groups = source.in_order(source.with_parents([site_group(code)]))
    own_vars = any(group in source.group_vars for group in ("all", *groups))
    return _Entry(tuple(hosts_of(source, code)), tuple(groups), own_vars)


def _from_index(path: Path, key: str) -> _Entry | None:
    """Give the entry of the index; None if it is of another file, or not to be read."""
    try:
        found = json.loads(path.read_bytes())
        if found["format"] != INDEX_FORMAT or found["digest"] != key:
            return None
        groups = [field.name for field in fields(Host)].index("groups")
        for row in found["hosts"]:  # by place, not by name: a hundred thousand of them
            row[groups] = tuple(row[groups])
        hosts = tuple(Host(*row) for row in found["hosts"])
        return _Entry(hosts, tuple(found["groups"]), bool(found["own_vars"]))
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None  # it is made again: an index is only ever a copy


def _to_index(path: Path, key: str, entry: _Entry) -> None:
    make_private(path.parent)
    fresh = path.with_suffix(f".{os.getpid()}.part")
    kept = {
        "format": INDEX_FORMAT,
        "digest": key,
        "hosts": [astuple(host) for host in entry.hosts],
        "groups": entry.groups,
        "own_vars": entry.own_vars,
    }
    with open(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as stream:  # noqa: PTH123
        json.dump(kept, stream)
    fresh.rename(path)
