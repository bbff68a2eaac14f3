"""What a switch hears of its neighbours, by LLDP or CDP."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from ictops.network.clean import normalised
from ictops.network.platform import Platform
from ictops.network.reading import records


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


def neighbours_of(platform: Platform, text: str) -> list[Neighbour]:
    """Give the neighbours that a switch shows, in its order, each once.

    What they say of themselves is not to be trusted. One that gives no name is called by its
    chassis, mostly a MAC address. What cannot be read is left out.

    :param text: what a command of ``shows.neighbours`` gave, or what a backup keeps of it.
    """
    found: dict[tuple[str, str], Neighbour] = {}
    for parts in records(platform.reads.neighbours, normalised(platform, text)):
        port = platform.reads.port_name(parts.get("port", ""))
        name = parts.get("name") or parts.get("chassis")
        if not port or not name:
            continue
        one = Neighbour(
            port=port,
            name=name,
            its_port=parts.get("its_port", ""),
            address=_address(parts.get("address", "")),
            description=parts.get("description", ""),
        )
        found.setdefault((one.port, one.name.casefold()), one)  # by LLDP and by CDP
    return list(found.values())


def _address(said: str) -> str:
    """Give an IP address; some show a MAC address in its place."""
    try:
        return str(ip_address(said))
    except ValueError:
        return ""
