"""A plan images a PC: boot server by its role, wake-on-LAN, Secure Boot, agent, login, roles."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ictops.lab.cluster import Recipe
from ictops.lab.pcs.machine import require_pcs
from ictops.lab.pcs.power import reset, serial
from ictops.lab.pcs.school import room_of
from ictops.trust.known_hosts import known_hosts_path
from tests.support.golden import Golden
from tests.support.lab import Workspace, need_lab, workspace_of
from tests.support.pcs import wait_for

pytestmark = pytest.mark.lab

SECONDS = 1200.0
"""Emulated, on a machine that has more to do; some 120 on one that has not."""
PC = "lab001-pc-01"
BOOT_ID = "cat /proc/sys/kernel/random/boot_id"


def apply(workspace: Workspace, plan: str) -> dict[str, Any]:
    """Apply a plan at once, and give what became of its only host."""
    words = ("apply", plan, "--now", "--reason", "test")
    process = workspace.start(*words)
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said
    run = workspace.json("run", "list")[0]["id"]
    (host,) = workspace.json("run", "show", run)["hosts"]
    return dict(host)


def on(workspace: Workspace, address: str, *words: str) -> str | None:
    """Run a command on the PC by ssh that takes its pinned keys alone; None if it cannot."""
    options = (
        f"UserKnownHostsFile={known_hosts_path(workspace.lab.folder, 'lab001')}", "BatchMode=yes",
        "GlobalKnownHostsFile=/dev/null", "StrictHostKeyChecking=yes", "ConnectTimeout=5",
    )  # fmt: skip
    said = [word for option in options for word in ("-o", option)]
    login = ("ssh", "-i", str(workspace.lab.key), *said, f"ictops@{address}", *words)
    done = subprocess.run(login, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def test_a_plan_makes_an_empty_pc_a_host_of_its_school(
    golden: Golden, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    need_lab()
    require_pcs()
    imaging = golden.copy_to(tmp_path)
    with workspace_of(tmp_path, Recipe(sites=1, workstations=0, pcs=1)) as workspace:
        room = room_of(workspace.lab)
        assert room is not None
        pc = room.pcs[0]
        address = room.address(pc)
        when = ("--in", "christmas", "-o")
        boots = ("imaging_server.yml", "--limit", "imaging_servers", "-e")
        own = f"imaging_server_folder={imaging}"
        workspace.ictops("plan", "playbook", *boots, own, *when, "server.yml")
        assert apply(workspace, "server.yml")["outcome"] == "changed"
        waves = ("--rooms", "pcs", "--canary", "none", "--shares", "100%")
        workspace.ictops("plan", "image", "classroom", *waves, *when, "image.yml")
        began = time.monotonic()
        host = apply(workspace, "image.yml")
        record_property("off to roles applied, s", round(time.monotonic() - began, 1))
        assert (host["host"], host["outcome"]) == (PC, "changed")
        script = "hostname; sudo -n id -u; df -B1 --output=size / | tail -1"
        said = on(workspace, address, script)
        assert said is not None
        name, root, size = said.split()
        assert (name, root) == (PC, "0")
        assert int(size) > pc.disk * 0.8  # the file system fills the disk, not only the image's
        (seen,) = workspace.json("inventory", "hardware", "--limit", PC)
        assert (seen["firmware"], seen["secure_boot"]) == ("uefi", True)
        # The network is still what it boots first; with no job, that leads to its disk.
        before = on(workspace, address, BOOT_ID)
        assert before
        on(workspace, address, "sync")
        reset(room.room, pc)
        wait_for(
            lambda: (on(workspace, address, BOOT_ID) or before) != before, SECONDS, room.room, pc
        )
        assert "There is no job for this PC" in serial(room.room, pc)
