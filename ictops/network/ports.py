"""What a switch says of its ports."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ictops.network.clean import normalised
from ictops.network.platform import Platform
from ictops.network.reading import records

State = Literal["up", "down", "disabled"]
TRUNK = "trunk"

_SPEED = re.compile(r"(\d+(?:\.\d+)?) ?(G?)")


@dataclass(frozen=True, slots=True)
class Port:
    """A port of a switch.

    :ivar name: as the configuration names it.
    :ivar state: ``disabled`` by its configuration, or shut by the switch after an error; else
        ``up`` or ``down``, as its link is.
    :ivar vlan: the VLAN of an access port, or ``trunk``; empty where the switch does not say.
    :ivar speed: of its link in Mb/s; None where it has none, or the switch does not say.
    """

    name: str
    state: State
    description: str = ""
    vlan: str = ""
    speed: int | None = None

    @property
    def free(self) -> bool:
        """Whether nothing is connected and no description says that something ought to be."""
        return self.state == "down" and not self.description


def ports_of(platform: Platform, texts: Iterable[str]) -> list[Port]:
    """Give the ports that a switch shows, in its order; what cannot be read is left out.

    :param texts: what the commands of ``shows.interfaces`` gave; each may say something else of
        the same ports.
    """
    found: dict[str, dict[str, str]] = {}
    for text in texts:
        for parts in records(platform.reads.ports, normalised(platform, text)):
            name = platform.reads.port_name(parts.get("port", ""))
            if name:
                found[name] = {**parts, **found.get(name, {})}
    return [_port(name, parts) for name, parts in found.items()]


def _port(name: str, parts: dict[str, str]) -> Port:
    state: State = "disabled" if "disabled" in parts else "up" if "up" in parts else "down"
    vlan = TRUNK if "trunk" in parts else parts.get("vlan", "")
    speed = _mbits(parts.get("speed", "")) if state == "up" else None
    return Port(name, state, parts.get("description", ""), vlan, speed)


def _mbits(said: str) -> int | None:
    """Give a speed such as ``a-1000``, ``10G`` or ``1000FDx`` in Mb/s."""
    found = _SPEED.search(said[:40])
    if found is None:
        return None
    return round(float(found[1]) * (1000 if found[2] else 1))
