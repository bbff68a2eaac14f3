"""A Windows image by the whole agent: as blocks, and as a WIM."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from ictops.imaging import unattend
from ictops.imaging.agent import hive, ntfs, windows
from ictops.imaging.agent.disk import Disk
from ictops.imaging.images import wim as store_wim
from ictops.imaging.images.drivers import publish
from ictops.imaging.wire.job import Adapt, SeedFile
from ictops.imaging.wire.manifest import BootEntry, Content, Partition
from tests.support import images
from tests.support import windows as synthetic
from tests.support.boot_server import boot_server
from tests.support.images import MIB, Image, Signing, Store
from tests.unit.imaging.agent.conftest import School
from tests.unit.imaging.agent.healing import CACHE, DISK, area_of, cache_of, give, heal

ESP, MSR = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "e3c9e316-0b5c-4db8-817d-f92df00215ae"
DATA = "ebd0a0a2-b9e5-4433-87c0-68b6b72699c7"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEB ictops"
ADAPT = Adapt(
    host_name="LAB-07",
    authorized_keys={"ictops": (KEY,)},
    files=unattend.files(unattend.Answers("LAB-07", "ictops", join=True)),
    secret=unattend.SECRET,
    random=unattend.RANDOM,
)
PROGRAM = bytes(range(255, -1, -1)) * 3000


@dataclass
class Entries:
    """What a firmware was told."""

    added: list[BootEntry] = field(default_factory=list)

    def remove(self, _label: str, _partitions: Collection[str]) -> None:
        self.added.clear()

    def add(self, entry: BootEntry, _disk: Path) -> None:
        self.added.append(entry)

    def disk_next(self) -> None:
        pytest.fail("the disk boots by its entry")


def guid(number: int) -> str:
    return f"bbbbbbbb-0000-4000-8000-{number:012}"


def partitions(
    esp: Path, system: Path, content: Content, *, grow: bool = True
) -> list[tuple[Partition, Path]]:
    """Lay a Windows out as its own Setup does: ESP, Microsoft's reserved partition, system."""
    reserved = Partition(2, guid(2), MSR, "Microsoft reserved", 10 * MIB, MIB, "none", "empty")
    first = Partition(1, guid(1), ESP, "EFI", MIB, esp.stat().st_size, "vfat", "blocks")
    last = Partition(
        3, guid(3), DATA, "Windows", 12 * MIB, 40 * MIB, "ntfs", content, grow=grow
    )  # fmt: skip
    return [(first, esp), (reserved, esp), (last, system)]


@dataclass(frozen=True)
class Windows:
    """The same Windows, as blocks and as a WIM; and one that was never generalized."""

    store: Store
    signing: Signing
    blocks: Image
    still: Image
    """As blocks, in a partition that does not grow."""
    wim: Image
    living: Image


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Windows:
    folder = tmp_path_factory.mktemp("windows")
    signing = Signing.make(folder / "signing")
    store = Store(folder / "root", signing)
    esp = images.esp_file(folder / "esp.img")
    more = {"Windows/System32/program.exe": PROGRAM}
    volume = synthetic.volume(folder / "system.img", folder, size=40 * MIB, more=more)
    living = synthetic.volume(
        folder / "living.img", folder, size=40 * MIB, state="IMAGE_STATE_COMPLETE"
    )
    captured = folder / "system.wim"
    with store_wim.captured(volume) as stream, captured.open("wb") as file:
        file.write(stream.read())
    return Windows(
        store,
        signing,
        store.add("win", "blocks", partitions(esp, volume, "blocks"), windows=True),
        store.add("win", "still", partitions(esp, volume, "blocks", grow=False), windows=True),
        store.add("win", "wim", partitions(esp, captured, "wim"), windows=True),
        store.add("win", "living", partitions(esp, living, "blocks"), windows=True),
    )


@pytest.fixture
def school(made: Windows, tmp_path: Path) -> Iterator[School]:
    with boot_server(made.store.root, tmp_path / "tls") as (files, sessions):
        yield School(tmp_path, made.signing, made.store, files, sessions)


