"""Every fault of a cluster's inventory in one go, each with its file and line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import yaml

from ictops.errors import InventoryError
from ictops.estate.load import (
    KINDS,
    SYSTEMS,
    is_variables,
    normal_mac,
    read_variables,
    variable_files,
)
from ictops.estate.lookups import lookups_in
from ictops.estate.models import SITE_CODE, site_group
from ictops.estate.source import HostEntry, InventoryFile, read_source

IGNORED = frozenset({".cfg", ".ini", ".md", ".txt", ".orig", ".bak", ".swp"})


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong."""

    file: str
    """Relative to the cluster's folder."""
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


@dataclass(slots=True)
class _Seen:
    """Where each name, MAC and address was first seen in the cluster."""

    first: dict[tuple[str, str], str]

    def twice(self, kind: str, value: str, where: str) -> str | None:
        """Give where ``value`` was before, or remember that it is here."""
        before = self.first.get((kind, value))
        if before is None:
            self.first[kind, value] = where
        return before


def check_cluster(folder: Path, *, roles: Path | None = None, vault_set: bool) -> list[Fault]:
    """Give every fault of a cluster, by file and line.

    :param roles: the folder of roles whose required variables are looked for.
    :param vault_set: whether the settings say where the vault's password is.
    """
    seen = _Seen({})
    faults = [*_variable_faults(folder, vault_set=vault_set)]
    required = required_variables(roles) if roles is not None else {}
    for path in sorted(folder.iterdir()):
        if path.is_dir() or path.suffix in IGNORED or path.name.startswith("."):
            continue
        faults += _file_faults(path, folder, seen, required)
    return sorted(set(faults))


def _file_faults(
    path: Path, folder: Path, seen: _Seen, required: dict[str, list[str]]
) -> Iterator[Fault]:
    if path.suffix not in {".yml", ".yaml"} or not SITE_CODE.match(path.stem):
        yield Fault(
            path.name, 1,
            f"{path.stem!r} is no site's code: a site's file is CODE.yml, and a code has "
            "letters a-z, digits and dashes only",
        )  # fmt: skip
        return
    try:
        source = read_source(path)
    except InventoryError as error:
        yield _as_fault(error, folder)
        return
    for found in lookups_in(path):
        yield Fault(path.name, found.line, str(found))
    for name, line in source.repeated:
        yield Fault(path.name, line, f"{name!r} stands twice here; only the last would count")
    variables = _variables(folder, path.stem)
    yield from _site_faults(path, folder, variables, required)
    subnets = _subnets(variables)
    for host in source.hosts.values():
        yield from _host_faults(host, source, seen, subnets)


def _site_faults(
    path: Path, folder: Path, variables: dict[str, Any], required: dict[str, list[str]]
) -> Iterator[Fault]:
    calendar = variables.get("site_calendar")
    if not calendar:
        yield Fault(path.name, 1, "the site has no calendar (site_calendar)")
    elif not (folder / "calendars" / f"{calendar}.ics").is_file():
        yield Fault(path.name, 1, f"unknown calendar {calendar!r} (calendars/{calendar}.ics)")
    for subnet in variables.get("site_subnets") or []:
        if _network(subnet) is None:
            yield Fault(path.name, 1, f"{subnet!r} in site_subnets is no network")
    for role, names in required.items():
        for name in names:
            if name not in variables:
                yield Fault(path.name, 1, f"role {role} requires the variable {name}")


def _host_faults(
    host: HostEntry, source: InventoryFile, seen: _Seen, subnets: Sequence[Any]
) -> Iterator[Fault]:
    file, where = source.path.name, f"{source.path.name}:{host.line}"
    groups = source.groups_of(host.name)
    twice = seen.twice("name", host.name, where)
    if twice:
        yield Fault(file, host.line, f"host {host.name} is also at {twice}")
    if site_group(source.path.stem) not in groups:
        wanted = site_group(source.path.stem)
        yield Fault(file, host.line, f"host {host.name} is in no site (group {wanted})")
    if not groups & KINDS.keys():
        kinds = ", ".join(KINDS)
        yield Fault(file, host.line, f"host {host.name} is of no kind (groups {kinds})")
    elif "switches" not in groups and not groups & SYSTEMS.keys():
        yield Fault(file, host.line, f"host {host.name} is neither in linux nor in windows")
    mac = host.variables.get("host_mac")
    if mac is not None:
        line, normal = host.lines["host_mac"], normal_mac(mac)
        if normal is None:
            yield Fault(file, line, f"host {host.name}: {mac!r} is no MAC address")
        elif before := seen.twice("mac", normal, f"{file}:{line}"):
            yield Fault(file, line, f"MAC {normal} of {host.name} is also at {before}")
    address = host.variables.get("ansible_host")
    if address is not None:
        yield from _address_faults(host, str(address), file, seen, subnets)


def _address_faults(
    host: HostEntry, address: str, file: str, seen: _Seen, subnets: Sequence[Any]
) -> Iterator[Fault]:
    line = host.lines["ansible_host"]
    before = seen.twice("address", address, f"{file}:{line}")
    if before:
        yield Fault(file, line, f"address {address} of {host.name} is also at {before}")
    try:
        parsed = ip_address(address)
    except ValueError:
        return  # a name: DNS knows where it leads
    if subnets and not any(parsed in network for network in subnets):
        nets = ", ".join(map(str, subnets))
        yield Fault(file, line, f"address {address} of {host.name} is outside {nets}")


def _variable_faults(folder: Path, *, vault_set: bool) -> Iterator[Fault]:
    """Give what is wrong with the files of group_vars and host_vars."""
    for name in ("group_vars", "host_vars"):
        for path in sorted((folder / name).rglob("*")):
            if not is_variables(path):
                continue
            try:
                read_variables(path)
            except InventoryError as error:
                yield _as_fault(error, folder)
            if not vault_set and b"$ANSIBLE_VAULT;" in path.read_bytes():
                yield Fault(
                    str(path.relative_to(folder)), 1,
                    "it is vaulted, and the settings name no password ([vault] in ictops.toml)",
                )  # fmt: skip


def required_variables(roles: Path) -> dict[str, list[str]]:
    """Give, by role, the variables that its argument_specs require."""
    found: dict[str, list[str]] = {}
    for path in sorted(roles.glob("*/meta/argument_specs.yml")):
        specs = yaml.safe_load(path.read_text())["argument_specs"]
        options = specs.get("main", {}).get("options", {})
        names = [name for name, spec in options.items() if spec.get("required")]
        if names:
            found[path.parent.parent.name] = names
    return found


def _variables(folder: Path, code: str) -> dict[str, Any]:
    merged: dict[str, Any] = {}
    for group in ("all", site_group(code)):
        for path in variable_files(folder / "group_vars", group):
            try:
                merged |= read_variables(path)
            except InventoryError:
                continue  # reported by _variable_faults
    return merged


def _subnets(variables: dict[str, Any]) -> list[Any]:
    networks = [_network(subnet) for subnet in variables.get("site_subnets") or []]
    return [network for network in networks if network is not None]


def _network(text: object) -> Any:
    try:
        return ip_network(str(text), strict=False)
    except ValueError:
        return None


def _as_fault(error: InventoryError, folder: Path) -> Fault:
    file, _, line = error.where.rpartition(":")
    if not line.isdigit():
        file, line = error.where, "1"
    return Fault(str(Path(file).relative_to(folder)), int(line), error.what)
