"""Runs that put PCs back to their image: which image, which hosts, and when."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest

from ictops.errors import ImageError, PlanError
from ictops.operations.image_heal import begin_heal
from ictops.settings import load_settings
from ictops.store.journal import Journal
from ictops.store.records import HostImageRecord
from tests.support.published import publish
from tests.unit.planning.test_plan_image import images, see, workspace

__all__ = ["workspace"]  # a fixture
NOW = datetime.now(UTC)


def begin(*hosts: str, image: str | None = None) -> dict:
    settings = load_settings()
    journal = Journal.open(settings.journal_url)
    try:
        run = journal.run(begin_heal(journal, settings, hosts, "it is broken", image))
        assert (run.operation, run.now_reason) == ("image-heal", "it is broken")
        return json.loads(run.plan)
    finally:
        journal.close()


def test_each_pc_gets_the_image_that_it_was_given_last(workspace):
    for host, version in (("oak-it1-01", "1"), ("oak-it1-02", "2")):
        see(HostImageRecord("demo", host, "pc", version, version * 64, NOW))
    plan = begin("oak-it1-01", "oak-it1-02")
    healed = plan["extra_vars"]["workstation_image_heal"]
    assert {host: one["version"] for host, one in healed.items()} == {
        "oak-it1-01": "1",
        "oak-it1-02": "2",
    }
    assert plan["playbook"] == "image_heal.yml"
    assert [host for site in plan["sites"].values() for wave in site["waves"]
            for host in wave["hosts"]] == ["oak-it1-01", "oak-it1-02"]  # fmt: skip


def test_a_named_image_is_taken_and_one_that_nobody_knows_is_asked_for(workspace):
    digest = publish(images(workspace), "pc", "2026.1")
    healed = begin("oak-it1-01", image="pc")["extra_vars"]["workstation_image_heal"]
    assert healed["oak-it1-01"] == {"name": "pc", "version": "2026.1", "digest": digest}
    with pytest.raises(PlanError, match="nobody knows which image"):
        begin("oak-it1-01")
    with pytest.raises(ImageError):
        begin("oak-it1-01", image="other")


def test_what_is_no_host_is_refused(workspace):
    with pytest.raises(PlanError, match="not in the inventory: oak"):
        begin("oak*", image="pc")


def test_a_host_that_would_be_left_out_is_told(workspace):
    publish(images(workspace), "pc", "2026.1")
    with pytest.raises(PlanError, match="no workstations: oak-srv-01"):
        begin("oak-it1-01", "oak-srv-01", image="pc")
    site = workspace / "inventories/demo/oakfield.yml"
    text = site.read_text()
    assert "host_mac" in text, "else this tries nothing"
    site.write_text(re.sub(r"host_mac: *[^,}\n]*", "other: 1", text))
    with pytest.raises(PlanError, match="no host_mac is known of oak-it1-01"):
        begin("oak-it1-01", image="pc")
