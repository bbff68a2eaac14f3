"""The whole way, from claim to end, on a sparse file."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from ictops.imaging.agent.disk import Disk, Part
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire import said
from ictops.imaging.wire.job import Adapt, DiskChoice, Multicast, SeedFile
from tests.support import images
from tests.support.images import MIB, Image
from tests.unit.imaging.agent.conftest import School, Versions

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIO1bAFNNZ8JEMJX6GFPc7QF1bLkWm3GXeRFsHsfk3Xyz ops"


def system_of(disk: Path, image: Image, folder: Path, size: int = 0) -> Path:
    """Cut the system's file system out, and see that it is without fault."""
    root = image.manifest.partitions[-1]
    end = disk.stat().st_size // MIB * MIB - MIB if root.grow else root.end
    grown = images.replace(root, size=end - root.start)
    system = images.cut_out(disk, grown, folder / "cut.img")
    done = subprocess.run(["e2fsck", "-fn", system], check=False, capture_output=True)
    assert done.returncode == 0, done.stdout
    return system


def debugfs(system: Path, command: str) -> str:
    done = subprocess.run(
        ["debugfs", "-R", command, system], check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.mark.parametrize("size", [59 * MIB, 96 * MIB, 97 * MIB + 512 * 7])
def test_a_whole_image_is_written_as_it_was_made(
    school: School, versions: Versions, size: int
) -> None:
    disk = school.blank(size=size)
    end = school.run(school.job(versions.fixed), disk)
    assert end.outcome == "done", end
    assert images.differing_places(disk, versions.fixed) == []
    assert disk.read_bytes()[:440] == images.BOOT_CODE
    assert end.written == versions.fixed.manifest.used
    assert end.fetched == school.files.sent == versions.fixed.manifest.stored
    system_of(disk, versions.fixed, school.folder)
    assert school.sessions.ends == [end]
    assert list(end.steps) == [
        "claimed", "looking", "partitioning", "fetching", "verifying", "adapting", "finishing",
    ]  # fmt: skip
    assert 0 < sum(end.steps.values()) <= end.seconds + 0.01
    told = subprocess.run(["sfdisk", "--verify", disk], check=True, capture_output=True, text=True)
    assert "No errors" in told.stdout


def test_a_pc_of_a_room_fetches_by_itself_where_there_is_no_multicast(
    school: School, versions: Versions
) -> None:
    disk = school.blank()
    room = school.job(versions.fixed, multicast=Multicast("room", 2))
    end = school.run(room, disk)
    assert end.outcome == "done", end
    assert end.fetched == versions.fixed.manifest.stored
    assert end.notes == ("this PC fetches by itself: this boot server has no multicast",)
    assert images.differing_places(disk, versions.fixed) == []
    assert school.run(room, disk).notes == ()  # it has all, and says that nobody need wait for it
    asked = [one for path, one in school.sessions.heard if path == "ready"]
    assert [bool(one.packs) for one in asked] == [True, False]


def test_the_last_partition_fills_the_disk(school: School, versions: Versions) -> None:
    disk = school.blank(size=300 * MIB)
    assert school.run(school.job(versions.first), disk).outcome == "done"
    system = system_of(disk, versions.first, school.folder)
    blocks = next(
        one for one in debugfs(system, "stats -h").splitlines() if one.startswith("Block count:")
    )
    assert int(blocks.split()[-1]) * images.BLOCK == system.stat().st_size > 280 * MIB


def test_a_file_system_that_was_in_use_grows_too(school: School, versions: Versions) -> None:
    system = school.folder / "used.img"
    system.write_bytes(versions.first.contents[2].read_bytes())
    folder = school.folder / "mounted"
    folder.mkdir()
    subprocess.run(["mount", "-o", "loop", system, folder], check=True)
    try:
        (folder / "etc/used").write_text("by a person")
    finally:
        subprocess.run(["umount", folder], check=True)
    parts = images.partitions(versions.first.contents[1], system)
    captured = school.store.add("captured", school.folder.name.replace("_", "-"), parts)
    disk = school.blank(size=200 * MIB)
    end = school.run(school.job(captured, adapt=Adapt("pc-01")), disk)
    assert end.outcome == "done", end
    grown = system_of(disk, captured, school.folder)
    assert debugfs(grown, "cat /etc/used") == "by a person"
    blocks = next(one for one in debugfs(grown, "stats -h").splitlines() if "Block count:" in one)
    assert int(blocks.split()[-1]) * images.BLOCK == grown.stat().st_size


def test_an_unchanged_pc_fetches_next_to_nothing(school: School, versions: Versions) -> None:
    disk = school.blank()
    adapt = Adapt("pc-01", authorized_keys={"root": (KEY,)})
    assert school.run(school.job(versions.first, adapt=adapt), disk).outcome == "done"
    again = school.run(school.job(versions.first, adapt=adapt), disk)
    assert again.outcome == "done", again
    assert again.fetched < versions.first.manifest.stored * 0.02 + 600_000
    assert again.reused > versions.first.manifest.used * 0.8


def test_an_image_written_twice_is_fetched_once(school: School, versions: Versions) -> None:
    disk = school.blank()
    assert school.run(school.job(versions.fixed), disk).outcome == "done"
    again = school.run(school.job(versions.fixed), disk)
    assert (again.outcome, again.fetched, again.written) == ("done", 0, 0)
    assert images.differing_places(disk, versions.fixed) == []
    assert disk.read_bytes()[:440] == images.BOOT_CODE


def test_the_next_version_fetches_only_what_is_new(school: School, versions: Versions) -> None:
    disk = school.blank()
    assert school.run(school.job(versions.fixed), disk).outcome == "done"
    end = school.run(school.job(versions.second, seeds=(versions.fixed.ref,)), disk)
    assert end.outcome == "done", end
    assert images.differing_places(disk, versions.second) == []
    old = {one.digest for one in versions.fixed.index.pieces}
    new = sum(one.stored for one in versions.second.index.pieces if one.digest not in old)
    # A chunk of zeros that is new may still be found where the disk has nothing else.
    assert new * 0.9 < end.fetched <= new < versions.second.manifest.stored * 0.4


def test_a_rebuilt_file_system_takes_over_what_moved(school: School, versions: Versions) -> None:
    disk = school.blank()
    assert school.run(school.job(versions.fixed), disk).outcome == "done"
    end = school.run(school.job(versions.rebuilt, seeds=(versions.fixed.ref,)), disk)
    assert end.outcome == "done", end
    assert images.differing_places(disk, versions.rebuilt) == []
    assert end.fetched < versions.rebuilt.manifest.stored * 0.4


def test_a_disk_with_another_table_is_taken_over(school: School, versions: Versions) -> None:
    disk = school.blank()
    script = "label: dos\nstart=2048,size=60000,type=83\nstart=70000,size=60000,type=ef\n"
    subprocess.run(["sfdisk", "-q", disk], input=script.encode(), check=True)
    with disk.open("r+b") as file:
        for at in (2048 * 512, 70000 * 512):
            file.seek(at)
            file.write(b"an old system" * 100)
    end = school.run(school.job(versions.fixed), disk)
    assert end.outcome == "done", end
    assert images.differing_places(disk, versions.fixed) == []


def test_the_system_becomes_this_host(school: School, versions: Versions) -> None:
    disk = school.blank()
    adapt = Adapt(
        "pc-01.oak",
        authorized_keys={"root": (KEY,), "ops": (KEY, KEY)},
        files=(SeedFile("/var/lib/cloud/seed/nocloud/user-data", "join: WORD\n", 0o600),),
        secret="WORD",
    )
    end = school.run(school.job(versions.first, adapt=adapt), disk)
    assert end.outcome == "done", end
    system = system_of(disk, versions.first, school.folder)
    assert debugfs(system, "cat /etc/hostname") == "pc-01\n"
    assert "127.0.1.1 pc-01.oak pc-01\n" in debugfs(system, "cat /etc/hosts")
    assert "golden" not in debugfs(system, "cat /etc/hosts")
    assert debugfs(system, "cat /etc/machine-id") == ""
    assert debugfs(system, "cat /home/ops/.ssh/authorized_keys") == f"{KEY}\n{KEY}\n"
    told = debugfs(system, "stat /home/ops/.ssh/authorized_keys")
    assert "Mode:  0600" in told
    assert "User:  1000   Group:  1001" in told
    assert "Mode:  0700" in debugfs(system, "stat /home/ops/.ssh")
    seed = "/var/lib/cloud/seed/nocloud/user-data"
    assert debugfs(system, f"cat {seed}") == "join: s3cret\n"
    assert "Mode:  0600" in debugfs(system, f"stat {seed}")
    (keys,) = [one for _, one in school.sessions.heard if isinstance(one, said.HostKeys)]
    assert [one.split()[0] for one in keys.keys] == ["ssh-ed25519", "ecdsa-sha2-nistp256"]
    assert debugfs(system, "cat /etc/ssh/ssh_host_ed25519_key.pub").split()[:2] == (
        keys.keys[0].split()
    )
    assert "OPENSSH PRIVATE KEY" in debugfs(system, "cat /etc/ssh/ssh_host_ed25519_key")


def test_progress_is_told(school: School, versions: Versions) -> None:
    assert school.run(school.job(versions.fixed), school.blank()).outcome == "done"
    steps = [one for _, one in school.sessions.heard if isinstance(one, said.Progress)]
    assert steps
    assert all(one.done <= one.total or not one.total for one in steps)


def untouched(disk: Path, before: bytes) -> bool:
    return disk.read_bytes() == before


def some_disk(school: School, size: int = 96 * MIB) -> tuple[Path, bytes]:
    disk = school.blank(size=size)
    with disk.open("r+b") as file:
        file.write(b"what was there" * 100_000)
    return disk, disk.read_bytes()


def test_a_disk_that_is_too_small_is_left_as_it_is(school: School, versions: Versions) -> None:
    disk, before = some_disk(school, 40 * MIB)
    end = school.run(school.job(versions.first), disk)
    assert (end.outcome, end.fault) == ("failed", "disk-small")
    assert untouched(disk, before)


def test_a_disk_is_known_by_its_serial_number(school: School, versions: Versions) -> None:
    disk, before = some_disk(school)
    end = school.run(school.job(versions.first, disk=DiskChoice(serial="other")), disk)
    assert (end.outcome, end.fault) == ("failed", "disk-missing")
    assert "serial S1" in end.message
    assert untouched(disk, before)


def test_a_read_only_disk_is_told(school: School, versions: Versions) -> None:
    disk, before = some_disk(school)
    made = subprocess.run(
        ["losetup", "--read-only", "--find", "--show", disk], check=True, capture_output=True
    )
    device = Path(made.stdout.decode().strip())
    try:
        end = school.run(school.job(versions.first), device)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
    assert (end.outcome, end.fault) == ("failed", "disk-failing")
    assert "read-only" in end.message
    assert untouched(disk, before)


def test_a_block_device_is_written_like_a_file(school: School, versions: Versions) -> None:
    disk = school.blank()
    made = subprocess.run(["losetup", "--find", "--show", disk], check=True, capture_output=True)
    device = Path(made.stdout.decode().strip())
    try:
        size = disk.stat().st_size
        has = said.Disk(str(device), "S1", "loop", size, "", False, False)
        machine = school.machine(disk)
        machine = images.replace(machine, hardware=images.replace(machine.hardware, disks=(has,)))
        end = school.run_on(school.job(versions.first, adapt=Adapt("pc-01")), machine)
    finally:
        subprocess.run(["losetup", "--detach", device], check=True)
    assert end.outcome == "done", end
    system_of(disk, versions.first, school.folder)


class Lossy(Disk):
    """A disk that loses what is written to one place."""

    def write(self, offset: int, parts: list[Part]) -> None:  # type: ignore[override]
        size = sum(map(len, parts))
        if offset <= 20 * MIB < offset + size:
            return
        super().write(offset, parts)


class Broken(Disk):
    """A disk that cannot be written any more at some place."""

    def write(self, offset: int, parts: list[Part]) -> None:  # type: ignore[override]
        if offset > 20 * MIB:
            raise JobFailed("disk-failing", "writing failed: Input/output error")
        super().write(offset, parts)


class Unreadable(Disk):
    """A disk that takes what is written to some place and does not give it back."""

    def read(self, offset: int, into: memoryview | bytearray) -> None:
        if offset + len(into) > 20 * MIB:
            raise JobFailed("disk-failing", "reading failed: Input/output error")
        super().read(offset, into)


@pytest.mark.parametrize("kind", [Lossy, Broken, Unreadable])
def test_a_failing_disk_is_told_and_does_not_boot(
    school: School, versions: Versions, kind: type[Disk]
) -> None:
    disk = school.blank()
    end = school.run(school.job(versions.first), disk, open_disk=kind)
    assert (end.outcome, end.fault) == ("failed", "disk-failing")
    assert not images.bootable(disk, versions.first)


def test_a_disk_that_loses_its_boot_block_is_told(school: School, versions: Versions) -> None:
    class LosesEsp(Disk):
        def write(self, offset: int, parts: list[Part]) -> None:  # type: ignore[override]
            if offset != MIB:
                super().write(offset, parts)

    disk = school.blank()
    end = school.run(school.job(versions.first), disk, open_disk=LosesEsp)
    assert (end.outcome, end.fault) == ("failed", "disk-failing")
    assert not images.bootable(disk, versions.first)
