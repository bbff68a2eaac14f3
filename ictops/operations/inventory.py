"""Checking the inventory, and describing a host of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ictops.errors import InventoryError
from ictops.estate.check import Fault, check_cluster
from ictops.estate.load import load_cluster, read_variables, variable_files
from ictops.estate.models import Host
from ictops.estate.source import read_source
from ictops.settings import Settings, content_dir


@dataclass(frozen=True, slots=True)
class Description:
    """What the inventory says of a host."""

    host: Host
    file: Path
    variables: dict[str, Any]
    """Ansible's own precedence: all, then groups by name, then the host's own; values as
    they stand, never rendered, and ``«vault»`` for what is encrypted."""


def check(settings: Settings) -> list[Fault]:
    """Give every fault of the cluster's inventory.

    :raises InventoryError: if there is no such cluster.
    """
    folder = settings.cluster_dir
    if not folder.is_dir():
        raise InventoryError("there is no such cluster", where=str(folder))
    vault = settings.vault
    vault_set = bool(vault.password_file or vault.keyring or vault.command)
    return check_cluster(folder, roles=content_dir() / "roles", vault_set=vault_set)


def describe(settings: Settings, name: str) -> Description:
    """Give what the inventory says of a host.

    :raises InventoryError: if there is no such host.
    """
    folder = settings.cluster_dir
    cluster = load_cluster(folder, settings.cache_dir)
    host = cluster.find(name)
    source = cluster.site(host.site).source
    merged: dict[str, Any] = {}
    groups = [("group_vars", group) for group in ("all", *host.groups)]
    for where, owner in [*groups, ("host_vars", name)]:
        for path in variable_files(folder / where, owner):
            merged |= read_variables(path)
        if where == "group_vars" and owner == host.groups[-1]:
            merged |= read_source(source).hosts[name].variables
    return Description(host, source, merged)