def system_of(disk: Path, image: Image, to: Path) -> Path:
    """Cut the Windows volume out of a disk, and see that it is whole and of its full size."""
    last = image.manifest.partitions[-1]
    end = disk.stat().st_size // MIB * MIB - MIB if last.grow else last.end
    volume = images.cut_out(disk, dataclasses.replace(last, size=end - last.start), to)
    ntfs.check(volume)
    told = subprocess.run(
        ["ntfsresize", "--info", "--force", "--no-progress-bar", volume],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    size = next(line for line in told.splitlines() if line.startswith("Current volume size"))
    assert 0 <= volume.stat().st_size - int(size.split()[3]) < 8192
    return volume


@pytest.mark.parametrize("kind", ["blocks", "still", "wim"])
def test_a_windows_becomes_its_host(school: School, made: Windows, kind: str) -> None:
    image, entries, disk = getattr(made, kind), Entries(), school.blank(size=90 * MIB)
    end = school.run(school.job(image, adapt=ADAPT), disk, entries=entries)
    assert end.outcome == "done", end
    assert end.fetched == image.manifest.stored
    assert entries.added == [image.manifest.boot_entry]
    table = subprocess.run(["sfdisk", "--json", disk], check=True, capture_output=True, text=True)
    for number in (1, 2, 3):
        assert guid(number).upper() in table.stdout, "a captured BCD names partitions by GUID"
    with ntfs.mounted(system_of(disk, image, school.folder / "volume")) as root:
        assert hive.get(root / synthetic.SOFTWARE, "ictops", "HostName") == "LAB-07"
        assert hive.get(root / synthetic.SOFTWARE, "ictops", "Version") == image.manifest.version
        xml = (root / "Windows/Panther/unattend.xml").read_text()
        assert "<ComputerName>LAB-07</ComputerName>" in xml
        assert "<AccountData>s3cret</AccountData>" in xml
        assert (root / "Windows/System32/program.exe").read_bytes() == PROGRAM
        public = (root / "ProgramData/ssh/ssh_host_ed25519_key.pub").read_text().strip()
    told = [message for path, message in school.sessions.heard if path == "host-keys"]
    assert [one.keys for one in told] == [(public,)]
    assert "s3cret" not in "".join(school.screen)


def test_blocks_are_written_as_they_were_made(school: School, made: Windows) -> None:
    disk = school.blank(size=90 * MIB)
    assert school.run(school.job(made.still), disk).outcome == "done"
    assert images.differing_places(disk, made.still) == []
    again = school.run(school.job(made.still), disk)
    assert (again.outcome, again.fetched) == ("done", 0)


def test_drivers_by_model_come_from_the_boot_server(school: School, made: Windows) -> None:
    source = school.folder / "drivers"
    source.mkdir()
    (source / "net card.inf").write_bytes(b"[Version]")
    folder = publish(source, made.store.root, "test-pc")
    adapt = dataclasses.replace(ADAPT, drivers={"te*": folder, "*": f"x/{'0' * 64}"})
    disk = school.blank(size=90 * MIB)
    end = school.run(school.job(made.wim, adapt=adapt), disk)
    assert end.outcome == "done", end
    with ntfs.mounted(system_of(disk, made.wim, school.folder / "volume")) as root:
        assert (root / windows.DRIVERS / "net card.inf").read_bytes() == b"[Version]"


@pytest.mark.parametrize("kind", ["blocks", "wim"])
def test_a_failed_adaptation_leaves_nothing_that_boots(
    school: School, made: Windows, kind: str
) -> None:
    image, entries, disk = getattr(made, kind), Entries(), school.blank(size=90 * MIB)
    adapt = dataclasses.replace(ADAPT, files=(*ADAPT.files, SeedFile("../x", "x")))
    end = school.run(school.job(image, adapt=adapt), disk, entries=entries)
    assert (end.outcome, end.fault) == ("failed", "job-refused")
    assert not images.bootable(disk, image)
    assert entries.added == []


def test_a_windows_that_was_not_generalized_is_refused(school: School, made: Windows) -> None:
    disk = school.blank(size=90 * MIB)
    end = school.run(school.job(made.living, adapt=ADAPT), disk)
    assert (end.outcome, end.fault) == ("failed", "image-damaged")
    assert "sysprep /generalize" in end.message
    assert not images.bootable(disk, made.living)
    assert not [path for path, _ in school.sessions.heard if path == "secret"]


class Lying(Disk):
    """A disk on which one sector changes when all has been written."""

    def forget(self) -> None:
        super().forget()
        data = self.path.read_bytes()
        at = data.find(PROGRAM[:65536], 12 * MIB)
        if at > 0:
            super().write(at + 4096, [b"X" * 512])


def test_a_disk_that_lies_is_found_out(school: School, made: Windows) -> None:
    disk = school.blank(size=90 * MIB)
    end = school.run(school.job(made.wim, adapt=ADAPT), disk, open_disk=Lying)
    assert (end.outcome, end.fault) == ("failed", "disk-failing")
    assert "program.exe" in end.message
    assert not images.bootable(disk, made.wim)


def test_a_piece_that_is_damaged_at_the_server_is_not_applied(
    school: School, made: Windows
) -> None:
    disk = school.blank(size=90 * MIB)
    school.files.spoil = lambda path, _, data: (
        data[:-1] + b"X" if path.startswith("/packs/") else data
    )
    end = school.run(school.job(made.wim, adapt=ADAPT), disk)
    assert (end.outcome, end.fault) == ("failed", "image-damaged")
    assert not images.bootable(disk, made.wim)


def test_a_wim_that_broke_off_is_applied_anew(school: School, made: Windows) -> None:
    disk = school.blank(size=90 * MIB)
    school.patience = dataclasses.replace(school.patience, gone=0.3)
    pieces = made.wim.index.pieces
    late = max(one.offset for one in pieces)
    school.files.spoil = lambda path, first, data: (
        data[: max(0, late - first)] if path.startswith("/packs/") else data
    )
    end = school.run(school.job(made.wim, adapt=ADAPT), disk)
    assert (end.outcome, end.fault) == ("failed", "server-gone")
    assert not images.bootable(disk, made.wim)
    school.files.spoil = None
    again = school.run(school.job(made.wim, adapt=ADAPT), disk)
    assert again.outcome == "done", again
    with ntfs.mounted(system_of(disk, made.wim, school.folder / "volume")) as root:
        assert (root / "Windows/System32/program.exe").read_bytes() == PROGRAM


def cached(school: School, made: Windows) -> Path:
    """Give the disk of a PC with a Windows, that keeps its pieces."""
    disk = school.blank(size=DISK)
    end = school.run(school.job(made.wim, adapt=ADAPT, cache=CACHE), disk)
    # Each piece is kept as it comes, and comes once.
    assert (end.outcome, end.notes, end.fetched) == ("done", (), made.wim.manifest.stored), end
    return disk


def test_a_wim_comes_from_the_cache(school: School, made: Windows) -> None:
    disk = cached(school, made)
    end = school.run(school.job(made.wim, kind="heal", adapt=ADAPT), disk)
    assert (end.outcome, end.fetched, school.files.sent) == ("done", 0, 0), end
    last = made.wim.manifest.partitions[-1]
    grown = dataclasses.replace(last, size=area_of(disk).start - last.start)
    with ntfs.mounted(images.cut_out(disk, grown, school.folder / "volume")) as root:
        assert (root / "Windows/System32/program.exe").read_bytes() == PROGRAM
        assert hive.get(root / synthetic.SOFTWARE, "ictops", "HostName") == "LAB-07"


def test_a_windows_is_not_taken_away_where_it_cannot_be_put_back(
    school: School, made: Windows
) -> None:
    disk = cached(school, made)
    index, last = made.wim.index, made.wim.manifest.partitions[-1].number
    of_wim = {index.chunks[one.chunk].piece for one in index.places if one.partition == last}
    others = {index.chunks[one.chunk].piece for one in index.places if one.partition != last}
    (piece,) = sorted(of_wim - others)[:1]
    lost = index.pieces[piece]
    pack = index.packs[lost.pack].digest.hex()
    with cache_of(disk) as folder, (folder / "packs" / pack[:2] / pack).open("r+b") as file:
        file.seek(lost.offset)
        file.write(bytes(lost.stored))
    school.files.stop()
    school.patience = dataclasses.replace(school.patience, gone=0.3)
    end = school.run(school.job(made.wim, kind="heal", adapt=ADAPT), disk)
    assert (end.outcome, end.fault) == ("failed", "server-gone"), end
    assert images.bootable(disk, made.wim)


def test_a_windows_is_not_put_back_by_the_pc_alone(school: School, made: Windows) -> None:
    disk = cached(school, made)
    give(school, disk, school.job(made.wim, kind="heal", adapt=Adapt("LAB-07")))
    end, whole = heal(school, disk)
    assert (end.outcome, end.fault, whole) == ("failed", "job-refused", True), end
    assert images.bootable(disk, made.wim)
