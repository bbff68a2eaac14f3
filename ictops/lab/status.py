"""How each host and switch of a lab is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

from ictops.estate.models import Host
from ictops.lab.faults import faults_of, links
from ictops.lab.hosts import cluster_of, lab_hosts, ssh_answers
from ictops.lab.model import Lab
from ictops.lab.pcs.faults import pc_faults
from ictops.lab.pcs.power import running
from ictops.lab.pcs.school import SchoolRoom, room_of
from ictops.lab.podman import containers
from ictops.lab.switch_faults import MISSING, RUNNING, SwitchStates
from ictops.lab.switches import lab_switches

AT_ONCE = 16
VIRTUAL = "virtual PC"


@dataclass(frozen=True, slots=True)
class HostStatus:
    """A lab host or switch as it is now."""

    host: str
    site: str
    what: Literal["container", "simulated", "virtual PC"]
    address: str
    port: int
    state: str
    """Of a container podman's word: ``running``, ``exited``, …; of a switch ``running``, ``off``
    or ``rebooting``; of either ``missing``; of a virtual PC ``running`` or ``off``."""
    ssh: bool
    """Whether its SSH answers."""
    faults: list[str]
    """Those that it has, but for ``off``."""


def status(lab: Lab) -> list[HostStatus]:
    """Give how each host and switch of the lab is."""
    there = containers(lab)
    wires = links()
    cluster = cluster_of(lab)
    switches = SwitchStates(lab)

    def look(host: Host) -> HostStatus:
        address = host.address or ""
        if host.kind == "switch":
            state, faults = switches.state(host.name)
            ssh = state == RUNNING and ssh_answers(address, host.port)
            return HostStatus(
                host.name, host.site, "simulated", address, host.port, state, ssh, faults
            )
        container: Mapping[str, Any] = there.get(lab.container(host.name), {})
        state = container.get("State", MISSING)
        runs = state == RUNNING
        ssh = runs and ssh_answers(address)
        faults = faults_of(int(container["Pid"]), wires) if runs else []
        return HostStatus(host.name, host.site, "container", address, 22, state, ssh, faults)

    room = room_of(lab)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(look, [*lab_hosts(cluster), *lab_switches(cluster)])
        return [*found, *(_of_pcs(room, cluster.find(room.server).site) if room else [])]


def _of_pcs(room: SchoolRoom, site: str) -> Iterator[HostStatus]:
    for pc in room.pcs:
        on = running(room.room, pc) is not None
        address = room.address(pc)
        yield HostStatus(
            host=pc.name, site=site, what="virtual PC", address=address, port=22,
            state=RUNNING if on else "off", ssh=on and ssh_answers(address),
            faults=pc_faults(room.room, pc) if on else [],
        )  # fmt: skip
