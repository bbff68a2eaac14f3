"""A switch as an inventory describes it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ictops.errors import SwitchError
from ictops.network.device import Device
from ictops.trust.known_hosts import KnownHosts, address_of, known_hosts_path

PLATFORM = "switch_platform"
SITE = "switch_site"
ROOT = "switch_root"
"""Of the switch at which its site's network begins."""


class Described:
    """Reads switches out of Ansible's variables; a site's pinned keys are read once."""

    def __init__(self) -> None:
        self._known: dict[Path, KnownHosts] = {}

    def device(self, name: str, variables: Mapping[str, Any]) -> Device:
        """Give a switch by its variables, as Ansible gives them: templated and decrypted.

        :raises SwitchError: if one is missing.
        """
        platform = variables.get(PLATFORM)
        user = variables.get("ansible_user")
        for value, what in ((platform, PLATFORM), (user, "ansible_user")):
            if not value:
                raise SwitchError(
                    f"{what} is not set", where=name, do="Set it for the switch in the inventory"
                )
        source = Path(str(variables["inventory_file"]))
        site = site_of(variables)
        address = str(variables.get("ansible_host") or name)
        port = _port(name, variables.get("ansible_port") or 22)
        path = known_hosts_path(source.parent, site)
        if path not in self._known:
            self._known[path] = KnownHosts(path)
        key_file = variables.get("ansible_ssh_private_key_file")
        return Device(
            name=name,
            site=site,
            platform=str(platform),
            address=address,
            user=str(user),
            port=port,
            pins=frozenset(self._known[path].pinned(address_of(address, port))),
            password=_text(variables, "ansible_password", "ansible_ssh_pass"),
            enable=_text(variables, "ansible_become_password", "ansible_become_pass"),
            key_file=Path(str(key_file)) if key_file else None,
        )


def site_of(variables: Mapping[str, Any]) -> str:
    """Give a switch's site: its inventory file, unless somebody's inventory is otherwise."""
    return str(variables.get(SITE) or Path(str(variables["inventory_file"])).stem)


def _port(name: str, said: object) -> int:
    try:
        return int(str(said))
    except ValueError:
        raise SwitchError(f"ansible_port is no number: {said}", where=name) from None


def _text(variables: Mapping[str, Any], *names: str) -> str | None:
    return next((str(variables[name]) for name in names if variables.get(name)), None)
