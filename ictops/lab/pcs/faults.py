"""What can befall a virtual PC of a lab, and how it is undone."""

from __future__ import annotations

import json

from ictops.errors import LabError
from ictops.lab.faults import Fault
from ictops.lab.pcs.model import Pc, Room
from ictops.lab.pcs.network import inside, slow_down, speed_up, within
from ictops.lab.pcs.power import power_off, power_on, running
from ictops.lab.pcs.school import SchoolRoom
from ictops.lab.podman import run


def apply_pc_fault(here: SchoolRoom, pc: Pc, fault: Fault, *, rate: int) -> None:
    """Bring a fault on a virtual PC, or undo it; to do so twice is as good as once.

    :param rate: kilobits a second of a slow one, towards it.
    :raises LabError: if it is off and must not be, or this cannot befall a PC.
    """
    room = here.room
    match fault:
        case Fault.OFF:
            power_off(room, pc)
        case Fault.ON:
            power_on(room, pc)
        case Fault.CUT | Fault.SLOW | Fault.HEAL if running(room, pc) is None:
            raise LabError(
                "the PC is switched off", where=pc.name, do=f"'ictops lab fault {pc.name} on' first"
            )
        case Fault.CUT:
            inside(room, "ip", "link", "set", "dev", pc.name, "down")
        case Fault.SLOW:
            slow_down(room, pc, megabits=rate / 1000)
        case Fault.HEAL:
            heal(room, pc)
        case _:
            raise LabError(f"{fault} cannot befall a virtual PC", where=pc.name)


def heal(room: Room, pc: Pc) -> None:
    """Undo cut and slow.

    :raises LabError: with ip's own words.
    """
    speed_up(room, pc)
    inside(room, "ip", "link", "set", "dev", pc.name, "up")


def heal_all(here: SchoolRoom) -> None:
    """Undo cut and slow of all PCs that are on."""
    for pc in here.pcs:
        if running(here.room, pc) is not None:
            heal(here.room, pc)


def pc_faults(room: Room, pc: Pc) -> list[str]:
    """Give those of cut and slow that a running PC has."""
    said = run(within(room, "ip", "-json", "link", "show", "dev", pc.name)).stdout
    line = (json.loads(said or "[]") or [{}])[0]
    seen = {Fault.CUT: "UP" not in line.get("flags", []), Fault.SLOW: line.get("qdisc") == "tbf"}
    return [str(fault) for fault, there in seen.items() if there]
