"""From an empty disk to the first login, on a BIOS PC; test_imaging_plan has one with UEFI."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ictops.imaging.wire.job import ImageRef
from ictops.lab.pcs.model import Pc, Room
from ictops.lab.pcs.power import power_off, power_on
from tests.support.first_stages import boot_server
from tests.support.golden import Golden
from tests.support.login import HOST, Login, job_for
from tests.support.pcs import a_pc, room_of, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.imaging]

SECONDS = 900.0
"""Emulated, on a machine that has more to do; some 90 on one that has not."""


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with room_of(tmp_path / "room") as made:
        yield made


def test_an_empty_pc_becomes_a_host_that_is_known(
    room: Room,
    golden: Golden,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
) -> None:
    pc = a_pc(firmware="bios")
    with boot_server(room, tmp_path / "server", golden.imaging) as server:
        login = Login(room, server, tmp_path)
        subprocess.run(("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", login.key), check=True)
        image = golden.published
        ref = ImageRef(image.name, image.version, image.digest)
        job = job_for(pc, ref, login.key)
        server.arm(job)
        began = time.time()
        power_on(room, pc)
        wait_for(lambda: server.look(job).state == "ended", SECONDS, room, pc)
        claimed = next(one["at"] for one in server.asked() if one["path"] == "/v1/claim")
        record_property("power on to claim, s", round(claimed - began, 1))
        record_property("power on to written, s", round(time.time() - began, 1))
        end = server.look(job).end
        assert end is not None
        assert end.outcome == "done", end.message
        found = server.look(job)
        assert found.hardware is not None
        assert (found.uuid, found.hardware.firmware) == (pc.uuid, "bios")
        assert [(disk.serial, disk.size) for disk in found.hardware.disks] == [
            (pc.disk_serial, pc.disk)
        ]
        keys = found.host_keys
        assert keys
        wait_for(lambda: login.on(keys, "true") is not None, SECONDS, room, pc)
        record_property("power on to first login, s", round(time.time() - began, 1))
        looks_right(login, keys, pc)
        # The network is still what it boots first; with no job, there is nothing for it.
        said = (server.folder / "dnsmasq.log").read_text()
        assert len(re.findall(r"sent \S+/grub\.0 to", said)) == 1, said
        assert len(re.findall(r"/grub\.0 not found for", said)) == 1, said
        power_off(room, pc)


def looks_right(login: Login, keys: tuple[str, ...], pc: Pc) -> None:
    script = "hostname; sudo -n id -u; df -B1 --output=size / | tail -1; wc -c < /etc/machine-id"
    said = login.on(keys, script)
    assert said is not None
    name, root, size, identity = said.split()
    assert (name, root, identity) == (HOST, "0", "33")
    assert int(size) > pc.disk * 0.8  # the file system fills the disk, not only the image's 2 GB
