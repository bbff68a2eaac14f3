"""The room of virtual PCs of a lab's school: its inventory, and bringing it up and down."""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from pathlib import Path

from ictops.lab.model import Lab
from ictops.lab.pcs.machine import require_pcs
from ictops.lab.pcs.model import Pc, Room
from ictops.lab.pcs.network import UPLINK, join, make_network, reaches, route
from ictops.lab.pcs.room import remove
from ictops.lab.pcs.wake import listen

GROUP = "ictops_lab_pcs"
"""The group of a lab's virtual PCs."""
ROOM = "pcs"
DESCRIBED = "room.json"
FIRST = 10
"""A PC's address: the first is the network's tenth; the boot server has the first of all."""
LENT = (100, 199)
"""Addresses for PCs that nobody knows."""
_SPACE = uuid.UUID("6f3b5a0e-2f0d-5d0a-9a3c-7c1f4f0f5d20")


@dataclass(frozen=True, slots=True)
class SchoolRoom:
    """A lab's virtual PCs, and the container that is their boot server."""

    room: Room
    server: str
    """The host."""
    pcs: tuple[Pc, ...]

    def address(self, pc: Pc) -> str:
        """Give the address that the boot server keeps for a PC."""
        return str(self.room.network[FIRST + self.pcs.index(pc)])

    def find(self, name: str) -> Pc | None:
        """Give a PC by its name."""
        return next((pc for pc in self.pcs if pc.name == name), None)


def make_pcs(network: IPv4Network, names: list[str]) -> tuple[Pc, ...]:
    """Give PCs that no other lab of this machine has, as no other has their network."""
    found = []
    for number, name in enumerate(names):
        packed = network[FIRST + number].packed
        mac = ":".join(f"{byte:02x}" for byte in (0x52, 0x54, *packed))
        found.append(Pc(name, mac, str(uuid.uuid5(_SPACE, mac))))
    return tuple(found)


def describe(own: Path, network: IPv4Network, server: str, pcs: tuple[Pc, ...]) -> None:
    """Keep in a lab's own folder what its room of virtual PCs is."""
    folder = own / ROOM
    folder.mkdir(mode=0o700)
    said = {"network": str(network), "server": server, "pcs": [asdict(pc) for pc in pcs]}
    (folder / DESCRIBED).write_text(json.dumps(said))


def inventory_of(network: IPv4Network, server: str, pcs: tuple[Pc, ...]) -> dict[str, object]:
    """Give the groups of the PCs and their boot server, as they stand in a site's file."""
    here = SchoolRoom(Room(Path(), network), server, pcs)
    hosts = {
        pc.name: {"ansible_host": here.address(pc), "host_mac": pc.mac, "host_uuid": pc.uuid}
        for pc in pcs
    }
    return {
        GROUP: {
            "hosts": hosts,
            "vars": {
                "workstation_image_server": server,
                "workstation_image_wake_broadcasts": [str(network.broadcast_address)],
            },
        },
        "imaging_servers": {
            "hosts": {server: None},
            "vars": {
                "imaging_server_interface": UPLINK,
                "imaging_server_address": str(here.room.server),
                "imaging_server_dhcp_first": str(network[LENT[0]]),
                "imaging_server_dhcp_last": str(network[LENT[1]]),
                "imaging_server_dhcp_router": str(here.room.server),
                "imaging_server_dhcp_hosts": [
                    {"mac": pc.mac, "address": here.address(pc)} for pc in pcs
                ],
            },
        },
    }


def room_of(lab: Lab) -> SchoolRoom | None:
    """Give a lab's room of virtual PCs; None if it has none."""
    folder = lab.own / ROOM
    try:
        read = json.loads((folder / DESCRIBED).read_bytes())
    except FileNotFoundError:
        return None
    pcs = tuple(Pc(**one) for one in read["pcs"])
    return SchoolRoom(Room(folder, IPv4Network(read["network"])), read["server"], pcs)


def start(lab: Lab, here: SchoolRoom, address: str) -> None:
    """Have the room's network lead to its boot server, and its PCs wake; they stay on or off.

    :param address: the boot server's in its school.
    :raises LabError: if this machine cannot run virtual PCs, or with the tools' own words.
    """
    require_pcs()
    make_network(here.room)
    container = lab.container(here.server)
    if not reaches(here.room, container):
        join(here.room, container)
    route(here.room, address)
    listen(here.room, here.pcs)


def take_away(lab: Lab) -> bool:
    """Take a lab's room away, whatever is left of it; say whether anything was there."""
    folder = lab.own / ROOM
    if not folder.is_dir():
        return False
    remove(Room(folder, IPv4Network("0.0.0.0/32")))  # by its folder alone
    return True
