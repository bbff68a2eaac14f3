"""A copy of a cluster that can reach nothing but the lab's own hosts.

Groups, rooms, variables and calendars are kept. Hosts that the lab cannot hold are left
out; addresses, MACs and subnets are the lab's; and what begins with ``ansible_``, which says
how Ansible reaches and logs in to a real host, is left out everywhere.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Iterator, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import TypeAlias

import yaml

from ictops.errors import InventoryError, LabError
from ictops.estate.load import hosts_of, site_files
from ictops.estate.models import site_group
from ictops.estate.source import expand, read_source
from ictops.lab.networks import RESERVED

GROUP = "ictops_lab"
"""The group of every host of a lab, with its address and MAC."""

SUFFIXES = (".yml", ".yaml", ".json")
"""Of the files in which Ansible looks for variables, beside those without any."""

Pair: TypeAlias = tuple[yaml.Node, yaml.Node]


def sites_to_copy(source: Path, only: Sequence[str] = ()) -> dict[str, list[str]]:
    """Give the hosts that a lab can hold, Linux ones, of each site that has any.

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
        hosts = hosts_of(read_source(files[code]), code)
        names = [host.name for host in hosts if host.system == "linux"]
        if names:
            found[code] = names
    if not found:
        raise LabError("there are no Linux hosts to copy", where=str(source))
    return found


def copy_cluster(
    source: Path, target: Path, sites: dict[str, list[str]], networks: Sequence[IPv4Network]
) -> None:
    """Write a copy of ``sites``, as :func:`sites_to_copy` gives them, into a new folder.

    :param networks: one for each of them.
    :raises InventoryError: with file and line, if a file is broken.
    """
    files = dict(site_files(source))
    for name in ("calendars", "group_vars", "host_vars"):
        if (source / name).is_dir():
            _copy_tree(source / name, target / name)
    for (code, names), network in zip(sites.items(), networks, strict=True):
        _write_site(files[code], target / f"{code}.yml", names, network)
        _set(target, site_group(code), "site", {"site_subnets": [str(network)]})


def set_login(cluster_dir: Path, group: str, variables: dict[str, object]) -> None:
    """Set how Ansible logs in to the hosts of a group of a lab's cluster."""
    _set(cluster_dir, group, "login", variables)


def _write_site(source: Path, target: Path, names: list[str], network: IPv4Network) -> None:
    root = _compose(source)
    kept = frozenset(names)
    for _, group in _pairs(root):
        _keep_hosts(group, kept)
    hosts = {
        name: {"ansible_host": str(address), "host_mac": _mac(address)}
        for number, name in enumerate(names)
        for address in [network[RESERVED + number]]
    }
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


def _copy_tree(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        to = target / path.relative_to(source)
        if path.is_file():
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, to)
            shutil.copymode(path, to)
            if source.name != "calendars":
                _filter(to, _is_kept)


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


def _set(cluster_dir: Path, group: str, name: str, variables: dict[str, object]) -> None:
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
    text = yaml.safe_dump(variables, sort_keys=False, width=1000)
    (folder / f"zz-lab-{name}.yml").write_text(f"# Written by 'ictops lab up'.\n{text}")


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
