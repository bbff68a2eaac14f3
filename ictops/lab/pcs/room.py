"""Taking a room of virtual PCs away."""

from __future__ import annotations

import shutil

from ictops.lab.pcs.machine import PID
from ictops.lab.pcs.model import Room
from ictops.lab.pcs.network import remove_network
from ictops.lab.pcs.power import end
from ictops.lab.pcs.wake import ignore


def remove(room: Room) -> None:
    """Take a room away, whatever is left of it: processes, network, disks.

    :raises LabError: if a process does not end.
    """
    ignore(room)  # first: it would switch a PC on again
    if room.folder.is_dir():
        for folder in room.folder.resolve().iterdir():
            end(folder / PID)
    remove_network(room)
    shutil.rmtree(room.folder, ignore_errors=True)
