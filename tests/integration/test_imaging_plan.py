"""A plan images a PC with a cache, and it is put back by itself: at a command, and at each boot.

One PC for all of it: boot server by its role, wake-on-LAN, Secure Boot, agent, login, roles; then
its disk with a BIOS. What a PC with UEFI and a cache boots is in test_heal_grub, too.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from ictops.imaging.agent import table
from ictops.imaging.agent.area import there_is
from ictops.imaging.agent.bootpart import boot_code
from ictops.imaging.agent.disk import Disk
from ictops.lab.cluster import Recipe
from ictops.lab.pcs.machine import DISK, require_pcs
from ictops.lab.pcs.model import BRIDGE, Pc
from ictops.lab.pcs.network import within
from ictops.lab.pcs.power import power_off, power_on, serial
from ictops.lab.pcs.school import SchoolRoom, room_of
from ictops.trust.known_hosts import known_hosts_path
from tests.support.golden import Golden
from tests.support.lab import Workspace, need_lab, workspace_of
from tests.support.pcs import wait_for
from tests.support.runs import newest

pytestmark = [pytest.mark.lab, pytest.mark.imaging, pytest.mark.long]

SECONDS = 900.0
"""Emulated, on a machine that has more to do; some 60 on one that has not."""
PC = "lab001-pc-01"
BOOT_ID = "cat /proc/sys/kernel/random/boot_id"
SERVICES = ("ictops-boot.service", "ictops-imaging.service", "nginx.service")
CACHE = 400_000_000
TURN = "This PC is being put back to its image."
DAMAGE = """
set -e
sudo -n rm -r /boot/grub /vmlinuz /usr/share/zoneinfo
echo broken | sudo -n tee /etc/fstab /etc/pupil >/dev/null
sudo -n sync
"""
"""What a system does not start from again."""
SEEN = """
for path in /boot/grub /vmlinuz /usr/share/zoneinfo /etc/pupil; do
  [ ! -e "$path" ] || echo "$path"
done
grep -c broken /etc/fstab || true
"""
WHOLE = "/boot/grub\n/vmlinuz\n/usr/share/zoneinfo\n0\n"


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


@dataclass(frozen=True)
class School:
    """A lab's school with a room of one virtual PC."""

    workspace: Workspace
    room: SchoolRoom

    @property
    def pc(self) -> Pc:
        return self.room.pcs[0]

    @property
    def address(self) -> str:
        return self.room.address(self.pc)

    def set(self, **variables: object) -> None:
        folder = self.workspace.lab.folder / "group_vars/workstations"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "heal.yml").write_text(yaml.safe_dump(variables))

    def on(self, script: str) -> str | None:
        return on(self.workspace, self.address, script)

    def pinned(self) -> str:
        return known_hosts_path(self.workspace.lab.folder, "lab001").read_text()

    def shown(self) -> str:
        return serial(self.room.room, self.pc)

    def wait(self, true: Callable[[], object]) -> float:
        return wait_for(true, SECONDS, self.room.room, self.pc)

    def turned_away(self) -> int:
        """Give how often a PC with a BIOS asked the boot server for GRUB and got none."""
        log = self.workspace.on(self.room.server, "journalctl", "-u", SERVICES[0], "-o", "cat")
        assert not re.search(r"sent \S+/grub\.0 to", log)
        return len(re.findall(r"/grub\.0 not found for", log))

    def damage(self) -> str:
        """Break the PC's system, and give which boot it was."""
        self.wait(lambda: self.on(SEEN) == WHOLE)
        before = self.on(BOOT_ID)
        assert before
        assert self.on(DAMAGE) is not None
        return before


@contextmanager
def boot_server_off(school: School) -> Iterator[None]:
    """Switch all off that a PC boots by; an address it still gets, as from any router."""
    server, room = school.room.server, school.room.room
    school.workspace.on(server, "systemctl", "stop", *SERVICES)
    words = (
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--port=0", "--user=root",
        "--log-facility=-", "--pid-file=", "--dhcp-authoritative", "--no-ping", "--no-hosts",
        f"--dhcp-leasefile={school.workspace.folder / 'leases'}", "--bind-interfaces",
        f"--interface={BRIDGE}", f"--dhcp-range={room.network.network_address},static,1h",
        f"--dhcp-host={school.pc.mac},{school.address}",
        f"--dhcp-option=option:router,{room.server}",
    )  # fmt: skip
    with (school.workspace.folder / "router.log").open("wb") as log:
        router = subprocess.Popen(within(room, *words), stdout=log, stderr=log)
    try:
        yield
        assert router.poll() is None, (school.workspace.folder / "router.log").read_text()
    finally:
        router.kill()
        router.wait()
    school.workspace.on(server, "systemctl", "start", *reversed(SERVICES))


