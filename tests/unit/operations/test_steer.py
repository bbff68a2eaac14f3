"""Steering runs that nobody carries, with what a killed process left running."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta

import pytest

from ictops.errors import RunCarried, RunError
from ictops.operations.steer import approve_wave, cancel_run, let_go_on, pause_run
from ictops.plans.model import Gate
from ictops.running.sweep import TOKEN_VARIABLE, processes_of
from ictops.settings import Settings
from ictops.store.journal import Journal
from tests.support.runs import until
from tests.support.scripted import BEGIN, journalled, small_plan

PLAN = small_plan({"oak": [["oak-1"], ["oak-2"]]})


@pytest.fixture
def left_running(journal: Journal) -> Iterator[str]:
    """A run whose process was lost, and a job of it that does not end when it is asked to."""
    run = journalled(journal, PLAN)
    lease = journal.acquire(run, at=BEGIN)
    lease.start_shard(
        site="oak", wave=0, kind="work", token=f"{run}-1", hosts=["oak-1"], cluster="demo", at=BEGIN
    )
    lease.release()
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
    # In a session of its own, as ansible's workers are.
    process = subprocess.Popen(
        [sys.executable, "-c", code], start_new_session=True,
        env={**os.environ, TOKEN_VARIABLE: f"{run}-1"},
    )  # fmt: skip
    until(lambda: processes_of([f"{run}-1"]) == [process.pid], 10, "the job")
    yield run
    process.kill()
    process.wait()


@pytest.mark.parametrize("steer", [pause_run, cancel_run])
def test_what_still_runs_of_it_is_ended(
    journal: Journal, settings: Settings, left_running: str, steer
) -> None:
    """Also without an inventory, and however little space is left."""
    settings = settings.model_copy(update={"min_free_mb": 10**9})
    said = steer(journal, left_running, settings)
    run = journal.run(left_running)
    assert said == f"run {run.id} is {run.state}"
    assert run.state == {pause_run: "paused", cancel_run: "cancelled"}[steer]
    assert processes_of([f"{run.id}-1"]) == []
    assert journal.claimed_by("demo", ["oak-1"]) == []
    (shard,) = journal.shards(run.id)
    assert shard.state == "lost"


def test_a_run_that_was_paused_goes_on_only_once(journal: Journal, settings: Settings) -> None:
    run = journalled(journal, PLAN)
    assert pause_run(journal, run, settings) == f"run {run} is paused"
    assert pause_run(journal, run, settings) == f"run {run} is paused already"
    let_go_on(journal, run)
    assert journal.run(run).state == "waiting"
    journal.acquire(run, at=BEGIN)
    with pytest.raises(RunCarried):
        let_go_on(journal, run)


def test_a_run_that_has_ended_is_not_steered(journal: Journal, settings: Settings) -> None:
    run = journalled(journal, PLAN)
    cancel_run(journal, run, settings)
    for steer in (pause_run, cancel_run):
        with pytest.raises(RunError, match="cancelled already"):
            steer(journal, run, settings)
    with pytest.raises(RunError, match="cancelled already"):
        let_go_on(journal, run)


def test_a_process_that_lives_and_does_not_hear_is_told_of(
    journal: Journal, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ictops.operations.steer.PATIENCE", 0.3)
    run = journalled(journal, PLAN)
    journal.acquire(run, at=BEGIN)
    assert "pauses when the hosts are done" in pause_run(journal, run, settings)
    with pytest.raises(RunError, match="has not ended it yet"):
        cancel_run(journal, run, settings)
    assert journal.run(run).wish == "cancel"


def test_a_wave_is_approved_only_where_one_waits_for_it(journal: Journal) -> None:
    plain = journalled(journal, PLAN)
    with pytest.raises(RunError, match="no wave of this run waits"):
        approve_wave(journal, plain, "oak")
    gated = journalled(
        journal, small_plan({"oak": [["a"], ["b"]]}, gate=Gate(approval=True, soak=timedelta(1)))
    )
    with pytest.raises(RunError, match=r"no site elm.*It has oak"):
        approve_wave(journal, gated, "elm")
    approve_wave(journal, gated, "oak")
    with pytest.raises(RunError, match="no gate of this site waits"):
        approve_wave(journal, gated, "oak")
