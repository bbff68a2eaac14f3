"""A Windows published as blocks, as a WIM, and from a .wim; then written by the agent."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from ictops.errors import ImageError
from ictops.imaging import unattend
from ictops.imaging.agent import ntfs
from ictops.imaging.images.publish import Published, publish
from ictops.imaging.images.signing import signing_of
from ictops.imaging.images.store import Store, Version, writing
from ictops.imaging.images.wims import WimChoice
from ictops.imaging.wire.job import Adapt, ImageRef
from tests.support import images
from tests.support import windows as synthetic
from tests.support.boot_server import boot_server
from tests.support.images import MIB, Signing
from tests.unit.imaging.agent.conftest import School

PROGRAM = bytes(range(255, -1, -1)) * 3000
TABLE = """label: gpt
unit: sectors
1 : start=2048, size=16384, type=c12a7328-f81f-11d2-ba4b-00a0c93ec93b
2 : start=18432, size=2048, type=e3c9e316-0b5c-4db8-817d-f92df00215ae
3 : start=20480, size=81920, type=ebd0a0a2-b9e5-4433-87c0-68b6b72699c7
4 : start=102400, size=8192, type=de94bba4-06d1-4d40-a16a-bfd50179d6ac
"""


@dataclass
class Shop:
    """A control box's image store."""

    folder: Path

    def __post_init__(self) -> None:
        self.store = Store(self.folder / "imaging/store")
        self.signing = signing_of(self.folder / "imaging")

    def disk(self, **given: object) -> Path:
        """Make the disk of a reference PC, as Windows' own Setup lays it out."""
        esp = images.esp_file(self.folder / "esp.img")
        loader = self.folder / "esp.efi"
        subprocess.run(["mmd", "-i", esp, "::/EFI/Microsoft", "::/EFI/Microsoft/Boot"], check=True)
        subprocess.run(
            ["mcopy", "-i", esp, loader, "::/EFI/Microsoft/Boot/bootmgfw.efi"], check=True
        )
        more = {"Windows/System32/program.exe": PROGRAM}
        system = synthetic.volume(
            self.folder / "system.img", self.folder, size=40 * MIB, more=more, **given
        )
        disk = self.folder / "disk.img"
        with disk.open("wb") as file:
            file.truncate(64 * MIB)
            for at, part in ((MIB, esp), (10 * MIB, system)):
                file.seek(at)
                file.write(part.read_bytes())
        subprocess.run(["sfdisk", "-q", disk], input=TABLE, text=True, check=True)
        return disk

    def publish(self, disk: Path, version: str, wim: WimChoice | None) -> Published:
        with writing(self.store) as work:
            return publish(
                disk, Version("win", version), store=self.store, signing=self.signing, work=work,
                seed=None, say=lambda _: None, wim=wim,
            )  # fmt: skip


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


@pytest.mark.parametrize("kind", ["blocks", "captured", "imported"])
def test_what_is_published_is_written_by_the_agent(shop: Shop, kind: str) -> None:
    disk = shop.disk()
    choice = None if kind == "blocks" else WimChoice()
    if kind == "imported":
        solid = shop.folder / "install.esd"
        subprocess.run(
            ["wimlib-imagex", "capture", shop.folder / "system.img", solid, "Education", "--solid"],
            check=True, capture_output=True,
        )  # fmt: skip
        choice = WimChoice(solid, "Education")
    made = shop.publish(disk, "1", choice)
    manifest = shop.store.manifest(Version("win", "1"))
    assert manifest.system == "windows"
    assert manifest.seed == "unattend"
    assert [one.content for one in manifest.partitions] == [
        "blocks", "empty", "blocks" if kind == "blocks" else "wim", "blocks",
    ]  # fmt: skip
    assert not any(one.grow for one in manifest.partitions)
    assert manifest.boot_entry is not None
    assert manifest.boot_entry.loader == "\\EFI\\Microsoft\\Boot\\bootmgfw.efi"
    signing = Signing(shop.signing.key, shop.folder / "imaging/signing/allowed_signers")
    with boot_server(shop.store.folder, shop.folder / "tls") as (files, sessions):
        school = School(shop.folder, signing, None, files, sessions)  # type: ignore[arg-type]
        adapt = Adapt(
            "LAB-07",
            files=unattend.files(unattend.Answers("LAB-07", "ictops")),
            random=unattend.RANDOM,
        )
        target = school.blank("target.img", size=80 * MIB)
        named = SimpleNamespace(ref=ImageRef("win", "1", made.digest))
        job = school.job(named, adapt=adapt)  # type: ignore[arg-type]
        end = school.run(job, target)
    assert end.outcome == "done", end
    volume = images.cut_out(target, manifest.partitions[2], shop.folder / "written")
    with ntfs.mounted(volume) as root:
        assert (root / "Windows/System32/program.exe").read_bytes() == PROGRAM
        assert "LAB-07" in (root / "Windows/Panther/unattend.xml").read_text()


def test_a_second_wim_adds_what_changed(shop: Shop) -> None:
    disk = shop.disk()
    shop.publish(disk, "1", WimChoice())
    with ntfs.mounted(shop.folder / "system.img") as root:
        (root / "Windows/AAA-new").write_bytes(b"new" * 2000)
    with disk.open("r+b") as file:
        file.seek(10 * MIB)
        file.write((shop.folder / "system.img").read_bytes())
    first = shop.store.manifest(Version("win", "1"))
    assert shop.publish(disk, "2", WimChoice()).added < first.stored * 0.1


@pytest.mark.parametrize("choice", [None, WimChoice()])
def test_a_windows_that_is_not_generalized_is_not_published(
    shop: Shop, choice: WimChoice | None
) -> None:
    disk = shop.disk(state="IMAGE_STATE_COMPLETE")
    before = disk.read_bytes()
    with pytest.raises(ImageError, match="sysprep /generalize"):
        shop.publish(disk, "1", choice)
    assert not shop.store.versions()
    assert disk.read_bytes() == before


def test_a_wim_that_does_not_fit_is_not_published(shop: Shop) -> None:
    disk = shop.disk()
    tree = shop.folder / "tree"
    synthetic.fill(tree, shop.folder)
    (tree / "large").write_bytes(images.random.Random(1).randbytes(45 * MIB))
    large = shop.folder / "install.wim"
    subprocess.run(
        ["wimlib-imagex", "capture", tree, large, "Home"], check=True, capture_output=True
    )
    with pytest.raises(ImageError, match=f"{40 * MIB} bytes"):
        shop.publish(disk, "1", WimChoice(large, "Home"))
    assert not shop.store.versions()
