"""A reference PC's disk sent to the real service's rules, and published as from a disk itself."""

from __future__ import annotations

import hashlib
import random
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ictops.errors import ImageDamaged, ImageError
from ictops.imaging.agent import capture, cutting
from ictops.imaging.agent.area import BOOT_NAME, CACHE_TYPE
from ictops.imaging.agent.main import run, work_once
from ictops.imaging.images.captured import rebuild
from ictops.imaging.images.publish import Published, publish
from ictops.imaging.images.signing import signing_of
from ictops.imaging.images.store import Store, Version, writing
from ictops.imaging.service.desk import Desk
from ictops.imaging.wire import said, strict
from ictops.imaging.wire.drop import CAPTURED, LISTED, PIECES
from ictops.imaging.wire.job import Capture, ImageRef, Job
from ictops.imaging.wire.state import Arm, Look
from tests.support import windows as synthetic
from tests.support.boot_server import boot_server
from tests.support.disks import DISK_SIZE, ROOT_AT, make_disk, tool
from tests.support.images import Signing
from tests.support.imaging import BootServer
from tests.unit.imaging.agent.conftest import School
from tests.unit.imaging.images.conftest import some_files

MOST = Capture(2**30)


@dataclass
class Office:
    """A control box with an image store, a boot server with the real rules, and a PC."""

    school: School
    store: Store
    server: BootServer
    desk: Desk

    def publish(self, disk: Path, version: str) -> Published:
        with writing(self.store) as work:
            return publish(
                disk, Version("room", version), store=self.store,
                signing=signing_of(self.store.folder.parent), work=work, seed=None,
                say=lambda _: None,
            )  # fmt: skip

    def arm(self, **more: Any) -> Job:
        job = self.school.job(None, kind="capture", **{"capture": MOST, **more})
        key = self.school.signing.key
        self.school.sessions.arm(job, key)
        text, signature = self.school.sessions.job, self.school.sessions.signature
        self.desk.arm(Arm(text, signature, replace=True))
        return job

    def send(self, job: Job, disk: Path, firmware: str = "uefi") -> said.End:
        machine = self.school.machine(disk)
        hardware = replace(machine.hardware, firmware=firmware)
        end, _ = work_once(self.school.options, replace(machine, hardware=hardware))
        assert self.desk.look(Look(job.id)).end == end
        return end

    def folder(self, job: Job) -> Path:
        return self.server.root / "state" / "captured" / job.id

    def rebuilt(self, job: Job) -> Path:
        disk = self.school.folder / f"rebuilt-{job.id}"
        disk.unlink(missing_ok=True)
        return rebuild(self.folder(job), self.store, disk, lambda _: None)

    def places(self, version: str) -> set[tuple[int, int, bytes]]:
        index = self.store.index(Version("room", version))
        chunks = index.chunks
        return {(one.partition, one.offset, chunks[one.chunk].digest) for one in index.places}


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    store = Store(tmp_path / "imaging" / "store")
    keys = signing_of(tmp_path / "imaging")
    (tmp_path / "service").mkdir()
    server = BootServer(tmp_path / "service", datetime.now(UTC))
    server.allowed.write_text(keys.allowed.read_text())
    store.folder.mkdir(parents=True, exist_ok=True)
    with boot_server(store.folder, tmp_path / "tls") as (files, sessions):
        sessions.desk = server.desk()
        school = School(tmp_path, Signing(keys.key, keys.allowed), None, files, sessions)  # type: ignore[arg-type]
        yield Office(school, store, server, sessions.desk)


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return make_disk(tmp_path / "reference", some_files(1))


def state_of(disk: Path) -> tuple[str, int]:
    return hashlib.sha256(disk.read_bytes()).hexdigest(), disk.stat().st_mtime_ns


def test_what_is_captured_is_published_as_from_the_disk_itself(office: Office, disk: Path) -> None:
    before = state_of(disk)
    job = office.arm()
    end = office.send(job, disk)
    assert end.outcome == "done", end
    assert state_of(disk) == before, "nothing is written to a reference PC"
    rebuilt = office.rebuilt(job)
    assert rebuilt.stat().st_size == DISK_SIZE
    one, other = office.publish(disk, "direct"), office.publish(rebuilt, "sent")
    assert office.places("direct") == office.places("sent")
    manifests = [office.store.manifest(Version("room", name)) for name in ("direct", "sent")]
    of_one = {
        name: getattr(manifests[0], name) for name in ("version", "made_at", "index", "stored")
    }
    assert replace(manifests[1], **of_one) == manifests[0]
    assert (one.used, other.added) == (other.used, 0)
    assert end.fetched == (office.folder(job) / PIECES).stat().st_size < DISK_SIZE // 2
    progress = office.desk.look(Look(job.id)).progress
    assert progress is not None
    assert progress.done <= progress.total


