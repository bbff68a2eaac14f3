"""A PC is captured by the agent's own Linux: every file system, and its disk stays as it was."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ictops.imaging.images.captured import rebuild
from ictops.imaging.images.publish import publish
from ictops.imaging.images.signing import signing_of
from ictops.imaging.images.store import Store, Version, writing
from ictops.imaging.wire.job import Capture, Job
from ictops.lab.pcs.machine import DISK
from ictops.lab.pcs.model import Pc, Room
from ictops.lab.pcs.power import power_off, power_on, serial
from tests.support import windows as synthetic
from tests.support.disks import MIB, tool
from tests.support.first_stages import boot_server
from tests.support.pcs import MARKER, a_pc, give_system, room_of, wait_for
from tests.unit.imaging.images.conftest import some_files

pytestmark = [pytest.mark.lab, pytest.mark.imaging]

SECONDS = 600.0
"""Emulated, on a machine that has more to do; some 60 on one that has not."""
MAKE = {
    "ext4": (64, ("mke2fs", "-q", "-t", "ext4", "-b", "4096")),
    "btrfs": (128, ("mkfs.btrfs", "-q")),
}
"""MiB, and what makes it."""
WINDOWS = 40
"""MiB."""


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Room]:
    with room_of(tmp_path / "room") as made:
        yield made


def add_file_systems(disk: Path, scratch: Path) -> None:
    """Put one of each kind behind the loader; the NTFS is a Windows that sysprep has sealed."""
    tree = scratch / "tree"
    tree.mkdir()
    for name, data in some_files(1).items():
        (tree / name).write_bytes(data)
    parts = [synthetic.volume(scratch / "ntfs", scratch, size=WINDOWS * MIB)]
    for kind, (size, words) in MAKE.items():
        part = scratch / kind
        with part.open("wb") as file:
            file.truncate(size * MIB)
        tool(*words, "-d" if kind == "ext4" else "-r", tree, part)
        parts.append(part)
    at = 40 * MIB
    for part in parts:
        size = part.stat().st_size
        tool("sfdisk", "-q", "--append", disk, stdin=f"start={at // 512}, size={size // 512}\n")
        with disk.open("r+b") as file:
            file.seek(at)
            file.write(part.read_bytes())
        at += size


def hash_of(disk: Path) -> str:
    with disk.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def capture_of(pc: Pc) -> Job:
    now = datetime.now(UTC)
    until = now + timedelta(hours=1)
    return Job(
        1, str(uuid.uuid4()), "capture", "oak-ws-01", "oak", pc.mac, pc.uuid,
        now.isoformat(), until.isoformat(), capture=Capture(2**30),
    )  # fmt: skip


def test_a_pc_becomes_an_image_and_stays_as_it_was(
    room: Room, imaging: Path, tmp_path: Path
) -> None:
    pc = a_pc(disk=288 * MIB)
    give_system(room, pc)
    disk = room.of(pc) / DISK
    add_file_systems(disk, tmp_path)
    before = hash_of(disk)
    with boot_server(room, tmp_path / "server", imaging) as server:
        job = capture_of(pc)
        server.arm(job)
        power_on(room, pc)
        wait_for(lambda: server.look(job).state == "ended", SECONDS, room, pc)
        end = server.look(job).end
        assert end is not None
        assert end.outcome == "done", end.message
        # It asks the network again, has no job any more, and boots what it always booted.
        wait_for(lambda: MARKER in serial(room, pc), SECONDS, room, pc)
        power_off(room, pc)
        assert hash_of(disk) == before
        asked = {one["path"].split("/")[2] for one in server.asked()}
        assert asked == {"claim", "progress", "have", "piece", "captured", "end"}
        store = Store(tmp_path / "imaging" / "store")
        folder = tmp_path / "server" / "state" / "captured" / job.id
        rebuilt = rebuild(folder, store, tmp_path / "rebuilt", lambda _: None)
    signing = signing_of(tmp_path / "imaging")
    for name, source in (("sent", rebuilt), ("direct", disk)):
        with writing(store) as work:
            publish(
                source, Version("room", name), store=store, signing=signing, work=work, seed=None,
                say=lambda _: None,
            )  # fmt: skip
    sent, direct = (store.index(Version("room", name)) for name in ("sent", "direct"))
    assert sent.places == direct.places
    assert [one.digest for one in sent.chunks] == [one.digest for one in direct.chunks]
    kinds = [one.filesystem for one in store.manifest(Version("room", "sent")).partitions]
    assert kinds == ["vfat", "ntfs", *MAKE]
