"""How the switches of a play hang together, by what their last backups say of neighbours."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible.errors import AnsibleError

from ictops.network.archive import Archive
from ictops.network.described import PLATFORM, ROOT, site_of
from ictops.network.device import Device
from ictops.network.kept_topology import kept_topology
from ictops.network.platform import platform_names
from ictops.network.topology import Switch, hops, uplinks


class Wiring:
    """Distances from the core, and the ports that lead there; nothing where nobody knows.

    :ivar hops: by name, how many links part a switch from its site's core.
    """

    def __init__(
        self, archive: Archive, task_vars: Mapping[str, Any], devices: Iterable[Device]
    ) -> None:
        self.hops: dict[str, int] = {}
        self._uplinks: dict[str, frozenset[str]] = {}
        sites = {device.site for device in devices}
        by_site: dict[str, list[Switch]] = {}
        for site, switch in _switches(task_vars):
            if site in sites:
                by_site.setdefault(site, []).append(switch)
        for site, switches in by_site.items():
            topology = kept_topology(archive, site, switches)
            self._uplinks |= uplinks(topology)
            self.hops |= {name: far for name, far in hops(topology).items() if far is not None}

    def uplinks(self, name: str) -> frozenset[str]:
        """Give the ports of a switch that lead to its site's core."""
        return self._uplinks.get(name, frozenset())


def _switches(task_vars: Mapping[str, Any]) -> Iterator[tuple[str, Switch]]:
    """Give all that the inventory calls switches, also where the play is limited to some."""
    names = {*task_vars["groups"].get("switches", ()), *task_vars["ansible_play_batch"]}
    for name in sorted(names):
        try:
            found = _switch(name, task_vars["hostvars"][name])
        except AnsibleError:  # its own outcome tells why; to the others it is a stranger
            continue
        if found[1].platform in platform_names():
            yield found


def _switch(name: str, variables: Mapping[str, Any]) -> tuple[str, Switch]:
    address = str(variables.get("ansible_host") or "")
    root = variables.get(ROOT) is True
    return site_of(variables), Switch(name, str(variables.get(PLATFORM)), address, root=root)
