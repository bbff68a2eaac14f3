"""A room of whole PCs gets an image by multicast: one with UEFI and Secure Boot, and with a BIOS.

Only the first comes by firmware, shim and GRUB; test_imaging_whole is about how a BIOS gets there.
The PCs are held where they ask for their jobs until all have come: emulated on a busy machine, they
are less alike than the PCs of a room.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ictops.imaging.images.signing import signing_of
from ictops.imaging.service.room import PATIENCE
from ictops.imaging.wire.job import Job, Multicast
from ictops.imaging.wire.said import End
from ictops.lab.pcs.machine import DISK
from ictops.lab.pcs.model import BRIDGE, Pc, Room
from ictops.lab.pcs.network import inside, slow_down, speed_up
from ictops.lab.pcs.power import power_off, power_on, set_cable
from tests.support.first_stages import BootServer, boot_server
from tests.support.images import (
    MIB,
    Image,
    Signing,
    Store,
    differing_places,
    esp_file,
    partitions,
    root_file,
    tree,
)
from tests.support.pcs import a_pc, freeze, room_of, thaw, wait_for
from tests.support.room import need_room

pytestmark = [pytest.mark.lab, pytest.mark.imaging]

SECONDS = 900.0
"""Emulated, on a machine that has more to do; some minutes on one that has not."""
BITS = 40_000_000
"""A second: what four emulated PCs can take."""
OPTIONS = ("--bits", str(BITS))
BUSY = 5.0
"""Seconds that a busy machine may add."""
CUT_SECONDS = 30.0
GROUP = "0b2c8a54-6a5d-4a4e-9a53-0d3b6a0c7f11"


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    need_room()
    with room_of(tmp_path / "room") as made:
        # As at a school: what is sent by multicast goes only to those that say that they want it.
        snooping = ("mcast_snooping", "1", "mcast_querier", "1")
        inside(made, "ip", "link", "set", BRIDGE, "type", "bridge", *snooping)
        yield made


def an_image(folder: Path, imaging: Path) -> Image:
    """An image of some tens of MB, that no PC could boot."""
    signing = signing_of(imaging)
    store = Store(folder / "store", Signing(signing.key, signing.allowed))
    system = root_file(folder / "root.img", tree(folder / "tree", files=160), 96 * MIB)
    return store.add("room", "1", partitions(esp_file(folder / "esp.img"), system, grow=False))


def job_for(pc: Pc, image: Image, members: int) -> Job:
    now = datetime.now(UTC)
    return Job(
        1, str(uuid.uuid4()), "image", f"oak-{pc.name}", "oak", pc.mac, pc.uuid, now.isoformat(),
        (now + timedelta(hours=1)).isoformat(), image.ref, multicast=Multicast(GROUP, members),
    )  # fmt: skip


def bring_to_their_claims(room: Room, server: BootServer, pcs: Sequence[Pc]) -> None:
    """Switch PCs on, and hold each where it asks for its job."""

    def asking() -> set[str]:
        said = [one["message"] for one in server.asked() if one["path"] == "/v1/claim"]
        return {one["mac"] for one in said}

    for pc in pcs:
        power_on(room, pc, None if pc.firmware == "uefi" else server.kernel_for(pc))
    held: set[str] = set()

    def hold() -> bool:
        for pc in pcs:
            if pc.mac in asking() and pc.mac not in held:
                freeze(room, pc)
                held.add(pc.mac)
        return len(held) == len(pcs)

    wait_for(hold, SECONDS, room, pcs[-1])


def end_of(server: BootServer, job: Job) -> End | None:
    return server.look(job).end


def sent_bytes(room: Room) -> int:
    """Give all that the boot server has sent to the room, whatever it is."""
    (link,) = json.loads(inside(room, "ip", "-s", "-j", "link", "show", "dev", BRIDGE))
    return int(link["stats64"]["tx"]["bytes"])


def held_up(server: BootServer) -> float:
    """Give for how many seconds the first that was ready waited for the first pack."""
    ready = [one for one in server.asked() if one["path"] == "/v1/ready"]
    asked = next(one["at"] for one in ready if one["message"]["heard"])
    told = [one for one in server.answered() if one["path"] == "/v1/ready"]
    sent = next(one["at"] for one in told if one["answer"]["pack"])
    return float(sent - asked)


def test_a_room_gets_an_image_at_once_and_a_pc_that_is_late_alone(
    room: Room, imaging: Path, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    image = an_image(tmp_path, imaging)
    in_time = [a_pc("uefi", disk=256 * MIB)]
    in_time += [a_pc(f"bios{n}", firmware="bios", disk=256 * MIB) for n in range(3)]
    late = a_pc("late", firmware="bios", disk=256 * MIB)
    pcs = [*in_time, late]
    jobs = {pc: job_for(pc, image, len(pcs)) for pc in pcs}
    with boot_server(
        room, tmp_path / "server", imaging, store=tmp_path / "store", multicast=OPTIONS
    ) as server:
        for job in jobs.values():
            server.arm(job)
        began = time.monotonic()
        bring_to_their_claims(room, server, pcs)
        record_property("all have asked after, s", round(time.monotonic() - began, 1))
        before, began = sent_bytes(room), time.monotonic()
        for pc in in_time:
            thaw(room, pc)
        for pc in in_time:
            wait_for(lambda pc=pc: end_of(server, jobs[pc]), SECONDS, room, pc)  # type: ignore[misc]
            power_off(room, pc)
        sent = (sent_bytes(room) - before) / image.manifest.stored
        record_property("four are written after, s", round(time.monotonic() - began, 1))
        record_property("images sent", round(sent, 2))
        record_property("waited for the late one, s", round(held_up(server), 1))
        for pc in in_time:
            is_right(room, pc, image, end_of(server, jobs[pc]))
            assert "fetches by itself" not in " ".join(notes_of(server, jobs[pc]))
        assert sent < 1.3, server.log()
        assert PATIENCE - BUSY < held_up(server) < PATIENCE + BUSY

        slow_down(room, late, megabits=10)
        thaw(room, late)
        wait_for(lambda: done(server, jobs[late]) > 0.2, SECONDS, room, late)
        set_cable(room, late, plugged=False)
        time.sleep(CUT_SECONDS)
        assert done(server, jobs[late]) < 1
        assert end_of(server, jobs[late]) is None
        set_cable(room, late, plugged=True)
        speed_up(room, late)
        wait_for(lambda: end_of(server, jobs[late]), SECONDS, room, late)
        power_off(room, late)
        is_right(room, late, image, end_of(server, jobs[late]))
        told = f"the room began without this PC: others had waited {PATIENCE:.0f} s"
        assert told in notes_of(server, jobs[late])


def is_right(room: Room, pc: Pc, image: Image, end: End | None) -> None:
    assert end is not None
    assert end.outcome == "done", end.message
    assert differing_places(room.of(pc) / DISK, image) == [], pc.name


def notes_of(server: BootServer, job: Job) -> tuple[str, ...]:
    end = end_of(server, job)
    return () if end is None else end.notes


def done(server: BootServer, job: Job) -> float:
    """Give how much of the image is written, as the PC has told."""
    progress = server.look(job).progress
    if progress is None or progress.step != "fetching":
        return 0.0
    return progress.done / progress.total
