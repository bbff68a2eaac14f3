"""Every fault of a cluster's inventory in one go, each with its file and line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from difflib import get_close_matches
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path

from ictops.errors import IctopsError, InventoryError
from ictops.estate.load import KINDS, SYSTEMS, normal_mac, site_of
from ictops.estate.lookups import lookups_in
from ictops.estate.models import NOT_SITES, SITE_CODE, Site, site_group
from ictops.estate.needs import Need
from ictops.estate.reading import read_bytes
from ictops.estate.select import matches
from ictops.estate.source import HostEntry, InventoryFile, read_source
from ictops.estate.variables import (
    EXTENSIONS,
    Placed,
    group_variables,
    passed_over,
    read_placed,
    variable_files,
)

IGNORED = frozenset({".cfg", ".ini", ".md", ".txt", ".orig", ".bak", ".swp"})
VAULT_HEADER = b"$ANSIBLE_VAULT;"

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """One thing that is wrong."""

    file: str
    """Relative to the cluster's folder."""
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"

    @classmethod
    def of(cls, error: IctopsError, folder: Path) -> Fault:
        """Give an error as a fault; its ``where`` is a file, or a file and line."""
        file, _, line = error.where.rpartition(":")
        if not line.isdigit():
            file, line = error.where, "1"
        path = Path(file)
        name = path.relative_to(folder) if path.is_relative_to(folder) else path
        return cls(str(name), int(line), f"{error.what}. {error.do}" if error.do else error.what)


@dataclass(slots=True)
class Checked:
    """What a check found: what is wrong, and the sites that could be read."""

    faults: list[Fault]
    sites: list[Site]
    site_count: int
    """Also those that could not be read."""
    host_count: int


@dataclass(slots=True)
class _Check:
    """One run of the check."""

    folder: Path
    needs: Sequence[Need]
    vault_set: bool
    with_files: set[str]
    """The hosts that have files of their own in host_vars."""
    first: dict[tuple[str, str], str] = field(default_factory=dict)
    """Where each name, MAC and address was first seen in the cluster."""
    sites: list[Site] = field(default_factory=list)
    unread: bool = False
    """Whether a site's file could not be read."""

    def twice(self, kind: str, value: str, where: str) -> str | None:
        """Give where ``value`` was before, or remember that it is here."""
        before = self.first.get((kind, value))
        if before is None:
            self.first[kind, value] = where
        return before


def check_cluster(folder: Path, *, needs: Sequence[Need] = (), vault_set: bool) -> list[Fault]:
    """Give every fault of a cluster, by file and line."""
    return examine_cluster(folder, needs=needs, vault_set=vault_set).faults


def examine_cluster(folder: Path, *, needs: Sequence[Need] = (), vault_set: bool) -> Checked:
    """Find every fault of a cluster, by file and line, and give the sites that can be read.

    :param needs: the variables that roles require.
    :param vault_set: whether the settings say where the vault's password is.
    """
    run = _Check(folder, needs, vault_set, {path.stem for path in _named(folder / "host_vars")})
    faults: list[Fault] = []
    faults += [
        Fault(path.name, 1, "it is a folder, where a site's file is wanted")
        for path in folder.glob("*.y*ml")
        if path.is_dir()
    ]
    for path in _source_files(folder):
        faults += _file_faults(path, run)
    faults += _variable_faults(run)
    site_count, host_count = (
        sum(what == kind for what, _ in run.first) for kind in ("site", "name")
    )
    return Checked(sorted(set(faults)), run.sites, site_count, host_count)


def inventory_files(folder: Path) -> Iterator[Path]:
    """Give every file of a cluster that Ansible reads."""
    yield from _source_files(folder)
    for name in ("group_vars", "host_vars"):
        yield from _files_of_variables(folder / name)


