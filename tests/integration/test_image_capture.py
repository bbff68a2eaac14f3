"""A reference PC is captured by one command: the real service, real ssh, a disk's real pieces."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.captured import captured
from tests.support.disks import make_disk
from tests.support.imaged import PC, SERVER, School, school
from tests.support.runs import newest, opened, outcomes, root_of
from tests.unit.imaging.images.conftest import some_files

pytestmark = [pytest.mark.lab, pytest.mark.imaging]


@pytest.fixture(scope="module")
def oak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    with school(tmp_path_factory.mktemp("imaging")) as one:
        # Its image is a name alone, and here the store is used.
        shutil.rmtree(one.workspace.folder / "state/imaging/store/images")
        yield one


def test_a_reference_pc_becomes_an_image(oak: School, tmp_path: Path):
    workspace = oak.workspace
    disk = make_disk(tmp_path / "disk", some_files(1))
    workspace.ictops("image", "import", "room", str(disk), "--version", "1")
    newer = make_disk(tmp_path / "newer", {**some_files(1), "more": b"more" * 9999})
    drop = captured(newer, tmp_path / "drop")
    words = ("--job", str(tmp_path / "job"), "--captured", str(drop))
    with oak.pc(*words) as pc:
        said = workspace.json("image", "capture", "room", "--host", PC, "--version", "2")
        assert pc.wait(60) == 0
    assert outcomes(workspace, newest(workspace)) == {PC: "changed"}
    job = json.loads((tmp_path / "job").read_text())
    assert (job["kind"], job["then"], job["image"]) == ("capture", "reboot", None)
    assert [(one["name"], one["version"]) for one in job["seeds"]] == [("room", "1")]
    assert (said["image"]["name"], said["image"]["version"]) == ("room", "2")
    assert 0 < said["image"]["added"] < 500_000
    versions = [one["version"] for one in workspace.json("image", "list", "room")]
    assert versions == ["1", "2"]
    folder = workspace.folder / "state/imaging/captured"
    assert not list(folder.iterdir()), "what is published is kept no longer"
    assert not list((root_of(workspace, SERVER) / "var/lib/ictops-imaging/captured").iterdir())
    with opened(workspace) as journal:
        assert journal.runs(limit=1)[0].title == f"capture of {PC} as room"


def test_a_capture_that_cannot_be_published_is_kept(oak: School, tmp_path: Path):
    workspace = oak.workspace
    disk = make_disk(tmp_path / "disk", {}, loader="EFI/nothing")
    drop = captured(disk, tmp_path / "drop")
    with oak.pc("--captured", str(drop)) as pc:
        fault = workspace.ictops("image", "capture", "other", "--host", PC, code=1)
        assert pc.wait(60) == 0
    assert "nothing on it boots" in fault
    (folder,) = (workspace.folder / "state/imaging/captured").glob("*/*")
    assert f"ictops image capture other {folder}" in " ".join(fault.split())
    again = workspace.ictops("image", "capture", "other", str(folder), code=1)
    assert "nothing on it boots" in again


def test_a_pc_that_cannot_be_captured_is_told(oak: School):
    workspace = oak.workspace
    with oak.pc("--fault", "image-damaged") as pc:
        said = workspace.ictops("image", "capture", "third", "--host", PC, code=4)
        assert pc.wait(60) == 0
    assert "image-damaged: it was told to fail" in said
    assert not workspace.json("image", "list", "third")
