"""Runs that are left to ``ictops tick``: in their windows, across them, and never after."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from tests.support.lab import Workspace
from tests.support.runs import (
    COUNTING,
    HOLDING,
    beside,
    counts,
    let_go,
    newest,
    opened,
    outcomes,
    set_windows,
    until,
)

pytestmark = pytest.mark.lab

FEW = ["lab001-ws-01", "lab001-ws-02"]
ONE_BY_ONE = ("--canary", "none", "--shares", "100%", "--site-limit", "1", "--estimate", "6s")


def now() -> datetime:
    return datetime.now().astimezone().replace(microsecond=0) + timedelta(seconds=1)


def test_a_run_goes_on_by_itself_in_its_windows_and_in_no_other_hour(
    workspace: Workspace,
) -> None:
    mine, name = beside(workspace, "windows"), "windows"
    plan = mine.plan(HOLDING.format(name=name), "--limit", ",".join(FEW), *ONE_BY_ONE)
    begin = now() + timedelta(seconds=10)  # time for an apply and a tick on a busy machine
    first_ends, second = begin + timedelta(seconds=14), begin + timedelta(seconds=17)
    set_windows(plan, [(begin, first_ends), (second, second + timedelta(minutes=5))])
    left = mine.json("apply", str(plan), "--yes", "--no-wait", code=6)
    assert mine.json("tick")["carried"] == [], "its first window is not open yet"
    until(lambda: datetime.now().astimezone() >= begin, 15, "the first window")

    ticks = [mine.start("tick", "--json"), mine.start("tick", "--json")]
    until(lambda: sum(counts(mine, name, FEW).values()) > 0, 30, "a host at work")
    until(lambda: any(tick.poll() is not None for tick in ticks), 30, "one of two ticks gone")
    acting = next(tick for tick in ticks if tick.poll() is None)
    until(lambda: datetime.now().astimezone() > first_ends, 20, "the first window closed")
    assert sorted(counts(mine, name, FEW).values()) == [0, 1]
    let_go(mine, name, FEW)
    output, _ = acting.communicate(timeout=90)
    assert acting.returncode == 0, output
    assert f"run {left['run']} is finished" in output

    with opened(mine) as journal:
        hosts = sorted(journal.hosts(left["run"]), key=lambda h: str(h.started_at))
        takers = [d for d in journal.decisions(left["run"]) if d.what == "taken over"]
    assert [h.outcome for h in hosts] == ["changed", "changed"]
    assert counts(mine, name, FEW) == dict.fromkeys(FEW, 1)
    one, other = hosts
    assert one.started_at is not None
    assert one.ended_at is not None
    assert other.started_at is not None
    assert begin <= one.started_at <= first_ends - timedelta(seconds=6)
    assert one.ended_at > first_ends, "what was at work was let finish"
    assert other.started_at >= second, "and nothing else was started that could not"
    assert len(takers) == 1, "one instance acted"


def test_a_run_that_was_missed_is_not_started_late(workspace: Workspace) -> None:
    mine, name = beside(workspace, "missed"), "missed"
    plan = mine.plan(COUNTING.format(name=name, seconds=0), "--estimate", "1s")
    begin = now()
    ends = begin + timedelta(seconds=8)
    set_windows(plan, [(begin, ends)])
    mine.ictops("apply", str(plan), "--yes", "--no-wait", code=6)
    until(lambda: datetime.now().astimezone() > ends, 10, "the window over")
    run = newest(mine)
    assert mine.json("tick")["carried"] == [run]
    report = mine.json("run", "show", run)["report"]
    assert report["state"] == "finished"
    assert {site["reason"] for site in report["sites"]} == {"its last window is over"}
    assert set(outcomes(mine, run).values()) == {"deferred"}
    assert set(counts(mine, name).values()) == {0}
    assert mine.json("tick")["carried"] == []
    refused = mine.ictops("apply", str(plan), "--yes", code=3)
    assert "every window of the plan is over" in refused
