"""PCs that boot from the network with nobody's help, and from their disk whatever is broken.

Emulated whole, firmware and all: with Secure Boot enforced, or with a BIOS.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

import pytest

from ictops.imaging.images.signing import signing_of
from ictops.imaging.linux.authority import authority_of
from ictops.imaging.linux.build import build, built
from ictops.imaging.wire.job import Job
from ictops.lab.pcs.model import BRIDGE, Pc, Room
from ictops.lab.pcs.network import inside, join_process, slow_down, speed_up
from ictops.lab.pcs.power import power_off, power_on, reset, running, serial, set_cable
from ictops.lab.pcs.room import remove
from ictops.lab.pcs.wake import ignore, listen
from ictops.lab.podman import run
from tests.support.first_stages import BootServer, boot_server
from tests.support.pcs import MARKER, a_pc, give_system, room_of, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.imaging]

NETWORK = "10.77.0.0/24"
BOOT_SECONDS = 300.0
"""Emulated, on a machine that has more to do; some 25 on one that has not."""

Firmware = Literal["uefi", "bios"]


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with room_of(tmp_path / "room", NETWORK) as made:
        yield made


@pytest.fixture
def server(room: Room, imaging: Path, tmp_path: Path) -> Iterator[BootServer]:
    with boot_server(room, tmp_path / "server", imaging) as made:
        yield made


def look_at(pc: Pc) -> Job:
    """The job to say what hardware there is."""
    now = datetime.now(UTC)
    until = now + timedelta(hours=1)
    return Job(
        1, str(uuid.uuid4()), "look", "oak-ws-01", "oak", pc.mac, pc.uuid,
        now.isoformat(), until.isoformat(),
    )  # fmt: skip


def booted(room: Room, pc: Pc) -> bool:
    return MARKER in serial(room, pc)


FAULTS: dict[str, Callable[[BootServer], None]] = {
    "no kernel": lambda server: (server.tftp / "agent").unlink(),
    "nothing": lambda server: (
        [(server.tftp / name).unlink() for name in ("shimx64.efi", "grub.0")] and None
    ),
}


@pytest.mark.parametrize(
    ("firmware", "fault"),
    [("uefi", "no kernel"), ("bios", "no kernel"), ("bios", "nothing")],
)
def test_a_boot_server_that_is_half_up_keeps_no_pc_from_its_disk(
    room: Room, server: BootServer, firmware: Firmware, fault: str
) -> None:
    pc = a_pc(firmware=firmware)
    give_system(room, pc)
    server.arm(look_at(pc))
    FAULTS[fault](server)
    power_on(room, pc)
    wait_for(lambda: booted(room, pc), BOOT_SECONDS, room, pc)
    assert server.asked() == []


@pytest.mark.parametrize("firmware", ["uefi", "bios"])
def test_a_pc_without_a_job_never_meets_grub(
    room: Room, server: BootServer, firmware: Firmware
) -> None:
    # A boot server that dies after GRUB and before its configuration: the signed one has a prompt.
    (server.tftp / "grub/grub.cfg").unlink()
    pc, other = a_pc(firmware=firmware, hurried=True), a_pc()
    give_system(room, pc)
    server.arm(look_at(other))
    power_on(room, pc)
    wait_for(lambda: booted(room, pc), BOOT_SECONDS, room, pc)
    said = (server.folder / "dnsmasq.log").read_text()
    assert "not found for" in said, "it did ask"
    assert "sent /" not in said


@pytest.mark.parametrize("firmware", ["uefi", "bios"])
def test_a_pc_boots_from_its_disk_where_nobody_answers(room: Room, firmware: Firmware) -> None:
    # By our clock, firmware waits some minutes before it gives the network up.
    pc = a_pc(firmware=firmware, hurried=True)
    give_system(room, pc)
    power_on(room, pc)
    wait_for(lambda: booted(room, pc), BOOT_SECONDS, room, pc)
    assert int(inside(room, "cat", f"/sys/class/net/{pc.name}/statistics/rx_packets"))


def test_a_pc_boots_from_its_disk_where_the_boot_server_has_no_grub(
    room: Room, server: BootServer
) -> None:
    (server.tftp / "grubx64.efi").unlink()
    pc = a_pc(hurried=True)
    give_system(room, pc)
    server.arm(look_at(pc))
    power_on(room, pc)
    wait_for(lambda: booted(room, pc), BOOT_SECONDS, room, pc)
    assert "NBP file downloaded successfully" in serial(room, pc)  # shim, which says the rest
    assert server.asked() == []


def test_the_same_packages_make_the_same_bytes(imaging: Path, tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        again = build(
            tmp_path / "elsewhere/agent",
            ca=authority_of(imaging),
            signers=signing_of(imaging).allowed,
        )
    finally:
        os.umask(before)
    first = built(imaging / "agent")
    assert again.packages == first.packages, "the mirror has got newer ones meanwhile: try again"
    assert again == first


def listed(folder: Path, name: str) -> list[str]:
    return [f"{name}/{path.name}" for path in (folder / name).iterdir()]


def test_the_agent_has_all_that_its_tools_need(imaging: Path, tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    unpack = f"zstd -dc {imaging}/agent/initrd.img | cpio -idm --quiet"
    subprocess.run(["sh", "-ec", unpack], cwd=root, check=True, capture_output=True)
    loader = ("chroot", str(root), "/lib64/ld-linux-x86-64.so.2", "--list")
    programs = [f"/usr/{name}" for bin_ in ("bin", "sbin") for name in listed(root / "usr", bin_)]
    lacking = [one for one in programs if "not found" in run((*loader, one)).stdout]
    assert lacking == []
    script = (
        "import sys; sys.path.insert(0, '/usr/lib/ictops'); import ssl, zstandard, ctypes, "
        "concurrent.futures, ictops.imaging.agent.main"
    )
    python = run(("chroot", str(root), "/usr/bin/python3", "-S", "-s", "-c", script))
    assert python.returncode == 0, python.stderr
    # wimapply's library for XML must do without ICU's tables.
    (tmp_path / "tree").mkdir()
    (tmp_path / "tree/läuft.txt").write_text("text")
    made = run(("wimcapture", "--quiet", str(tmp_path / "tree"), str(root / "one.wim"), "Prüfung"))
    assert made.returncode == 0, made.stderr
    done = run(("chroot", str(root), "wimapply", "/one.wim", "/applied"))
    assert done.returncode == 0, done.stderr
    assert (root / "applied/läuft.txt").read_text() == "text"
    shown = run(("chroot", str(root), "wimlib-imagex", "info", "/one.wim")).stdout
    assert "Prüfung" in shown
    # What nwipe asks for beside this is for people to read: dmidecode, smartctl, modprobe.
    assert run(("chroot", str(root), "nwipe", "--version")).stdout.startswith("nwipe version 0.")


def carrier(room: Room, pc: Pc) -> str:
    return inside(room, "cat", f"/sys/class/net/{pc.name}/operstate").strip()


def test_what_can_befall_a_pc(room: Room) -> None:
    pc = a_pc()
    power_on(room, pc)
    first = running(room, pc)
    power_on(room, pc)
    assert running(room, pc) == first is not None
    wait_for(lambda: serial(room, pc), BOOT_SECONDS, room, pc)
    reset(room, pc)
    set_cable(room, pc, plugged=False)
    set_cable(room, pc, plugged=True)
    slow_down(room, pc, megabits=5)
    assert "rate 5Mbit" in inside(room, "tc", "qdisc", "show", "dev", pc.name)
    speed_up(room, pc)
    assert "tbf" not in inside(room, "tc", "qdisc", "show", "dev", pc.name)
    assert carrier(room, pc) == "up"
    power_off(room, pc)
    power_off(room, pc)
    assert running(room, pc) is None
    wait_for(lambda: carrier(room, pc) == "down", 10, room, pc)  # the kernel tells it later


MAGIC = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
    line.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    mac = bytes.fromhex(sys.argv[1].replace(":", ""))
    line.sendto(b"\\xff" * 6 + mac * 16, (sys.argv[2], 9))
"""


