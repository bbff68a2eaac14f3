"""Runs that capture a reference PC: which PC, what it sends, servers, and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ictops.errors import ImageError, PlanError
from ictops.operations.finish import finish
from ictops.operations.image_capture import Becomes, begin_capture, captured_folder
from ictops.settings import load_settings
from ictops.store.journal import Journal
from ictops.store.records import OutcomeName, Settled
from tests.support.captured import captured
from tests.support.disks import make_disk
from tests.support.journals import NOW, start
from tests.support.published import publish
from tests.unit.imaging.images.conftest import some_files
from tests.unit.planning.test_plan_image import images, workspace

__all__ = ["workspace"]  # a fixture


def begin(name: str, host: str, version: str | None = None, **more: Any) -> dict[str, Any]:
    settings = load_settings()
    journal = Journal.open(settings.journal_url)
    try:
        image = Becomes(name, version)
        run = journal.run(begin_capture(journal, settings, host, image, **more))
        assert run.operation == "image-capture"
        assert run.now_reason
        plan: dict[str, Any] = json.loads(run.plan)
        return plan
    finally:
        journal.close()


def test_it_is_for_one_pc_and_at_once(workspace):
    plan = begin("room", "oak-it1-01")
    assert plan["playbook"] == "image_capture.yml"
    assert [host for site in plan["sites"].values() for wave in site["waves"]
            for host in wave["hosts"]] == ["oak-it1-01"]  # fmt: skip
    assert plan["extra_vars"]["workstation_image_seeds"] == []
    folder = captured_folder(load_settings(), "r", "h").parents[1]
    assert folder == images(workspace).path / "captured"
    assert folder.stat().st_mode & 0o777 == 0o700, "it will hold a whole disk"


def test_of_the_newest_version_only_the_difference_is_sent(workspace):
    publish(images(workspace), "room", "1")
    publish(images(workspace), "other", "1")
    digest = publish(images(workspace), "room", "2")
    seeds = begin("room", "oak-it1-01")["extra_vars"]["workstation_image_seeds"]
    assert [(one["name"], one["digest"]) for one in seeds] == [("room", digest)]


def test_what_cannot_be_published_is_not_begun(workspace):
    publish(images(workspace), "room", "1")
    for name, version, why in (
        ("room", "1", "this version is published"),
        ("Room", None, "'Room' is no image's name"),
        ("room", "../x", "is no image's version"),
    ):
        with pytest.raises(ImageError, match=why):
            begin(name, "oak-it1-01", version)


def test_only_a_workstation_is_captured_by_the_way(workspace):
    with pytest.raises(PlanError, match="not in the inventory: oak"):
        begin("room", "oak*")
    with pytest.raises(PlanError, match="in the group servers"):
        begin("room", "oak-srv-01")
    with pytest.raises(PlanError, match="named one by one"):
        begin("room", "oak-it1-01", and_servers=True)


@pytest.fixture
def journal(workspace: Path) -> Iterator[Journal]:
    journal = Journal.open(load_settings().journal_url)
    yield journal
    journal.close()


def carried(journal: Journal, image: Becomes, disk: Path, outcome: OutcomeName) -> str:
    """Give a run whose process was lost, and which another has carried to its end since."""
    host = "oak-it1-01"
    run = begin_capture(journal, load_settings(), host, image)
    lease = journal.acquire(run, at=NOW)
    shard = start(lease, [host])
    assert shard is not None
    folder = captured_folder(load_settings(), run, host)
    folder.parent.mkdir()
    captured(disk, folder)
    settled = [Settled(host, "ended", outcome)]
    lease.end_shard(shard.id, status="successful", reason="", settled=settled, at=NOW)
    lease.let_go("finished", "", at=NOW)
    return run


def test_whoever_carries_it_to_its_end_publishes_it(workspace, journal, tmp_path):
    disk = make_disk(tmp_path / "disk", some_files(1))
    run = carried(journal, Becomes("room", "7", "nocloud"), disk, "changed")
    made = finish(journal, load_settings(), run)
    assert made is not None
    assert (made.name, made.version) == ("room", "7")
    assert images(workspace).find("room", "7").manifest.seed == "nocloud"
    assert not list((images(workspace).path / "captured").iterdir())
    assert finish(journal, load_settings(), run) is None, "to do it again changes nothing"


def test_what_cannot_be_published_is_kept_and_it_is_said_how_to_do_it(workspace, journal, tmp_path):
    disk = make_disk(tmp_path / "disk", {}, loader="EFI/nothing")
    run = carried(journal, Becomes("room", "7", "files"), disk, "changed")
    with pytest.raises(ImageError, match="nothing on it boots") as told:
        finish(journal, load_settings(), run)
    folder = captured_folder(load_settings(), run, "oak-it1-01")
    assert folder.is_dir()
    command = f"'ictops image capture room {folder} --version 7 --seed files' publishes it"
    assert command in str(told.value.do)


def test_what_was_not_captured_whole_is_not_published(workspace, journal, tmp_path):
    disk = make_disk(tmp_path / "disk", some_files(1))
    run = carried(journal, Becomes("room"), disk, "failed")
    assert finish(journal, load_settings(), run) is None
    assert not images(workspace).store.versions()
