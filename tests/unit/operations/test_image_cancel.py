"""Which jobs of a run that is over are taken back, and how often."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ictops.errors import RunError
from ictops.operations.apply import create_run
from ictops.operations.image_cancel import begin_take_back, take_back
from ictops.plans.model import Plan
from ictops.settings import Settings, content_dir
from ictops.store.journal import Journal
from ictops.store.records import Ending, OutcomeName, Settled
from tests.support.journals import NOW, start
from tests.support.scripted import small_plan

HOSTS = ["oak-it1-01", "oak-it1-02", "oak-lib-01", "oak-lib-02", "oak-srv-01"]


@pytest.fixture
def demo(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The workspace with the inventory of the demo."""
    skip = shutil.ignore_patterns("lab.yml", "known_hosts")
    shutil.copytree(
        content_dir() / "inventories" / "demo", tmp_path / "inventories" / "demo", ignore=skip
    )
    monkeypatch.chdir(tmp_path)
    return settings


def over(journal: Journal, operation: str, ending: Ending = "cancelled") -> str:
    """Give a run: a host is done, one was left for later, two failed, and one was never begun.

    Of those that failed one has told the end of its job, the other was only heard to begin.
    """
    plan = small_plan({"oakfield": [HOSTS]}).model_copy(update={"operation": operation})
    run = create_run(journal, plan, NOW)
    lease = journal.acquire(run, at=NOW)
    shard = start(lease, HOSTS[:4])
    assert shard is not None
    outcomes: list[OutcomeName] = ["changed", "deferred", "failed", "failed"]
    pairs = zip(HOSTS[:4], outcomes, strict=True)
    settled = [Settled(host, "ended", outcome) for host, outcome in pairs]
    stages = {HOSTS[2]: ["claimed", "ended"], HOSTS[3]: ["claimed"]}
    events = [
        {
            "shard_id": shard.id, "counter": number, "at": NOW, "kind": "runner_on_ok",
            "host": host, "task": "Wait",
            "data": json.dumps({"data": {"res": {"stage": stage, "ictops_hardware": {}}}}),
        }
        for number, (host, stage) in enumerate(
            (host, stage) for host, told in stages.items() for stage in told
        )
    ]  # fmt: skip
    lease.record(events, at=NOW)
    lease.end_shard(shard.id, status="successful", reason="", settled=settled, at=NOW)
    lease.let_go(ending, "", at=NOW)
    return run


@pytest.mark.parametrize("operation", ["image", "erase", "image-heal", "image-capture"])
@pytest.mark.parametrize("ending", ["cancelled", "finished"])
def test_what_may_still_be_armed_is_taken_back_once(
    journal: Journal, demo: Settings, operation: str, ending: Ending
) -> None:
    run = over(journal, operation, ending)
    taking = begin_take_back(journal, demo, run)
    assert taking is not None
    plan = Plan.model_validate_json(journal.run(taking).plan)
    assert list(plan.hosts) == [HOSTS[1], HOSTS[3]]
    assert plan.playbook == "image_cancel.yml"
    assert plan.extra_vars == {"workstation_image_run": run}
    assert journal.run(taking).now_reason, "it waits for no window"
    assert begin_take_back(journal, demo, run) == taking
    assert len(journal.runs()) == 2


@pytest.mark.parametrize(("operation", "ending"), [("image", "paused"), ("rollout", "cancelled")])
def test_of_a_run_that_goes_on_or_arms_nothing_is_nothing_taken(
    journal: Journal, demo: Settings, operation: str, ending: Ending
) -> None:
    assert begin_take_back(journal, demo, over(journal, operation, ending)) is None


def test_without_an_inventory_it_is_told_that_jobs_are_left(
    journal: Journal, settings: Settings
) -> None:
    run = over(journal, "image")
    with pytest.raises(RunError, match="jobs that it left armed were not taken back") as told:
        take_back(journal, settings, run)
    assert told.value.where == run
