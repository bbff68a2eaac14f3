"""A copy of a cluster that can reach nothing but the lab's own hosts.

Groups, rooms, variables and calendars are kept. Hosts that the lab cannot hold are left
out; addresses, MACs, ports and subnets are the lab's; and what begins with ``ansible_``, which
says how Ansible reaches and logs in to a real host, is left out everywhere.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import TypeAlias

import yaml

from ictops.errors import InventoryError, LabError
from ictops.estate.load import hosts_of, site_files
from ictops.estate.models import site_group
from ictops.estate.source import expand, read_source
from ictops.lab.networks import RESERVED, switch_network
from ictops.lab.platforms import platforms_of

GROUP = "ictops_lab"
"""The group of every host of a lab, with its address and MAC."""

SUFFIXES = (".yml", ".yaml", ".json")
"""Of the files in which Ansible looks for variables, beside those without any."""

SWITCH_PORT = 10022
"""Where a simulated switch's SSH answers: no port that only root may listen on."""

Pair: TypeAlias = tuple[yaml.Node, yaml.Node]


@dataclass(frozen=True, slots=True)
class Held:
    """The hosts of a site that a lab can hold, and those that it cannot though it has switches."""

    hosts: tuple[str, ...]
    """Linux ones."""
    switches: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    """Switches of no platform that can be simulated."""

    @property
    def room(self) -> int:
        """How many addresses the site needs."""
        return max(len(self.hosts), len(self.switches))


def sites_to_copy(source: Path, only: Sequence[str] = ()) -> dict[str, Held]:
    """Give the hosts that a lab can hold, Linux ones and switches, of each site that has any.

    :param only: codes of the sites that are wanted; all if there are none.
    :raises LabError: if a site is unknown, or no host is left.
    :raises InventoryError: if a site's file cannot be read.
    """
    files = dict(site_files(source))
    unknown = [code for code in only if code not in files]
    if unknown:
        raise LabError(
            f"there is no site {', '.join(unknown)}",
            where=str(source),
            do=f"There are: {', '.join(files)}",
        )
    found = {}
    for code in only or files:
        file = read_source(files[code])
        hosts = list(hosts_of(file, code))
        linux = tuple(host.name for host in hosts if host.system == "linux")
        switches = [host.name for host in hosts if host.kind == "switch"]
        platforms = platforms_of(source, file, switches)
        held = Held(
            linux,
            tuple(name for name in switches if platforms[name]),
            tuple(name for name in switches if not platforms[name]),
        )
        if held.room:
            found[code] = held
    if not found:
        raise LabError("there are no Linux hosts or switches to copy", where=str(source))
    return found


def copy_cluster(
    source: Path, target: Path, sites: Mapping[str, Held], networks: Sequence[IPv4Network]
) -> None:
    """Write a copy of ``sites``, as :func:`sites_to_copy` gives them, into a new folder.

    :param networks: one for each of them.
    :raises InventoryError: with file and line, if a file is broken.
    """
    files = dict(site_files(source))
    hosts = {host for held in sites.values() for host in (*held.hosts, *held.switches)}
    groups = {site_group(code) for code in sites}
    wanted: dict[str, Callable[[str], bool]] = {
        "calendars": lambda _: True,
        "group_vars": lambda group: not group.startswith("site_") or group in groups,
        "host_vars": lambda host: host in hosts,
    }
    for name, wants in wanted.items():
        if (source / name).is_dir():
            _copy_tree(source / name, target / name, wants)
    for (code, held), network in zip(sites.items(), networks, strict=True):
        _write_site(files[code], target / f"{code}.yml", held, network)
        subnets = [network, switch_network(network)] if held.switches else [network]
        said = {"site_subnets": [str(one) for one in subnets]}
        set_variables(target, site_group(code), "site", said)


def set_login(
    cluster_dir: Path, group: str, variables: dict[str, object], *, private: bool = False
) -> None:
    """Set how Ansible logs in to the hosts of a group of a lab's cluster.

    :param private: whether the file is its owner's alone.
    """
    set_variables(cluster_dir, group, "login", variables, 0o600 if private else 0o644)


