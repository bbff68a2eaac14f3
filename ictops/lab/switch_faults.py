"""What can befall a simulated switch of a lab, and how it is undone."""

from __future__ import annotations

import re

from ictops.errors import LabError
from ictops.lab.farm.control import Control
from ictops.lab.farm.process import running_farm
from ictops.lab.faults import Fault
from ictops.lab.hosts import cluster_of
from ictops.lab.model import Lab
from ictops.lab.switches import lab_switches

SLOW_SECONDS = 1.0
"""Before each answer of a slow switch: as slow as an old one under load."""

RUNNING, OFF, REBOOTING, MISSING = "running", "off", "rebooting", "missing"

_SHOWN = {
    "hang": Fault.CUT,
    "latency": Fault.SLOW,
    "refuse": Fault.REFUSE,
    "drop_at_line": Fault.DROP,
}


class SwitchStates:
    """Asks how the switches of a lab are."""

    def __init__(self, lab: Lab) -> None:
        farm = running_farm(lab.farm)
        self._names = frozenset(farm.places) if farm is not None else frozenset()
        self._control = Control(lab.farm)

    def state(self, switch: str) -> tuple[str, list[str]]:
        """Give whether a switch runs, in a word, and its faults.

        :raises LabError: if the farm does not answer.
        """
        if switch not in self._names:
            return MISSING, []
        told = self._control.state(switch)
        faults = [str(_SHOWN[name]) for name in told["faults"] if name in _SHOWN]
        if told["unplugged"]:
            return OFF, faults
        return (REBOOTING if told["down"] else RUNNING), faults


def switch_names(lab: Lab) -> list[str]:
    """Give the names of the lab's switches; where there is no lab, there are none."""
    if lab.made_of() is None:
        return []
    return [switch.name for switch in lab_switches(cluster_of(lab))]


def apply_switch_fault(lab: Lab, switch: str, fault: Fault, *, line: str = "", at: int = 1) -> None:
    """Bring a fault on a switch, or undo it.

    ``off`` pulls the plug, and what it has not stored is lost; ``reboot`` does so for a while;
    ``cut`` pulls the network cable, so that sessions hang; ``slow`` has it wait before each
    answer; ``refuse`` has it print an error to each line that holds ``line``; ``drop`` ends the
    session, once, as the line of configuration of number ``at`` comes; ``heal`` undoes cut,
    slow, refuse and drop.

    :raises LabError: if the switches do not run, or this cannot befall one.
    """
    if running_farm(lab.farm) is None:
        do = f"'ictops lab up --name {lab.name}' starts them"
        raise LabError("the lab's switches do not run", where=lab.name, do=do)
    control = Control(lab.farm)
    match fault:
        case Fault.OFF:
            control.unplug(switch)
        case Fault.ON:
            control.plug_in(switch)
        case Fault.REBOOT:
            control.reboot(switch)
        case Fault.CUT:
            control.fault(switch, hang=True)
        case Fault.SLOW:
            control.fault(switch, latency=SLOW_SECONDS)
        case Fault.REFUSE if line:
            control.fault(switch, refuse=re.escape(line))
        case Fault.REFUSE:
            raise LabError("which line is to be refused?", where=switch, do="--line 'vlan 30'")
        case Fault.DROP:
            control.fault(switch, drop_at_line=at)
        case Fault.HEAL:
            control.clear(switch)
        case Fault.FILL | Fault.FREE:
            raise LabError("a switch has no disk for downloads", where=switch)
