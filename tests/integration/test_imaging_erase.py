"""A PC's disk is erased in the agent's Linux, with nobody's help: magnetic by nwipe, or NVMe.

The PC starts the agent's kernel at once; how it gets there from the network is for test_pcs and
test_imaging_whole.
"""

from __future__ import annotations

import os
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ictops.imaging.agent import nwipe
from ictops.imaging.wire.job import Erase, Job
from ictops.lab.pcs.machine import DISK, assemble
from ictops.lab.pcs.power import power_off, power_on
from tests.support.first_stages import boot_server
from tests.support.pcs import MIB, a_pc, room_of, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.imaging]

SECONDS = 300.0
"""Emulated, on a machine that has more to do; some 40 on one that has not."""
SIZE = 64 * MIB


@pytest.mark.parametrize(
    ("device", "method", "tool"),
    [
        ("virtio-blk-pci", nwipe.WORDS, "nwipe version 0."),
        # QEMU has this one of all the methods of drives.
        ("nvme", "clear: NVMe format, user data erase", "nvme version "),
    ],
)
def test_a_disk_is_erased(
    imaging: Path, tmp_path: Path, device: str, method: str, tool: str
) -> None:
    pc = a_pc(firmware="bios", disk=SIZE, disk_device=device)
    now = datetime.now(UTC)
    job = Job(
        1, str(uuid.uuid4()), "erase", "oak-ws-01", "oak", pc.mac, pc.uuid, now.isoformat(),
        (now + timedelta(hours=1)).isoformat(), erase=Erase((pc.disk_serial,), sample=20),
    )  # fmt: skip
    with (
        room_of(tmp_path / "room") as room,
        boot_server(room, tmp_path / "server", imaging) as server,
    ):
        assemble(room, pc)
        disk = room.of(pc) / DISK
        disk.write_bytes(os.urandom(SIZE))
        server.arm(job)
        power_on(room, pc, server.kernel_for(pc))
        wait_for(lambda: server.look(job).end, SECONDS, room, pc)
        power_off(room, pc)
        end = server.look(job).end
        assert end is not None
        assert (end.outcome, end.message, end.notes) == ("done", "", ())
        (one,) = end.erased
        assert (one.serial, one.size, one.erased) == (pc.disk_serial, SIZE, True)
        assert one.method == method
        assert one.tool.startswith(tool)
        assert (one.verified, one.changed) == (22, 22)
        data = disk.read_bytes()
        assert len(data) == SIZE
        assert not data.strip(b"\0")
