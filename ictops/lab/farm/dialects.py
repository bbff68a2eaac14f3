"""Which command line a kind of simulated switch has."""

from __future__ import annotations

from ictops.lab.farm.actions import ACTIONS
from ictops.lab.farm.cli import Cli
from ictops.lab.farm.deadman import DEADMAN
from ictops.lab.farm.device import Device
from ictops.lab.farm.junos import JUNOS, JunosCli
from ictops.lab.farm.routeros import ROUTEROS, RouterOsCli

_CLIS: dict[str, type[Cli]] = {"lines": Cli, "junos": JunosCli, "routeros": RouterOsCli}
_ACTIONS = ACTIONS | DEADMAN | JUNOS | ROUTEROS


def cli_for(device: Device, user: str) -> Cli:
    """Give the command line for a new session of a switch."""
    return _CLIS[device.kind.dialect](device, _ACTIONS, user)
