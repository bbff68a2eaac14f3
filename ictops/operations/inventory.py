"""Checking the inventory, and describing a host of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ictops.calendars.check import check_calendars
from ictops.errors import TrustError
from ictops.estate.check import VAULT_HEADER, Fault, examine_cluster, inventory_files, vault_line
from ictops.estate.load import load_cluster, require_cluster
from ictops.estate.models import Host, Site
from ictops.estate.needs import needs_of
from ictops.estate.source import read_source
from ictops.estate.variables import Placed, host_variables
from ictops.settings import Settings, content_dir
from ictops.trust.opens import try_vaults
from ictops.trust.vault import vault_password


@dataclass(frozen=True, slots=True)
class Report:
    """What a check of the inventory found."""

    faults: list[Fault]
    sites: int
    hosts: int


@dataclass(frozen=True, slots=True)
class Description:
    """What the inventory says of a host."""

    host: Host
    site: Site
    variables: Mapping[str, Placed]
    """As Ansible merges them; values as they stand, never rendered, and ``«vault»`` for what is
    encrypted."""


def check(settings: Settings) -> Report:
    """Find every fault of the cluster's inventory, its calendars and its vaults.

    Roles and playbooks are ictops' own and those of the workspace.

    :raises InventoryError: if there is no such cluster, or a role or playbook is broken.
    """
    folder = settings.cluster_dir
    require_cluster(folder)
    contents = {content_dir().resolve(), settings.workspace.resolve()}
    needs = sorted({need for content in contents for need in needs_of(content)})
    vault = settings.vault
    vault_set = bool(vault.password_file or vault.keyring or vault.command)
    checked = examine_cluster(folder, needs=needs, vault_set=vault_set)
    faults = checked.faults + check_calendars(folder, checked.sites)
    if vault_set:
        faults += _unopened(settings, folder)
    return Report(sorted(set(faults)), checked.site_count, checked.host_count)


def _unopened(settings: Settings, folder: Path) -> Iterator[Fault]:
    """Give what is vaulted and cannot be opened, or what ictops must be able to read."""
    vaulted = [path for path in inventory_files(folder) if VAULT_HEADER in path.read_bytes()]
    if not vaulted:
        return  # to ask for the password may cost a person a PIN
    try:
        password = vault_password(settings)
    except TrustError as error:
        for path in vaulted:
            what = f"it is vaulted, and {error.what} ({error.where}). {error.do}"
            yield Fault(str(path.relative_to(folder)), vault_line(path.read_bytes()), what)
        return
    for one in try_vaults(vaulted, password or b""):
        file = str(one.path.relative_to(folder))
        if not one.opens:
            yield Fault(
                file, one.line, "the vault's password does not open this ([vault] in ictops.toml)"
            )
        for name in one.names:
            if name.startswith("site_"):
                what = (
                    f"{name} is in a vaulted file, where ictops cannot read it: write it in clear"
                )
                yield Fault(file, one.line, what)


def describe(settings: Settings, name: str) -> Description:
    """Give what the inventory says of a host.

    :raises InventoryError: if there is no such host.
    """
    cluster = load_cluster(settings.cluster_dir, settings.cache_dir)
    host = cluster.find(name)
    site = cluster.site(host.site)
    variables = host_variables(settings.cluster_dir, name, read_source(site.source))
    return Description(host, site, variables)
