"""Virtual PCs of a lab: beside its hosts, in a network of their own, and gone with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictops.lab.cluster import Recipe
from ictops.lab.hosts import ssh_answers
from ictops.lab.pcs.machine import require_pcs
from ictops.lab.pcs.power import running
from ictops.lab.pcs.school import SchoolRoom, room_of
from ictops.lab.podman import run
from tests.support.lab import Workspace, need_lab, workspace_of
from tests.support.runs import until

pytestmark = [pytest.mark.lab, pytest.mark.imaging]

PC, SERVER = "lab001-pc-01", "lab001-img-01"
WAKE = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    line.sendto(b"\\xff" * 6 + bytes.fromhex(sys.argv[1].replace(":", "")) * 16, (sys.argv[2], 9))
"""


def faults_of(workspace: Workspace) -> tuple[str, list[str]]:
    found = workspace.json("lab", "status", "--name", "t")
    pc = next(one for one in found if one["host"] == PC)
    assert pc["what"] == "virtual PC"
    return pc["state"], pc["faults"]


def leads_to(room: SchoolRoom) -> bool:
    return bool(run(("ip", "route", "show", str(room.room.network))).stdout.strip())


def test_pcs_of_a_lab_wake_have_faults_and_go_with_it(tmp_path: Path) -> None:
    need_lab()
    require_pcs()
    with workspace_of(tmp_path, Recipe(sites=1, workstations=0, pcs=1)) as workspace:
        room = room_of(workspace.lab)
        assert room is not None
        pc = room.pcs[0]
        fault = ("lab", "fault", PC, "--name", "t")
        assert faults_of(workspace) == ("off", [])
        assert leads_to(room)
        assert ssh_answers(str(room.room.server)), "the boot server, at its end in the room"
        workspace.on(SERVER, "python3", "-c", WAKE, pc.mac, str(room.room.network[-1]))
        until(lambda: running(room.room, pc) is not None, 30, "it was woken")
        for what in ("cut", "slow"):
            workspace.ictops(*fault, what)
        assert faults_of(workspace) == ("running", ["cut", "slow"])
        workspace.ictops("lab", "up", "--name", "t")
        assert faults_of(workspace) == ("running", [])
        # The boot server's card goes with its power, and 'up' gives it another.
        workspace.ictops("lab", "fault", SERVER, "off", "--name", "t")
        workspace.ictops("lab", "up", "--name", "t")
        assert str(room.room.server) in workspace.on(SERVER, "ip", "address")
        said = workspace.ictops(*fault, "fill", code=1)
        assert "cannot befall a virtual PC" in said
        assert running(room.room, pc) is not None
    assert running(room.room, pc) is None
    assert room.room.namespace not in run(("ip", "netns", "list")).stdout
    assert not leads_to(room)
    assert not room.room.folder.exists()