def test_a_plan_makes_an_empty_pc_a_host_that_puts_itself_back(
    golden: Golden, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    need_lab()
    require_pcs()
    imaging = golden.copy_to(tmp_path)
    with workspace_of(tmp_path, Recipe(sites=1, workstations=0, pcs=1)) as workspace:
        room = room_of(workspace.lab)
        assert room is not None
        school = School(workspace, room)
        by_a_plan(school, imaging, record_property)
        with boot_server_off(school):
            by_a_command(school, record_property)
        at_a_boot(school, record_property)


def by_a_plan(
    school: School, imaging: Path, record_property: Callable[[str, object], None]
) -> None:
    """Make the boot server, and have it image the PC with a cache."""
    workspace, when = school.workspace, ("--in", "christmas", "-o")
    own = ("-e", f"imaging_server_folder={imaging}")
    boots = ("imaging_server.yml", "--limit", "imaging_servers", *own)
    workspace.ictops("plan", "playbook", *boots, *when, "server.yml")
    assert apply(workspace, "server.yml")["outcome"] == "changed"
    school.set(workstation_image_cache=CACHE)
    waves = ("--rooms", "pcs", "--canary", "none", "--shares", "100%")
    workspace.ictops("plan", "image", "classroom", *waves, *when, "image.yml")
    began = time.monotonic()
    host = apply(workspace, "image.yml")
    record_property("off to roles applied, s", round(time.monotonic() - began, 1))
    assert (host["host"], host["outcome"]) == (PC, "changed")
    said = school.on("hostname; sudo -n id -u; df -B1 --output=size / | tail -1")
    assert said is not None
    name, root, size = said.split()
    assert (name, root) == (PC, "0")
    # The file system fills the disk, not only the image's, and leaves the cache its place.
    assert school.pc.disk * 0.8 < int(size) < school.pc.disk - CACHE
    (seen,) = workspace.json("inventory", "hardware", "--limit", PC)
    assert (seen["firmware"], seen["secure_boot"]) == ("uefi", True)


def by_a_command(school: School, record_property: Callable[[str, object], None]) -> None:
    """Put the PC back by ictops, which can only speak to the PC itself."""
    pinned, before = school.pinned(), school.damage()
    school.set(workstation_image_cache=CACHE, workstation_image_heal_at_boot=True)
    began = time.monotonic()
    process = school.workspace.start("image", "heal", PC, "--reason", "a pupil broke it")
    said, _ = process.communicate(timeout=SECONDS)
    assert process.returncode == 0, said + school.shown()[-3000:]
    record_property("heal by a command, s", round(time.monotonic() - began, 1))
    assert school.on(SEEN) == WHOLE
    assert school.on(BOOT_ID) not in {None, before}
    assert school.pinned() == pinned
    assert school.shown().count(TURN) == 1
    turn = school.shown().rpartition(TURN)[2]
    assert "UEFI Secure Boot is enabled" in turn
    assert "PXE" not in turn
    events = school.workspace.json("run", "logs", newest(school.workspace), "--host", PC)
    results = [json.loads(one["data"])["data"].get("res") or {} for one in events]
    (told,) = [one["ictops_healed"]["end"] for one in results if "ictops_healed" in one]
    assert (told["outcome"], told["fetched"]) == ("done", 0)
    assert told["written"] > 0


def at_a_boot(school: School, record_property: Callable[[str, object], None]) -> None:
    """Let the PC put itself back when nobody asks it to, now with a BIOS.

    Its disk gets the boot code that its agent puts there on a PC with one.
    """
    pinned, before = school.pinned(), school.damage()
    power_off(school.room.room, school.pc)
    disk = Disk(school.room.room.of(school.pc) / DISK)
    with closing(disk):
        area = there_is(table.found(disk.path))
        assert area is not None
        code = boot_code(disk, area)
        assert code is not None
        disk.write(0, [code])
        disk.flush()
    asked = school.turned_away()
    began = time.monotonic()
    power_on(school.room.room, replace(school.pc, firmware="bios"))
    school.wait(lambda: school.on(SEEN) == WHOLE)
    record_property("heal at a boot, s", round(time.monotonic() - began, 1))
    # The network is still what it boots first, each time; with no job, there is nothing for it.
    assert school.turned_away() - asked == 2
    assert school.on(BOOT_ID) not in {None, before}
    assert school.pinned() == pinned
    told = school.workspace.ictops("inventory", "hardware", "--survey", "--limit", PC)
    assert re.search(rf"{PC} put itself back at \S+: done in", told)