@pytest.mark.parametrize("filesystem", ["btrfs", "ntfs", "vfat"])
def test_other_file_systems_are_captured(
    office: Office, disk: Path, tmp_path: Path, filesystem: str
) -> None:
    size = 128 * 2**20 if filesystem == "btrfs" else 40 * 2**20
    part = tmp_path / "part"
    with part.open("wb") as file:
        file.truncate(size)
    make = {"btrfs": ("mkfs.btrfs", "-q"), "ntfs": ("mkntfs", "-qF"), "vfat": ("mkfs.vfat",)}
    tool(*make[filesystem], part)
    with disk.open("r+b") as file:
        file.truncate(ROOT_AT + size + 2**20)
        file.seek(ROOT_AT)
        file.write(part.read_bytes())
    tool("sfdisk", "--quiet", "--no-reread", "--delete", disk, "2")
    tool("sfdisk", "--quiet", "--append", disk, stdin=f"start={ROOT_AT // 512}, size={size // 512}")
    job = office.arm()
    assert office.send(job, disk).outcome == "done"
    rebuilt = office.rebuilt(job)
    assert rebuilt.read_bytes()[ROOT_AT:].strip(b"\0")
    office.publish(rebuilt, "1")
    kinds = [one.filesystem for one in office.store.manifest(Version("room", "1")).partitions]
    assert kinds == ["vfat", filesystem]


def test_a_capture_that_was_cut_off_goes_on(
    office: Office, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cutting, "PIECE", 128 * 1024)
    monkeypatch.setattr(capture, "_AT_ONCE", 4)
    sent: list[str] = []
    take = office.desk.piece

    def cut_off(token: str, name: str, data: bytes) -> said.Answer:
        if len(sent) == 7:
            raise ConnectionResetError  # the link goes, and with it all that is on its way
        sent.append(name)
        return take(token, name, data)

    job = office.arm()
    office.school.patience = replace(office.school.patience, gone=0.2)
    monkeypatch.setattr(office.desk, "piece", cut_off)
    machine = office.school.machine(disk)
    options = replace(office.school.options, end=0.1)
    monkeypatch.setattr(office.desk, "end", lambda token, _: cut_off(token, "", b""))
    end, _ = work_once(options, machine)
    assert end.fault == "server-gone"
    assert office.desk.look(Look(job.id)).state == "claimed"
    office.school.sessions.desk = office.server.desk()  # it was restarted: its disk has it all
    again: list[str] = []
    take_again = office.school.sessions.desk.piece
    monkeypatch.setattr(
        office.school.sessions.desk,
        "piece",
        lambda *words: (again.append(words[1]), take_again(*words))[1],
    )
    end, _ = work_once(office.school.options, machine)
    assert end.outcome == "done", end
    assert len(again) > 10
    assert not set(again) & set(sent), "what was there is not sent again"
    office.publish(office.rebuilt(job), "1")
    office.publish(disk, "2")
    assert office.places("1") == office.places("2")


def test_of_an_image_that_is_known_only_the_difference_is_sent(
    office: Office, disk: Path, tmp_path: Path
) -> None:
    made = office.publish(disk, "1")
    more = random.Random(3).randbytes(90_000)
    newer = make_disk(tmp_path / "newer", {**some_files(1), "more": more})
    job = office.arm(seeds=(ImageRef("room", "1", made.digest),))
    end = office.send(job, newer)
    assert end.outcome == "done", end
    assert len(more) < end.fetched < made.stored // 4
    assert end.reused > made.stored
    office.publish(office.rebuilt(job), "sent")
    office.publish(newer, "direct")
    assert office.places("sent") == office.places("direct")
    for pack in (office.store.folder / "packs").glob("*/*"):
        pack.unlink()
    with pytest.raises(ImageError, match="an image is gone"):
        office.rebuilt(job)


def broken(disk: Path) -> None:
    with disk.open("r+b") as file:
        file.seek(ROOT_AT + 1024 + 0x3A)
        file.write(b"\2\0")  # s_state: it had errors


def no_table(disk: Path) -> None:
    with disk.open("r+b") as file:
        file.write(bytes(2**20))
        file.seek(-(2**20), 2)
        file.write(bytes(2**20))


def dos(disk: Path) -> None:
    no_table(disk)
    tool("sfdisk", "--quiet", disk, stdin="label: dos\nstart=2048\n")