def _source_files(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        ours = path.suffix in IGNORED or path.name in {f"{name}.yml" for name in NOT_SITES}
        if not path.is_dir() and not ours and not path.name.startswith("."):
            yield path


def _files_of_variables(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in EXTENSIONS and not path.name.startswith("."):
            yield path


def _file_faults(path: Path, run: _Check) -> Iterator[Fault]:
    code = path.stem
    if path.suffix not in {".yml", ".yaml"} or not SITE_CODE.match(code):
        yield Fault(
            path.name, 1,
            f"{code!r} is no site's code: a site's file is CODE.yml, and a code has "
            "letters a-z, digits and dashes only",
        )  # fmt: skip
        return
    if before := run.twice("site", code, path.name):
        yield Fault(path.name, 1, f"site {code} has a file already: {before}")
    yield from _vault_faults(path, run)
    try:
        source = read_source(path)
    except InventoryError as error:
        run.unread = True
        yield Fault.of(error, run.folder)
        return
    for found in lookups_in(path):
        yield Fault(path.name, found.line, str(found))
    for name, line in source.repeated:
        yield Fault(path.name, line, f"{name!r} stands twice here; only the last would count")
    variables: dict[str, Placed] = {}
    with suppress(InventoryError):  # reported by _variable_faults
        groups = source.in_order(source.with_parents([site_group(code)]))
        variables = group_variables(run.folder, groups, source)
        run.sites.append(site_of(code, path, variables, host_count=len(source.hosts)))
    subnets, wrong = _subnets(variables.get("site_subnets"), run.folder)
    yield from wrong
    for host in source.hosts.values():
        yield from _host_faults(host, source, run, subnets)
    yield from _need_faults(source, run)


def _host_faults(
    host: HostEntry, source: InventoryFile, run: _Check, subnets: Sequence[Network]
) -> Iterator[Fault]:
    file, code = source.path.name, source.path.stem
    groups = source.groups_of(host.name)
    twice = run.twice("name", host.name.casefold(), f"{file}:{host.line}")
    if twice:
        yield Fault(file, host.line, f"host {host.name} is also at {twice}")
    if site_group(code) not in groups:
        yield Fault(file, host.line, f"host {host.name} is in no site (group {site_group(code)})")
    if not groups & KINDS.keys():
        kinds = ", ".join(KINDS)
        yield Fault(file, host.line, f"host {host.name} is of no kind (groups {kinds})")
    elif "switches" not in groups and not groups & SYSTEMS.keys():
        yield Fault(file, host.line, f"host {host.name} is neither in linux nor in windows")
    yield from _place_faults(host, _own_variables(host, source, run), run, subnets)


def _own_variables(host: HostEntry, source: InventoryFile, run: _Check) -> dict[str, Placed]:
    """Give what the host's line and its files in host_vars say."""
    found = {
        name: Placed(value, source.path, host.lines[name]) for name, value in host.variables.items()
    }
    if host.name in run.with_files:
        with suppress(InventoryError):  # reported by _variable_faults
            for path in variable_files(run.folder / "host_vars", host.name):
                found |= read_placed(path)
    return found


def _place_faults(
    host: HostEntry, own: Mapping[str, Placed], run: _Check, subnets: Sequence[Network]
) -> Iterator[Fault]:
    """Give what is wrong with a host's MAC and address."""
    mac = own.get("host_mac")
    if mac is not None:
        file, normal = _file(mac, run.folder), normal_mac(mac.value)
        if normal is None:
            yield Fault(file, mac.line, f"host {host.name}: {mac.value!r} is no MAC address")
        elif before := run.twice("mac", normal, f"{file}:{mac.line}"):
            yield Fault(file, mac.line, f"MAC {normal} of {host.name} is also at {before}")
    address = own.get("ansible_host")
    if address is None:
        return
    file = _file(address, run.folder)
    try:
        parsed = ip_address(str(address.value))
    except ValueError:
        parsed = None  # a name: DNS knows where it leads
    text = str(parsed or address.value)
    if before := run.twice("address", text, f"{file}:{address.line}"):
        yield Fault(file, address.line, f"address {text} of {host.name} is also at {before}")
    if parsed and subnets and not any(parsed in network for network in subnets):
        nets = ", ".join(map(str, subnets))
        yield Fault(file, address.line, f"address {text} of {host.name} is outside {nets}")


def _need_faults(source: InventoryFile, run: _Check) -> Iterator[Fault]:
    """Give the variables that a role requires and hosts do not have."""
    of_group: dict[str, set[str]] = {}
    lacking: dict[Need, list[HostEntry]] = {}
    for host in source.hosts.values() if run.needs else ():
        groups = {"all", *source.groups_of(host.name)}
        for group in groups - of_group.keys():
            of_group[group] = set(_defined(group, source, run.folder))
        known = set().union(*(of_group[group] for group in groups))
        known |= host.variables.keys() | _own_variables(host, source, run).keys()
        for need in run.needs:
            if need.variable not in known and matches({host.name, *groups}, need.hosts):
                lacking.setdefault(need, []).append(host)
    for need, hosts in lacking.items():
        more = f" and {len(hosts) - 1} more" if hosts[1:] else ""
        yield Fault(
            source.path.name, hosts[0].line,
            f"role {need.role} requires the variable {need.variable}, which {hosts[0].name}{more} "
            "does not have",
        )  # fmt: skip


def _defined(group: str, source: InventoryFile, folder: Path) -> Iterator[str]:
    yield from source.group_vars.get(group, {})
    for path in variable_files(folder / "group_vars", group):
        with suppress(InventoryError):  # reported by _variable_faults
            yield from read_placed(path)


def _variable_faults(run: _Check) -> Iterator[Fault]:
    """Give what is wrong with the files of group_vars and host_vars."""
    for name in ("group_vars", "host_vars"):
        folder = run.folder / name
        for path, read in passed_over(folder):
            yield Fault(
                str(path.relative_to(run.folder)), 1,
                f"Ansible passes this file over, for it reads {read.name} first: put them together",
            )  # fmt: skip
        for path in _files_of_variables(folder):
            yield from _vault_faults(path, run)
            try:
                read_placed(path)
            except InventoryError as error:
                yield Fault.of(error, run.folder)
    yield from _orphans(run)


def _orphans(run: _Check) -> Iterator[Fault]:
    """Give files of variables whose site or host there is not: Ansible would not read them."""
    codes = {name: site_group(name) for kind, name in run.first if kind == "site"}
    groups = [path for path in _named(run.folder / "group_vars") if path.stem.startswith("site_")]
    yield from _strangers(groups, codes.values(), "site", run.folder)
    if not run.unread:
        hosts = {name for kind, name in run.first if kind == "name"}
        yield from _strangers(_named(run.folder / "host_vars"), hosts, "host", run.folder)


def _named(folder: Path) -> list[Path]:
    names = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in names if not path.name.startswith(".")]


def _strangers(
    paths: Sequence[Path], known: Collection[str], what: str, folder: Path
) -> Iterator[Fault]:
    for path in paths:
        names = {path.name.casefold(), path.stem.casefold()}
        if not names & set(known):
            near = get_close_matches(path.stem, known, 1)
            guess = f"; did you mean {near[0]}?" if near else ""
            text = f"there is no {what} {path.stem.removeprefix('site_')!r}: nobody reads this"
            yield Fault(str(path.relative_to(folder)), 1, text + guess)


def _vault_faults(path: Path, run: _Check) -> Iterator[Fault]:
    if run.vault_set:
        return
    try:
        content = read_bytes(path)
    except OSError:
        return  # whoever reads it for what it says has told so
    place = content.find(VAULT_HEADER)
    if place >= 0:
        yield Fault(
            str(path.relative_to(run.folder)), vault_line(content),
            "it is vaulted, and the settings name no password ([vault] in ictops.toml)",
        )  # fmt: skip


def vault_line(content: bytes) -> int:
    """Give the line of the first vaulted value: 1 where the whole file is vaulted."""
    return max(1, content[: content.find(VAULT_HEADER)].count(b"\n"))


def _subnets(placed: Placed | None, folder: Path) -> tuple[list[Network], list[Fault]]:
    found: list[Network] = []
    faults: list[Fault] = []
    if placed is not None:
        given = placed.value if isinstance(placed.value, list) else [placed.value]
        for text in given:
            try:
                found.append(ip_network(str(text), strict=False))
            except ValueError:
                what = f"{text!r} in site_subnets is no network like 10.1.0.0/24"
                faults.append(Fault(_file(placed, folder), placed.line, what))
    return found, faults


def _file(placed: Placed, folder: Path) -> str:
    return str(placed.file.relative_to(folder))
