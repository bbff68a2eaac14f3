"""Which jobs of a run that is over are taken back, and how often."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from ictops.errors import RunError
from ictops.operations.apply import create_run
from ictops.operations.image_cancel import begin_take_back, take_back
from ictops.plans.model import Plan
from ictops.settings import Settings, content_dir
from ictops.store.journal import Journal
from ictops.store.records import Ending, Settled
from tests.support.journals import NOW, start
from tests.support.scripted import small_plan

HOSTS = ["oak-it1-01", "oak-it1-02", "oak-it1-03"]


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
    """Give a run in which one host is done, one was left for later and one never begun."""
    plan = small_plan({"oakfield": [HOSTS]}).model_copy(update={"operation": operation})
    run = create_run(journal, plan, NOW)
    lease = journal.acquire(run, at=NOW)
    shard = start(lease, HOSTS[:2])
    assert shard is not None
    settled = [Settled(HOSTS[0], "ended", "changed"), Settled(HOSTS[1], "ended", "deferred")]
    lease.end_shard(shard.id, status="successful", reason="", settled=settled, at=NOW)
    lease.let_go(ending, "", at=NOW)
    return run


@pytest.mark.parametrize("operation", ["image", "erase"])
@pytest.mark.parametrize("ending", ["cancelled", "finished"])
def test_what_may_still_be_armed_is_taken_back_once(
    journal: Journal, demo: Settings, operation: str, ending: Ending
) -> None:
    run = over(journal, operation, ending)
    taking = begin_take_back(journal, demo, run)
    assert taking is not None
    plan = Plan.model_validate_json(journal.run(taking).plan)
    assert list(plan.hosts) == [HOSTS[1]]
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
