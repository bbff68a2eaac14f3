"""Pausing, resuming and stopping runs while hosts are at work."""

from __future__ import annotations

import signal
import subprocess
import time

import pytest

from ictops.running.sweep import processes_of
from tests.support.lab import Workspace
from tests.support.runs import (
    HOLDING,
    apply,
    beside,
    counts,
    hold_again,
    let_go,
    newest,
    opened,
    outcomes,
    tokens,
    until,
)

pytestmark = pytest.mark.lab

FEW = ["lab002-ws-01", "lab002-ws-02"]
CANARY, OTHER = FEW


def at_work(mine: Workspace, name: str, host: str, times: int = 1) -> None:
    until(lambda: counts(mine, name, [host])[host] == times, 30, f"{host} at work")


def output_of(process: subprocess.Popen[str], code: int) -> str:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == code, output
    return output


def test_a_run_is_paused_resumed_stopped_and_carried_on(workspace: Workspace) -> None:
    mine, name = beside(workspace, "steered"), "steered"
    plan = mine.plan(HOLDING.format(name=name), "--limit", ",".join(FEW))

    applying = mine.start(*apply(plan))
    at_work(mine, name, CANARY)
    run = newest(mine)
    assert "pauses when the hosts are done" in mine.ictops("run", "pause", run)
    assert mine.json("run", "show", run)["report"]["carried"]
    let_go(mine, name, FEW)
    output_of(applying, 8)
    assert outcomes(mine, run) == {CANARY: "changed", OTHER: None}
    assert mine.json("tick")["carried"] == [], "a paused run is a person's affair"

    # Whatever the workspace's default cluster is by now, the run's is the one of its plan.
    settings = mine.folder / "ictops.toml"
    settings.write_text(settings.read_text().replace('cluster = "t"', 'cluster = "another"'))
    hold_again(mine, name, FEW)
    resuming = mine.start("run", "resume", run)
    at_work(mine, name, OTHER)
    begun = time.monotonic()
    resuming.send_signal(signal.SIGTERM)  # as a machine does that shuts down
    output_of(resuming, 6)
    assert time.monotonic() - begun < 10
    assert processes_of(tokens(mine)) == []
    assert mine.json("run", "show", run)["report"]["state"] == "waiting"

    ticking = mine.start("tick")
    at_work(mine, name, OTHER, times=2)
    begun = time.monotonic()
    ticking.send_signal(signal.SIGTERM)  # as systemd does that stops the service
    assert f"run {run} is waiting" in output_of(ticking, 0)
    assert time.monotonic() - begun < 10
    assert processes_of(tokens(mine)) == []

    let_go(mine, name, FEW)
    assert mine.json("tick")["carried"] == [run]
    assert outcomes(mine, run) == dict.fromkeys(FEW, "changed")
    assert counts(mine, name, FEW) == {CANARY: 1, OTHER: 3}, "cut off twice, done once"
    with opened(mine) as journal:
        assert journal.run(run).state == "finished"


def test_ctrl_c_lets_finish_and_a_second_one_ends_at_once(workspace: Workspace) -> None:
    mine, name = beside(workspace, "interrupted"), "interrupted"
    plan = mine.plan(HOLDING.format(name=name), "--limit", CANARY)
    applying = mine.start(*apply(plan))
    at_work(mine, name, CANARY)
    run = newest(mine)
    applying.send_signal(signal.SIGINT)
    with opened(mine) as journal, pytest.raises(AssertionError):
        until(lambda: journal.shards(run, "running") == [], 1.5, "it ended without being let go")
    begun = time.monotonic()
    applying.send_signal(signal.SIGINT)
    assert "Ctrl-C again ends them" in output_of(applying, 8)
    assert time.monotonic() - begun < 10
    assert processes_of(tokens(mine)) == []
    assert mine.json("tick")["carried"] == []
    assert outcomes(mine, run) == {CANARY: None}
    let_go(mine, name, FEW)
    mine.ictops("run", "resume", run)
    assert outcomes(mine, run) == {CANARY: "changed"}
