"""Changes of simulated switches: under which dead-man switch, of which lines, and how they end."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ictops.errors import SwitchError
from ictops.lab.farm.process import Farm
from ictops.network.archive import Archive
from ictops.network.attempt import Compare, Patience
from ictops.network.change import Checks, Options
from ictops.network.clean import Mask
from ictops.network.device import Device
from ictops.network.difference import Command, Difference, difference
from ictops.network.jobs import Done, checks_by, configure
from ictops.network.neighbours import Neighbour, neighbours_of
from ictops.network.platform import Platform, load_platform
from tests.support.farm import LATE, case, described, device

SCALE = 0.02
"""A minute of the farm's switches lasts 1.2 s."""
LONG, SHORT = 50, 1
"""Minutes of the dead-man switch: one that does not act while a test lasts, one that does."""
_ROOMS = range(101, 121)
_ADDED = {
    "juniper_junos": ["set vlans room-{0} vlan-id {0}", "set vlans room-{0} description room"],
    "dell_os10": ["interface vlan{0}", " no shutdown"],
    "frr": ["ip route 192.0.2.{0}/32 127.0.0.254", "ip route 198.51.100.{0}/32 127.0.0.254"],
    "hp_procurve": ["vlan {0}", '   name "room {0}"'],
    "arista_eos": ["vlan {0}", "   name room-{0}"],
    "aruba_aoscx": ["vlan {0}", "    name room-{0}"],
}


@dataclass(frozen=True)
class Way:
    """A dead-man switch: a platform that has it, and what keeps a better one from being used."""

    platform: str
    method: str
    refuse: str | None = None


WAYS = {
    "revert timer": Way("cisco_ios", "revert timer"),
    "reload in": Way("cisco_xe", "reload in", refuse="revert timer"),
    "commit timer": Way("arista_eos", "commit timer"),
    "checkpoint": Way("aruba_aoscx", "checkpoint auto"),
    "reload after": Way("hp_procurve", "reload after"),
    "commit confirmed": Way("juniper_junos", "commit confirmed"),
    "emulated": Way("dell_os10", "emulated"),
}


def switches(way: Way, **faults: dict[str, object]) -> list[object]:
    """Give switches of this way by name, each with its faults."""
    running = case(way.platform)["running"] + LATE.get(way.platform, "")
    return [
        device(way.platform, name, running=running, faults={"refuse": way.refuse, **of_it})
        for name, of_it in faults.items()
    ]


def wanted(platform: str, running: Sequence[str]) -> list[str]:
    """Give a configuration with 20 rooms more and another description: forty lines or so."""
    lines = [line.replace("classroom 1", "staff room") for line in running]
    if platform in {"ubiquiti_edgeswitch", "netgear_prosafe", "mikrotik_routeros"}:
        return lines
    each = _ADDED.get(platform, ["vlan {0}", " name room-{0}"])
    added = [text.format(number) for number in _ROOMS for text in each]
    if platform == "juniper_junos":
        added.append("set vlans room-120 vlan-id 120")
    at = next((at for at, line in enumerate(lines) if re.match("end$", line)), len(lines))
    return [*lines[:at], *added, *lines[at:]]


def compare_of(device: Device) -> Compare:
    """Want, of whatever ran first, what :func:`wanted` makes of it."""
    platform, mask = load_platform(device.platform), Mask(b"k" * 32)
    aim: list[str] = []

    def compare(running: Sequence[str]) -> Difference:
        if not aim:
            aim.extend(wanted(device.platform, running))
        return difference(platform, running, aim, mask)

    return compare


def commands(*lines: str) -> Difference:
    """Give these lines as a difference: a line that is indented belongs to the block above."""
    made: list[Command] = []
    block = ""
    for line in lines:
        text = line.strip()
        inner = line != text
        made.append(Command(text, (block,) if inner else (), line))
        block = block if inner else text
    return Difference(tuple(f"+ {line}" for line in lines), tuple(made))


class NoSeal:
    """Encrypts nothing; nobody asks it to."""

    def close(self, text: str) -> str:
        raise AssertionError(text)

    open = close


@dataclass
class Site:
    """A farm, and the archive of its switches."""

    farm: Farm
    archive: Archive
    touches: list[str] = field(default_factory=list)
    line: float = 10.0
    login: float = 10.0
    looks: bool = False
    """Whether ictops' own look at the path is taken, and not ``touches``."""
    deaf_after: int | None = None
    """After so many readings no neighbour is heard any more."""

    @classmethod
    def of(cls, farm: Farm, folder: Path, **more: Any) -> Site:
        return cls(farm, Archive(folder / "archive"), **more)

    @property
    def locks(self) -> Path:
        """Where it is noted who changes which switch."""
        return self.archive.folder.with_name("archive.locks")

    def _checks(self, device: Device, compare: Compare | None) -> Checks:
        own = compare_of(device) if compare is None else compare
        if self.looks:
            return checks_by(device, own)
        return Checks(own, lambda *_: list(self.touches), self._heard)

    def _heard(self, platform: Platform, text: str) -> list[Neighbour]:
        if self.deaf_after is not None:
            self.deaf_after -= 1
            if self.deaf_after < 0:
                return []
        return neighbours_of(platform, text)

    def change(
        self, platforms: dict[str, str], compare: Compare | None = None, **more: Any
    ) -> dict[str, Done | SwitchError]:
        """Change switches, given by name with their platforms; give what came of each."""
        devices = [described(self.farm, name, platform) for name, platform in platforms.items()]
        hops = more.pop("hops", None)
        patience = Patience(line=self.line, login=self.login, minute=60 * SCALE)
        options = Options(**{"minutes": LONG, "patience": patience} | more)
        done = configure(
            devices, self.archive, lambda device: self._checks(device, compare),
            options, at_once=24, at_once_a_site=24, hops=hops, seal=NoSeal(),
        )  # fmt: skip
        return {device.name: came for device, came in done}


def ended(farm: Farm, name: str, outcome: Done | SwitchError) -> str:
    """Give which configuration ictops says it is, if nothing waits and it is the stored one."""
    now = farm.control.get(name)
    assert now["pending"] == [], outcome
    assert now["startup"] == now["running"], outcome
    said = outcome.more if isinstance(outcome, Done) else vars(outcome)
    return str(said["configuration"])


def sent(farm: Farm, name: str = "only") -> list[str]:
    """Give the lines that a switch was given."""
    return farm.control.log(name)
