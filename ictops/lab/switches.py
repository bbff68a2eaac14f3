"""The simulated switches of a lab: one process that plays them all."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Interface, IPv4Network
from typing import TYPE_CHECKING, Any

from ictops.estate.load import Cluster
from ictops.estate.models import Host
from ictops.estate.source import read_source
from ictops.lab.copy import set_login
from ictops.lab.farm.ending import stop
from ictops.lab.model import Lab
from ictops.lab.networks import switch_network
from ictops.lab.platforms import variables_of
from ictops.lab.startup import port_name, set_up, text_of
from ictops.lab.wiring import PORTS, Cable, wire
from ictops.network.described import PLATFORM, ROOT
from ictops.trust.known_hosts import address_of

if TYPE_CHECKING:
    from ictops.lab.farm.model import DeviceModel, Neighbour
    from ictops.lab.farm.process import Farm

USER = "ictops"
BOOT_SECONDS = 10.0
"""How long one of them takes to reboot; a real one takes minutes."""

Owner = tuple[int, int]
"""A user and a group, by number."""


def lab_switches(cluster: Cluster) -> list[Host]:
    """Give the switches of a lab's cluster."""
    return [host for host in cluster.all_hosts() if host.kind == "switch" and host.address]


def write_farm_of(lab: Lab, cluster: Cluster) -> None:
    """Write what the lab's switches are, once: they keep their passwords and how they came.

    :raises InventoryError: if the cluster cannot be read.
    """
    from ictops.lab.farm.model import FILE, FarmModel  # noqa: PLC0415 - with what they need
    from ictops.lab.farm.process import write_farm  # noqa: PLC0415

    if (lab.farm / FILE).is_file():
        return
    login = _Login(secrets.token_urlsafe(18), secrets.token_urlsafe(18))
    devices = [one for code in cluster.sites for one in _devices(lab, cluster, code, login)]
    write_farm(lab.farm, FarmModel(devices=tuple(devices), boot_seconds=BOOT_SECONDS))


def write_switch_login(lab: Lab) -> None:
    """Tell Ansible how to log in to the lab's switches.

    :raises LabError: if what the switches are cannot be read.
    """
    from ictops.lab.farm.model import read_farm  # noqa: PLC0415

    device = read_farm(lab.farm).devices[0]
    login: dict[str, object] = {
        "ansible_user": device.user,
        "ansible_password": device.password,
        "ansible_become_password": device.enable_password,
        "ansible_ssh_private_key_file": "",  # that is for the other hosts
    }
    set_login(lab.folder, "switches", login, private=True)


def switch_keys(lab: Lab, switches: Sequence[Host]) -> dict[str, set[str]]:
    """Give each switch's host key by its address, as known_hosts names it; made where missing."""
    from ictops.lab.farm.files import host_keys  # noqa: PLC0415

    keys = host_keys(lab.farm, [switch.name for switch in switches], shared=False)
    known = {}
    for switch in switches:
        words = keys[switch.name].export_public_key().decode().split()
        known[address_of(switch.address or "", switch.port)] = {" ".join(words[:2])}
    return known


def start_switches(lab: Lab, owner: Owner | None) -> Farm:
    """Have the lab's switches run, with no fault left on any of them.

    :param owner: whose process they are to be, if they can run it; this process' own if None.
    :raises LabError: if they do not start.
    """
    from ictops.lab.farm.process import running_farm, start  # noqa: PLC0415

    farm = running_farm(lab.farm)
    if farm is None:
        stop(lab.farm)  # one that was still starting as its lab's making was cut off
        user = owner if owner is not None and _can_run(owner) else None
        if user is not None:
            _give(lab, user)
        return start(lab.farm, user=user)
    for name in farm.places:
        farm.control.clear(name)
        farm.control.plug_in(name)
    return farm


@dataclass(frozen=True, slots=True)
class _Login:
    password: str
    enable: str


def _devices(lab: Lab, cluster: Cluster, code: str, login: _Login) -> Iterator[DeviceModel]:
    from ictops.lab.farm.model import DeviceModel, Management  # noqa: PLC0415

    hosts = cluster.hosts(code)
    switches = [host for host in hosts if host.kind == "switch" and host.address]
    others = [host for host in hosts if host.kind != "switch" and host.address]
    source = read_source(cluster.site(code).source)
    told = variables_of(lab.folder, source, [switch.name for switch in switches])
    switches.sort(key=lambda switch: told[switch.name].get(ROOT) is not True)  # it is the core
    cables = wire(switches, others, router=f"{code}-router")
    platforms = {name: str(variables.get(PLATFORM)) for name, variables in told.items()}
    for switch in switches:
        platform = platforms[switch.name]
        address = _interface(cluster, code, switch.address or "")
        was = set_up(
            switch.name, platform, address, told[switch.name], cables[switch.name],
            user=USER, secret=secrets.token_hex(16),
        )  # fmt: skip
        yield DeviceModel(
            name=switch.name,
            platform=platform,
            address=switch.address or "",
            port=switch.port,
            user=USER,
            password=login.password,
            enable_password=login.enable,
            running=text_of(was),
            neighbours=tuple(_neighbours(platform, cables[switch.name], platforms, was.gateway)),
            management=Management(vlan=was.management, uplink=port_name(platform, PORTS)),
        )


def _neighbours(
    platform: str, cables: Sequence[Cable], platforms: Mapping[str, str], gateway: str
) -> Iterator[Neighbour]:
    from ictops.lab.farm.model import Neighbour  # noqa: PLC0415

    for cable in cables:
        far = "eno1"
        if cable.far_port is not None:
            far = port_name(platforms[cable.name], cable.far_port)
        yield Neighbour(
            port=port_name(platform, cable.port),
            name=cable.name,
            neighbour_port=far,
            mac=cable.mac,
            address=cable.address or gateway,
        )


def _interface(cluster: Cluster, code: str, address: str) -> IPv4Interface:
    """Give a switch's address with the prefix of its network."""
    subnets: Any = cluster.site(code).variables["site_subnets"]
    network = switch_network(IPv4Network(str(subnets[0])))
    return IPv4Interface(f"{address}/{network.prefixlen}")


def _can_run(owner: Owner) -> bool:
    """Tell whether a person can run this Python and ictops; both may be root's alone."""
    uid, gid = owner
    words = [sys.executable, "-c", "import ictops"]
    try:
        done = subprocess.run(
            words, user=uid, group=gid, extra_groups=[], check=False, capture_output=True, cwd="/"
        )
    except OSError:
        return False
    return done.returncode == 0


def _give(lab: Lab, owner: Owner) -> None:
    """Give the farm's folder to whom its process will belong, and let them come to it."""
    for path in (lab.own, lab.farm, *lab.farm.rglob("*")):
        os.chown(path, *owner, follow_symlinks=False)
