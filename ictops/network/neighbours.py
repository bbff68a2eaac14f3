"""What a switch hears of its neighbours, by LLDP or CDP."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What is at the other end of a port.

    :ivar port: the switch's own port, as its configuration names it.
    :ivar name: what the other end calls itself; a domain may be behind it.
    :ivar its_port: the other end's port.
    """

    port: str
    name: str
    its_port: str
    address: str = ""
    description: str = ""