def _write_site(source: Path, target: Path, held: Held, network: IPv4Network) -> None:
    root = _compose(source)
    kept = frozenset((*held.hosts, *held.switches))
    for _, group in _pairs(root):
        _keep_hosts(group, kept)
    hosts: dict[str, dict[str, object]] = {
        name: {"ansible_host": str(address), "host_mac": _mac(address)}
        for names, place in ((held.hosts, network), (held.switches, switch_network(network)))
        for number, name in enumerate(names)
        for address in [place[RESERVED + number]]
    }
    for name in held.switches:
        hosts[name]["ansible_port"] = SWITCH_PORT
    own = yaml.safe_dump({GROUP: {"hosts": hosts}}, sort_keys=False)
    target.write_text(f"# A copy, made by 'ictops lab up'.\n{yaml.serialize(root)}{own}")


def _mac(address: IPv4Address) -> str:
    """Give a locally administered MAC that is one address's only (IEEE 802c)."""
    return ":".join(f"{byte:02x}" for byte in (0x02, 0x1C, *address.packed))


def _keep_hosts(group: yaml.Node, kept: frozenset[str]) -> None:
    """Leave in a group, and in those below it, only these hosts and no way to reach others."""
    for key, value in _pairs(group):
        if key.value == "children":
            for _, child in _pairs(value):
                _keep_hosts(child, kept)
        elif key.value == "vars":
            _keep_pairs(value, _is_kept)
        elif key.value == "hosts" and isinstance(value, yaml.MappingNode):
            value.value = list(_hosts(value, kept))


def _hosts(node: yaml.Node, kept: frozenset[str]) -> Iterator[Pair]:
    for pattern, variables in _pairs(node):
        for name in expand(str(pattern.value)):
            if name in kept:
                own = copy.deepcopy(variables)
                _keep_pairs(own, _is_kept)
                yield yaml.ScalarNode("tag:yaml.org,2002:str", name), own


def _copy_tree(source: Path, target: Path, wants: Callable[[str], bool]) -> None:
    """Copy files, but for those of groups and hosts that are not wanted: nobody reads them."""
    for path in sorted(source.rglob("*")):
        inside = path.relative_to(source)
        to = target / inside
        first = inside.parts[0]
        if path.is_file() and wants(_without_suffix(first)):
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)
            shutil.copymode(path, to)
            if source.name != "calendars":
                _filter(to, _is_kept)


def _without_suffix(name: str) -> str:
    suffix = next((one for one in SUFFIXES if name.endswith(one)), "")
    return name.removesuffix(suffix)


def _filter(path: Path, keep: Callable[[str], bool]) -> None:
    """Take variables out of a file; one that is encrypted, or has none of them, stays."""
    if path.suffix not in {"", *SUFFIXES} or path.name.startswith("."):
        return  # Ansible does not read it either
    if path.read_bytes().startswith(b"$ANSIBLE_VAULT;"):
        return
    root = _compose(path)
    if not all(keep(str(key.value)) for key, _ in _pairs(root)):
        _keep_pairs(root, keep)
        path.write_text(yaml.serialize(root))


def set_variables(
    cluster_dir: Path, group: str, name: str, variables: Mapping[str, object], mode: int = 0o644
) -> None:
    """Set variables of a group in a file of their own, and nowhere else."""
    folder = cluster_dir / "group_vars" / group
    for suffix in ("", *SUFFIXES):
        file = folder.with_name(group + suffix)
        if file.is_file():  # Ansible takes the folder and passes the file over, so it moves in
            moved = file.rename(folder.with_name(f".{group}.moved"))
            if folder.is_dir():
                moved.unlink()
            else:
                folder.mkdir()
                moved.rename(folder / f"main{suffix}")
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            _filter(path, lambda key: key not in variables)
    text = yaml.safe_dump(dict(variables), sort_keys=False, width=1000)
    path = folder / f"zz-lab-{name}.yml"
    path.touch(mode=mode)
    path.write_text(f"# Written by 'ictops lab up'.\n{text}")


def _is_kept(variable: str) -> bool:
    return not variable.startswith("ansible_") and variable != "host_mac"


def _pairs(node: yaml.Node | None) -> list[Pair]:
    return list(node.value) if isinstance(node, yaml.MappingNode) else []


def _keep_pairs(node: yaml.Node, keep: Callable[[str], bool]) -> None:
    if isinstance(node, yaml.MappingNode):
        node.value = [(key, value) for key, value in node.value if keep(str(key.value))]


def _compose(path: Path) -> yaml.Node:
    try:
        root = yaml.compose(path.read_bytes(), Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise InventoryError(f"broken YAML: {error}", where=str(path)) from error
    return root if root is not None else yaml.MappingNode("tag:yaml.org,2002:map", [])
