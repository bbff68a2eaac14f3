"""Runs that capture a reference PC: which PC, of what it sends only the difference, and servers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ictops.errors import ImageError, PlanError
from ictops.operations.image_capture import begin_capture, captured_folder
from ictops.settings import load_settings
from ictops.store.journal import Journal
from tests.support.published import publish
from tests.unit.planning.test_plan_image import images, workspace

__all__ = ["workspace"]  # a fixture


def begin(name: str, host: str, version: str | None = None, **more: Any) -> dict[str, Any]:
    settings = load_settings()
    journal = Journal.open(settings.journal_url)
    try:
        run = journal.run(begin_capture(journal, settings, name, host, version=version, **more))
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
