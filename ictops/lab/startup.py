"""The configuration with which a simulated switch of a lab comes: believable, and of its school.

It is what somebody set up by hand years ago: the VLANs, ports and management of the inventory, but
for the newest VLAN, and no time or log server. So there is something to bring out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ictops.lab.farm.config import as_list
from ictops.lab.wiring import PORTS, Cable

FOLDER = Path(__file__).parent / "startups"

LIKE = {"cisco_xe": "cisco_ios", "netgear_prosafe": "ubiquiti_edgeswitch"}
"""Platforms that are set up like another."""

PORT_NAMES = {
    "arista_eos": "Ethernet{n}",
    "aruba_aoscx": "1/1/{n}",
    "cisco_ios": "GigabitEthernet1/0/{n}",
    "cisco_xe": "GigabitEthernet1/0/{n}",
    "dell_os10": "ethernet1/1/{n}",
    "frr": "swp{n}",
    "hp_procurve": "{n}",
    "juniper_junos": "ge-0/0/{before}",
    "mikrotik_routeros": "ether{n}",
    "netgear_prosafe": "0/{n}",
    "ubiquiti_edgeswitch": "0/{n}",
}
"""How each platform calls its ports; ``{before}`` is for those that count from 0."""

PLATFORMS = frozenset(PORT_NAMES)
"""Those that a lab has switches of."""

USUAL_MANAGEMENT = 10
MOST_VLAN = 4094
TRUNKS = ("uplink", "downlink")
"""The profiles of ports to other switches."""


@dataclass(frozen=True, slots=True)
class Vlan:
    """A VLAN."""

    id: int
    name: str


USUAL_VLANS = (
    Vlan(USUAL_MANAGEMENT, "management"),
    Vlan(20, "classroom"),
    Vlan(30, "staff"),
    Vlan(40, "wifi"),
    Vlan(50, "printers"),
    Vlan(60, "phones"),
)
"""Of a school whose inventory names none."""


@dataclass(frozen=True, slots=True)
class Port:
    """A port as it was set up."""

    name: str
    trunk: bool
    vlan: int = 0
    """Where it is no trunk."""
    description: str = ""


@dataclass(frozen=True, slots=True)
class SetUp:
    """A switch as it was set up."""

    host: str
    platform: str
    user: str
    secret: str
    """Stands where a switch shows the hash of a password; it is none."""
    address: IPv4Interface
    management: int
    """The VLAN."""
    vlans: tuple[Vlan, ...]
    ports: tuple[Port, ...]

    @property
    def gateway(self) -> str:
        """The first address of its network."""
        return str(self.address.network[1])

    @property
    def trunks(self) -> str:
        """The numbers of its trunk ports, as a list such as ``23-24``."""
        return _listed(self.ports, lambda port: port.trunk)

    @property
    def trunk_names(self) -> str:
        """The names of its trunk ports, with commas between."""
        return ",".join(port.name for port in self.ports if port.trunk)

    @property
    def access(self) -> str:
        """The numbers of all other ports, as a list."""
        return _listed(self.ports, lambda port: not port.trunk)

    def members(self, vlan: int) -> str:
        """Give the numbers of a VLAN's own ports, as a list."""
        return _listed(self.ports, lambda port: not port.trunk and port.vlan == vlan)

    def name_of(self, vlan: int) -> str:
        """Give a VLAN's name."""
        return next(one.name for one in self.vlans if one.id == vlan)


def port_name(platform: str, number: int) -> str:
    """Give what a platform calls its port of this number; 1 is the first."""
    return PORT_NAMES[platform].format(n=number, before=number - 1)


def set_up(
    host: str,
    platform: str,
    address: IPv4Interface,
    variables: Mapping[str, Any],
    cables: Sequence[Cable],
    *,
    user: str,
    secret: str,
) -> SetUp:
    """Give how a switch was set up.

    :param variables: of its inventory, as they are written; what is a template is passed over.
    """
    wanted = vlans_of(variables)
    management = management_of(variables, wanted)
    newest = next(one for one in reversed(wanted) if one.id != management)
    there = tuple(one for one in wanted if one != newest)
    return SetUp(
        host, platform, user, secret, address, management, there,
        _ports(platform, there, management, cables, variables),
    )  # fmt: skip


