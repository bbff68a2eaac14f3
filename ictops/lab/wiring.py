"""Which cable of a lab's school leads from which port of a switch to what."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ictops.estate.models import Host

PORTS = 24
"""Of every switch of a lab; the last leads towards the school's router, those before it down."""

MOST_BELOW = 8
FREE = 4
"""Ports that nothing is plugged into: a school always wants one more."""

ROUTER_MAC = "02:1c:00:00:00:01"


@dataclass(frozen=True, slots=True)
class Cable:
    """What is at the other end of a port."""

    port: int
    """1 is the first."""
    name: str
    far_port: int | None = None
    """The port there, where that is a switch of the school, too."""
    mac: str = ROUTER_MAC
    address: str = ""
    trunk: bool = False


def wire(switches: Sequence[Host], others: Sequence[Host], router: str) -> dict[str, list[Cable]]:
    """Give the cables of each switch of a school, by port.

    The first switch is the core: the router and the servers are at it. Cabinets are off it, and
    every second one hangs behind its neighbour, so that there are switches at three depths. A
    room's workstations are at one switch; what finds no port is not plugged in.
    """
    cables: dict[str, list[Cable]] = {switch.name: [] for switch in switches}
    if not switches:
        return cables
    core = switches[0]
    cables[core.name].append(Cable(PORTS, router, trunk=True))
    for number in range(1, len(switches)):
        _join(cables, switches[_above(number)], switches[number])
    rooms = sorted({host.room or "" for host in others if host.kind != "server"})
    edges = switches[1:] or switches
    at = {room: edges[number % len(edges)] for number, room in enumerate(rooms)}
    for host in others:
        switch = core if host.kind == "server" else at[host.room or ""]
        _plug_in(cables[switch.name], host)
    return {name: sorted(found, key=lambda one: one.port) for name, found in cables.items()}


def _above(number: int) -> int:
    """Give the switch behind which a switch hangs; both by their place in the school."""
    return number - 1 if number % 2 == 0 else (number - 1) // (2 * MOST_BELOW)


def _join(cables: dict[str, list[Cable]], upper: Host, lower: Host) -> None:
    below = min(cable.port for cable in cables[upper.name]) - 1  # each has its way up already
    cables[upper.name].append(_cable(below, lower, PORTS))
    cables[lower.name].append(_cable(PORTS, upper, below))


def _cable(port: int, switch: Host, far_port: int) -> Cable:
    address = switch.address or ""
    return Cable(port, switch.name, far_port, switch.mac or ROUTER_MAC, address, trunk=True)


def _plug_in(cables: list[Cable], host: Host) -> None:
    taken = {cable.port for cable in cables}
    below = min(cable.port for cable in cables if cable.trunk)
    port = next(n for n in range(1, PORTS + 1) if n not in taken)
    if port < below - FREE:
        cables.append(Cable(port, host.name, None, host.mac or ROUTER_MAC, host.address or ""))
