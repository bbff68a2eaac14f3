"""``ictops image`` on small disks."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.support.captured import captured
from tests.support.disks import make_disk
from tests.unit.cli.conftest import Typed
from tests.unit.imaging.images.conftest import some_files


@pytest.fixture
def disk(tmp_path: Path) -> Path:
    return make_disk(tmp_path / "disk", some_files(1, 9))


def test_an_image_is_imported_listed_and_verified(typed: Typed, disk: Path) -> None:
    assert "no image yet" in typed("image", "list", code=0).out
    said = typed("image", "import", "room", str(disk), "--version", "1", code=0).out
    assert "room 1 is published: restored once, compared, and signed" in said
    assert (Path("state/imaging/signing/key").stat().st_mode & 0o777) == 0o600
    assert "room   1" in typed("image", "list", code=0).out
    (found,) = json.loads(typed("image", "list", "--json", code=0).out)
    assert (found["name"], found["firmware"], len(found["digest"])) == ("room", ["uefi"], 64)
    assert "1 version looked at, all whole" in typed("image", "verify", code=0).out
    again = typed("image", "import", "room", str(disk), "--version", "1", code=1).err
    assert "a published one never changes" in again


def test_a_virtual_machines_disk_is_the_same_image(typed: Typed, disk: Path) -> None:
    subprocess.run(
        ["qemu-img", "convert", "-O", "qcow2", disk, "vm.qcow2"], check=True, capture_output=True
    )
    typed("image", "capture", "room", str(disk), "--version", "1", code=0)
    done = json.loads(
        typed("image", "import", "room", "vm.qcow2", "--version", "2", "--json", code=0).out
    )
    assert done["added"] == 0
    assert done["used"] > 10**6


def test_a_disk_that_lies_on_another_file_is_refused(typed: Typed, disk: Path) -> None:
    command = ["qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw", "-b", str(disk), "vm.qcow2"]
    subprocess.run(command, check=True)
    assert "lies on another file" in typed("image", "import", "room", "vm.qcow2", code=1).err


def test_drivers_are_kept_by_a_name(typed: Typed) -> None:
    Path("unpacked").mkdir()
    assert "there is no driver" in typed("image", "drivers", "latitude", "unpacked", code=1).err
    Path("unpacked/e1d.inf").write_text("[Version]")
    done = json.loads(typed("image", "drivers", "latitude", "unpacked", "--json", code=0).out)
    assert Path("state/imaging/store/drivers", done["drivers"], "e1d.inf").exists()
    assert (Path("state/imaging/store").stat().st_mode & 0o777) == 0o700
    said = typed("image", "drivers", "latitude", "unpacked", code=0).out
    assert f"kept as {done['drivers']}" in said.replace("\n", "")


def test_damage_is_a_fault(typed: Typed, disk: Path) -> None:
    typed("image", "import", "room", str(disk), "--version", "1", code=0)
    (pack,) = Path("state/imaging/store/packs").glob("*/*")
    data = bytearray(pack.read_bytes())
    data[1000] ^= 1
    pack.write_bytes(data)
    said = typed("image", "verify", "room", "1", code=3).out
    assert (
        f"✗ room 1: the pack's bytes are not those that were stored (pack {pack.name[:12]})" in said
    )
    assert "1 damaged" in said
    (damage,) = json.loads(typed("image", "verify", "--json", code=3).out)["damages"]
    assert damage["pack"] == pack.name


def test_old_versions_are_pruned(typed: Typed, disk: Path) -> None:
    for version in "123":
        typed("image", "import", "room", str(disk), "--version", version, code=0)
    assert "give --keep" in typed("image", "prune", code=2).err
    assert "give --keep" in typed("image", "prune", "room", "1", "--keep", "1", code=2).err
    assert "removed room 1\n1 version removed, 0 B freed" in (
        typed("image", "prune", "--keep", "2", code=0).out
    )
    assert "no such image" in typed("image", "prune", "room", "1", code=1).err
    done = json.loads(typed("image", "prune", "room", "2", "3", "--json", code=0).out)
    assert done["freed"] > 10**5
    assert [one["version"] for one in done["versions"]] == ["2", "3"]
    assert json.loads(typed("image", "list", "--json", code=0).out) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("import", "Room", "disk"), "'Room' is no image's name"),
        (("import", "room", "disk", "--version", "../1"), "'../1' is no image's version"),
        (("import", "room", "nosuch"), "there is no such file"),
        (("capture", "room", "nosuch"), "there is no such disk or file"),
        (("import", "room", "site.yml"), "no partition table"),
        (("verify", "room"), "there is no such image"),
        (("build", "room", "--recipe", "nosuch.yml"), "there is no such recipe"),
    ],
)
def test_what_cannot_be_is_told(
    typed: Typed, disk: Path, words: tuple[str, ...], said: str
) -> None:
    assert said in typed("image", *words, code=1).err


def test_only_root_builds(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "only root" in typed("image", "build", "room", code=1).err


def test_a_capture_is_of_a_disk_or_of_a_host(typed: Typed, disk: Path) -> None:
    assert "give a disk of this machine, or --host" in typed("image", "capture", "room", code=2).err
    both = ("image", "capture", "room", str(disk), "--host", "oak-it1-01")
    assert "give a disk of this machine, or --host" in typed(*both, code=2).err


def test_what_was_captured_and_kept_is_published(typed: Typed, disk: Path, tmp_path: Path) -> None:
    folder = captured(disk, tmp_path / "kept")
    typed("image", "capture", "room", str(disk), "--version", "1", code=0)
    again = ("image", "capture", "room", str(folder), "--version", "2", "--json")
    assert json.loads(typed(*again, code=0).out)["added"] == 0
    (folder / "captured.json").unlink()
    fault = typed("image", "capture", "room", str(folder), code=1).err
    assert "it is no capture: captured.json is missing" in fault