def text_of(switch: SetUp) -> str:
    """Give the configuration's text, as the switch shows it."""
    name = LIKE.get(switch.platform, switch.platform)
    vlans = as_list(str(vlan.id) for vlan in switch.vlans)
    return _environment().get_template(f"{name}.j2").render(switch=switch, vlans=vlans)


def vlans_of(variables: Mapping[str, Any]) -> tuple[Vlan, ...]:
    """Give the VLANs of ``switch_config_vlans``, or those that a school usually has."""
    given = variables.get("switch_config_vlans")
    found: dict[int, Vlan] = {}
    for one in given if isinstance(given, list) else ():
        number = _vlan_id(one.get("id")) if isinstance(one, dict) else None
        if number is not None:
            found[number] = Vlan(number, _plain(str(one.get("name", ""))) or f"VLAN{number}")
    return tuple(found.values()) if len(found) > 1 else USUAL_VLANS


def management_of(variables: Mapping[str, Any], vlans: Sequence[Vlan]) -> int:
    """Give the VLAN by which a switch is managed: the one of its inventory, or the first."""
    given = variables.get("switch_config_management")
    number = _vlan_id(given.get("vlan")) if isinstance(given, dict) else None
    return number if number in {one.id for one in vlans} and number else vlans[0].id


def _vlan_id(value: object) -> int | None:
    text = str(value)
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text) <= MOST_VLAN else None


def _ports(
    platform: str,
    vlans: Sequence[Vlan],
    management: int,
    cables: Sequence[Cable],
    variables: Mapping[str, Any],
) -> tuple[Port, ...]:
    plugged = {cable.port: cable for cable in cables}
    lowest_trunk = min((cable.port for cable in cables if cable.trunk), default=PORTS)
    usual = next((one.id for one in vlans if one.id != management), management)
    wanted = _wanted_ports(variables)
    ports = []
    for number in range(1, PORTS + 1):
        cable, name = plugged.get(number), port_name(platform, number)
        said = wanted.get(name, {"description": cable.name if cable is not None else ""})
        trunk = number >= min(lowest_trunk, PORTS - 1) or said.get("profile") in TRUNKS
        vlan = _vlan_id(said.get("vlan"))
        description = _text(said.get("description"))
        if vlan not in {one.id for one in vlans}:
            vlan = usual
        ports.append(Port(name, trunk, 0 if trunk or vlan is None else vlan, description))
    return tuple(ports)


def _wanted_ports(variables: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Give what ``switch_config_ports`` says of each port, with what its profile says."""
    profiles, entries = (variables.get(f"switch_config_{name}") for name in ("profiles", "ports"))
    found: dict[str, Mapping[str, Any]] = {}
    for entry in entries if isinstance(entries, list) else ():
        if not isinstance(entry, dict) or not isinstance(entry.get("ports"), list):
            continue
        profile = profiles.get(entry.get("profile")) if isinstance(profiles, dict) else None
        said = {**(profile if isinstance(profile, dict) else {}), **entry}
        found |= dict.fromkeys((str(port) for port in entry["ports"]), said)
    return found


def _listed(ports: Sequence[Port], wanted: Callable[[Port], bool]) -> str:
    return as_list(str(number) for number, port in enumerate(ports, 1) if wanted(port))


def _text(value: object) -> str:
    """Give a text for people that every platform takes and shows alike; empty for a template."""
    text = str(value or "")
    return text if re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,59}", text) else ""


def _plain(text: str) -> str:
    """Give a name without what could end a line or a quoted text."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", text).strip("-")[:32]


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(FOLDER), undefined=StrictUndefined, trim_blocks=True,
        lstrip_blocks=True, autoescape=False,  # noqa: S701 - no page: a switch's configuration
    )  # fmt: skip
