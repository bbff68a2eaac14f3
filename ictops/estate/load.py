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
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml

from ictops.errors import InventoryError
from ictops.estate.models import SITE_CODE, Host, HostKind, HostSystem, Site, site_group
from ictops.estate.reading import compose, explained, read_bytes
from ictops.estate.source import InventoryFile, plain, read_source

INDEX_FORMAT = 2

KINDS: dict[str, HostKind] = {
    "workstations": "workstation",
    "servers": "server",
    "switches": "switch",
}
VARIABLES = ("", ".yml", ".yaml", ".json")
"""How the names of files of variables end (ansible-core's YAML_FILENAME_EXTENSIONS)."""
SYSTEMS: dict[str, HostSystem] = {"linux": "linux", "windows": "windows"}


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
        if code not in self._hosts:
            self._hosts[code] = self._read_hosts(self.site(code))
        return self._hosts[code]

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
        variables = group_variables(self.folder, site_group(code))
        hosts = self._read_hosts_of(code, path, content)
        own = _digest_of_files(sorted(self._own_files(code, hosts)), self.folder)
        digest = _digest(content + self._shared + own)
        common = group_variables(self.folder, "all")
        merged = {**common, **variables}
        return Site(
            code=code,
            name=str(merged.get("site_name", code)),
            phase=str(merged.get("site_phase", "")),
            timezone=str(merged.get("site_timezone", "Europe/London")),
            calendar=str(merged.get("site_calendar", "")),
            source=path,
            digest=digest,
            host_count=len(hosts),
            variables={k: v for k, v in merged.items() if k.startswith("site_")},
        )

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
            yield from _files(path) if path.is_dir() else [path]

    def _read_hosts(self, site: Site) -> tuple[Host, ...]:
        with explained(site.source):
            content = read_bytes(site.source)
        return self._read_hosts_of(site.code, site.source, content)

    def _read_hosts_of(self, code: str, path: Path, content: bytes) -> tuple[Host, ...]:
        if code in self._hosts:
            return self._hosts[code]
        key = _digest(content)
        index = self._cache / f"{code}.json"
        hosts = _from_index(index, key)
        if hosts is None:
            hosts = tuple(hosts_of(read_source(path), code))
            _to_index(index, key, hosts)
        self._hosts[code] = hosts
        return hosts


def load_cluster(folder: Path, cache_dir: Path) -> Cluster:
    """Give the cluster in an inventory directory.

    :raises InventoryError: if the directory or a file in it cannot be read.
    """
    if not folder.is_dir():
        near = sorted(p.name for p in folder.parent.glob("*") if p.is_dir())
        hint = f"There are: {', '.join(near)}" if near else "'cluster' in ictops.toml names it"
        raise InventoryError("there is no such cluster", where=str(folder), do=hint)
    return Cluster(folder, cache_dir)


def site_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Give the code and file of each site, by name; what is no site's code is left out."""
    for path in sorted(folder.glob("*.y*ml")):
        if path.suffix in {".yml", ".yaml"} and SITE_CODE.match(path.stem):
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
        )


def normal_mac(value: object) -> str | None:
    """Give a MAC as six lower-case pairs joined by colons, or None if it is not one."""
    digits = re.sub(r"[:.\-]", "", str(value)).lower()
    if not re.fullmatch(r"[0-9a-f]{12}", digits):
        return None
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def group_variables(folder: Path, group: str) -> dict[str, Any]:
    """Give the variables of a group's files, as they stand; vaulted ones are left out.

    :raises InventoryError: with file and line, if one is broken.
    """
    merged: dict[str, Any] = {}
    for path in variable_files(folder / "group_vars", group):
        merged |= read_variables(path)
    return merged


def variable_files(folder: Path, name: str) -> list[Path]:
    """Give the files of a group or host, in the order in which Ansible reads them."""
    found = [path for suffix in VARIABLES if (path := folder / f"{name}{suffix}").is_file()]
    inside = folder / name
    if inside.is_dir():
        found += sorted(path for path in inside.rglob("*") if is_variables(path))
    return found


def is_variables(path: Path) -> bool:
    """Tell whether Ansible reads this file of group_vars or host_vars."""
    return path.suffix in VARIABLES and path.name[0] != "." and path.name[-1] != "~" and (
        path.is_file()
    )  # fmt: skip


def read_variables(path: Path) -> dict[str, Any]:
    """Give the variables of one file.

    :raises InventoryError: with file and line, if it is broken.
    """
    with explained(path):
        content = read_bytes(path)
        if content.startswith(b"$ANSIBLE_VAULT;"):
            return {}
        node = compose(content)
        if node is None:
            return {}
        if not isinstance(node, yaml.MappingNode):
            raise InventoryError("variables are wanted here (name: value)", where=f"{path}:1")
        variables: dict[str, Any] = plain(node)
    return variables


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
        yield from (Path(parent) / name for name in names)


def _digest_of_files(paths: Sequence[Path], folder: Path) -> bytes:
    summed = hashlib.sha256()
    for path in paths:
        name = str(path.relative_to(folder)).encode()
        summed.update(name + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return summed.digest()


def _from_index(path: Path, key: str) -> tuple[Host, ...] | None:
    """Give the hosts from the index; None if it is of another file, or not to be read."""
    try:
        found = json.loads(path.read_bytes())
        if found["format"] != INDEX_FORMAT or found["digest"] != key:
            return None
        groups = [field.name for field in fields(Host)].index("groups")
        for row in found["hosts"]:  # by place, not by name: a hundred thousand of them
            row[groups] = tuple(row[groups])
        return tuple(Host(*row) for row in found["hosts"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None  # it is made again: an index is only ever a copy


def _to_index(path: Path, key: str, hosts: Sequence[Host]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = path.with_suffix(f".{os.getpid()}.part")
    rows = [astuple(host) for host in hosts]
    with open(os.open(fresh, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "w") as stream:  # noqa: PTH123
        json.dump({"format": INDEX_FORMAT, "digest": key, "hosts": rows}, stream)
    fresh.rename(path)