def test_a_magic_packet_of_the_boot_server_switches_a_pc_on(room: Room) -> None:
    pc, other = a_pc("one"), a_pc("other")
    listen(room, (pc, other))
    server = subprocess.Popen(("unshare", "--net", "sleep", "120"))
    try:
        wait_for(lambda: _has_own_network(server.pid), 10, room, pc)
        join_process(room, server.pid)
        there = ("nsenter", "-t", str(server.pid), "-n")
        address = str(room.network.broadcast_address)
        subprocess.run((*there, sys.executable, "-c", MAGIC, pc.mac, address), check=True)
        wait_for(lambda: running(room, pc), 30, room, pc)
        assert running(room, other) is None
    finally:
        server.kill()
        server.wait()
    ignore(room)
    power_off(room, pc)


def _has_own_network(pid: int) -> bool:
    return Path(f"/proc/{pid}/ns/net").readlink() != Path("/proc/self/ns/net").readlink()


def test_nothing_of_a_room_is_left_or_seen_outside(room: Room) -> None:
    pc = a_pc()
    listen(room, (pc,))
    power_on(room, pc)
    assert BRIDGE not in {name for _, name in socket.if_nameindex()}
    remove(room)
    assert running(room, pc) is None
    assert room.namespace not in run(("ip", "netns", "list")).stdout
    assert not room.folder.exists()
    remove(room)