def empty(disk: Path) -> None:
    tool("sfdisk", "--quiet", "--wipe", "always", disk, stdin="label: gpt\n")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (broken, "partition 2: its ext4 file system cannot be read"),
        (no_table, "partition table cannot be read, and must be a GPT"),
        (dos, "is of kind dos, and must be a GPT"),
        (empty, "it has no partition"),
    ],
)
def test_what_can_be_no_image_is_refused_before_anything_is_sent(
    office: Office, disk: Path, spoil: Callable[[Path], None], why: str
) -> None:
    spoil(disk)
    before = state_of(disk)
    job = office.arm()
    end = office.send(job, disk)
    assert (end.outcome, end.fault, end.fetched) == ("failed", "image-damaged", 0)
    assert why in end.message
    assert state_of(disk) == before
    assert not office.folder(job).exists(), "what nobody will fetch is not kept"


def windows_disk(folder: Path, **given: object) -> Path:
    disk = make_disk(folder / "win", {}, filesystem="ntfs", loader="EFI/Microsoft/Boot")
    volume = synthetic.volume(folder / "volume", folder, size=40 * 2**20, **given)  # type: ignore[arg-type]
    with disk.open("r+b") as file:
        file.seek(ROOT_AT)
        file.write(volume.read_bytes())
    return disk


def test_a_windows_must_be_generalised(office: Office, tmp_path: Path) -> None:
    disk = windows_disk(tmp_path, state="IMAGE_STATE_COMPLETE")
    end = office.send(office.arm(), disk)
    assert end.fault == "image-damaged"
    assert "sysprep /generalize" in end.message


def test_a_windows_never_starts_afterwards(office: Office, tmp_path: Path) -> None:
    disk = windows_disk(tmp_path)
    left: list[str] = []
    machine = replace(office.school.machine(disk), leave=left.append)
    job = office.arm(then="poweroff")
    run(office.school.options, machine, rest=lambda _: None)
    state = office.desk.look(Look(job.id))
    assert state.end is not None
    assert (state.end.outcome, left) == ("done", ["poweroff"])
    office.publish(office.rebuilt(job), "1")
    assert office.store.manifest(Version("room", "1")).system == "windows"
    office.arm(then="poweroff", capture=Capture(10))
    run(office.school.options, machine, rest=lambda _: None)
    assert left == ["poweroff", "poweroff"], "also if it could not be captured"


def test_a_pcs_cache_is_no_part_of_its_image(office: Office, disk: Path) -> None:
    plain = office.arm()
    office.send(plain, disk)
    office.publish(office.rebuilt(plain), "plain")
    with disk.open("r+b") as file:
        file.truncate(DISK_SIZE + 40 * 2**20)
    tool("sfdisk", "--quiet", "--relocate", "gpt-bak-std", disk)
    esp = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
    lines = f"size=16384, type={esp}, name={BOOT_NAME}\nsize=16384, type={CACHE_TYPE}\n"
    tool("sfdisk", "--quiet", "--append", disk, stdin=lines)
    with disk.open("r+b") as file:
        file.seek(DISK_SIZE + 2**20)
        file.write(random.Random(1).randbytes(24 * 2**20))
    job = office.arm()
    end = office.send(job, disk)
    assert end.outcome == "done", end
    assert end.fetched < 24 * 2**20, "the cache was not sent"
    office.publish(office.rebuilt(job), "cached")
    assert office.places("cached") == office.places("plain")
    assert len(office.store.manifest(Version("room", "cached")).partitions) == 2
    assert "BIOS PC with a cache" in office.send(office.arm(), disk, "bios").message


def test_a_damaged_capture_becomes_no_disk(office: Office, disk: Path, tmp_path: Path) -> None:
    job = office.arm()
    office.send(job, disk)
    pieces = office.folder(job) / PIECES
    whole = pieces.read_bytes()
    pieces.write_bytes(whole[:2000] + bytes([whole[2000] ^ 1]) + whole[2001:])
    with pytest.raises(ImageDamaged, match="piece is damaged"):
        office.rebuilt(job)
    pieces.write_bytes(whole)
    listed = office.folder(job) / LISTED
    (index,) = strict.loads(said.Captured, (office.folder(job) / CAPTURED).read_bytes()).index
    lines = listed.read_text().splitlines(keepends=True)
    listed.write_text("".join(one for one in lines if not one.startswith(index)))
    with pytest.raises(ImageDamaged, match="index is missing"):
        office.rebuilt(job)
    listed.unlink()
    with pytest.raises(ImageError, match="it is no capture: listed is missing"):
        office.rebuilt(job)


def test_no_loop_device_is_left(office: Office, disk: Path) -> None:
    broken(disk)
    office.send(office.arm(), disk)
    done = subprocess.run(["losetup", "-j", disk], capture_output=True, text=True, check=True)
    assert not done.stdout
