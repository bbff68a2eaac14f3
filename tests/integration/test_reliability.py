"""Runs that are struck: killed anywhere, cut off, out of space, or by a closing window."""

from __future__ import annotations

import random
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import yaml

from ictops.running.sweep import processes_of
from ictops.store.records import RunRecord
from tests.support.lab import Workspace
from tests.support.runs import (
    COUNTING,
    HOSTS,
    apply,
    counts,
    journal_of,
    newest,
    outcomes,
    tokens,
    until,
)

pytestmark = pytest.mark.lab

KILLS = 25
"""Under each of two strategies: fifty in all."""
FEW = ["lab001-ws-01", "lab001-ws-02"]
STRATEGIES = pytest.mark.parametrize("strategy", ["resident", "linear"])


def ended(workspace: Workspace, run: str) -> set[str]:
    return {h.host for h in journal_of(workspace).hosts(run) if h.state == "ended"}


def newest_run(workspace: Workspace) -> RunRecord | None:
    runs = journal_of(workspace).runs(limit=1)
    return runs[0] if runs else None


@STRATEGIES
def test_runs_that_are_killed_at_random_are_resumed_to_their_end(
    workspace: Workspace, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ICTOPS_STRATEGY", strategy)
    chance = random.Random(strategy)
    name = f"killed-{strategy}"
    plan = workspace.plan(COUNTING.format(name=name, seconds=0.3))
    kills = 0
    while kills < KILLS:
        last = newest_run(workspace)
        done: dict[str, int] = {}
        before = counts(workspace, name)
        while True:
            process = workspace.start(*apply(plan))
            try:
                patience = chance.uniform(0.5, 5) if kills < KILLS else 120
                output, _ = process.communicate(timeout=patience)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                now = counts(workspace, name)
                assert {h: now[h] for h in done} == done, "a host that was done was done again"
                run = newest_run(workspace)
                if run is not None and run != last and run.state != "finished":
                    done = {h: now[h] for h in ended(workspace, run.id)}
                elif run is not None and run.state == "finished":
                    break
                continue
            assert process.returncode == 0, output
            break
        run = newest_run(workspace)
        assert run is not None
        assert {h.host: h.outcome for h in journal_of(workspace).hosts(run.id)} == dict.fromkeys(
            HOSTS, "changed"
        )
        final = counts(workspace, name)
        assert {h: final[h] for h in done} == done, "a host that was done was done again"
        assert all(final[h] > before[h] for h in HOSTS), "a host was lost"
        assert processes_of(tokens(workspace)) == []


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_at_every_write_of_the_journal_is_survived(workspace: Workspace, when: str) -> None:
    name = f"struck-{when}"
    plan = workspace.plan(COUNTING.format(name=name, seconds=0), "--limit", ",".join(FEW))
    number = 0
    killed = True
    while killed:
        number += 1
        last = newest_run(workspace)
        before = counts(workspace, name, FEW)
        struck = [sys.executable, "-m", "tests.support.struck", str(number), when, *apply(plan)]
        process = subprocess.run(
            struck, cwd=Path(__file__).parents[2], env=workspace.environment, check=False,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        killed = process.returncode == -signal.SIGKILL
        assert killed or process.returncode == 0, process.stdout + process.stderr
        run = newest_run(workspace)
        begun = run is not None and (last is None or run.id != last.id)
        now = counts(workspace, name, FEW)
        done = {h: now[h] for h in ended(workspace, run.id)} if run and begun else {}
        if not run or not begun or run.state != "finished":
            workspace.ictops(*apply(plan))
        run = newest_run(workspace)
        assert run is not None
        assert {h.host: h.outcome for h in journal_of(workspace).hosts(run.id)} == dict.fromkeys(
            FEW, "changed"
        )
        final = counts(workspace, name, FEW)
        assert {h: final[h] for h in done} == done, "a host that was done was done again"
        assert all(1 <= final[h] - before[h] <= 2 for h in FEW), (before, final)
        assert processes_of(tokens(workspace)) == []
    assert number > 8, "the journal was written less often than a run needs"


def test_a_host_that_goes_off_in_the_middle_is_done_later(workspace: Workspace) -> None:
    host, lab = "lab001-ws-02", workspace.lab.name
    plan = workspace.plan(COUNTING.format(name="went-off", seconds=6), "--limit", ",".join(FEW))
    process = workspace.start(*apply(plan))
    until(lambda: counts(workspace, "went-off")[host] > 0, 30, "the host at work")
    workspace.ictops("lab", "fault", host, "off", "--name", lab)
    try:
        run = newest(workspace)
        until(lambda: outcomes(workspace, run)[host] == "unreachable", 60, "found to be off")
    finally:
        workspace.ictops("lab", "fault", host, "on", "--name", lab)
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 0, output
    assert outcomes(workspace, run) == dict.fromkeys(FEW, "changed")


@STRATEGIES
def test_a_network_that_is_cut_in_a_task_is_noticed(
    workspace: Workspace, strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ICTOPS_STRATEGY", strategy)
    host, lab, name = "lab001-ws-02", workspace.lab.name, f"cut-{strategy}"
    plan = workspace.plan(COUNTING.format(name=name, seconds=4), "--limit", ",".join(FEW))
    process = workspace.start(*apply(plan))
    until(lambda: counts(workspace, name)[host] > 0, 30, "the host at work")
    workspace.ictops("lab", "fault", host, "cut", "--name", lab)
    try:
        run = newest(workspace)
        until(lambda: outcomes(workspace, run)[host] == "unreachable", 120, "cut off")
    finally:
        workspace.ictops("lab", "fault", host, "heal", "--name", lab)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 0, output
    assert outcomes(workspace, run) == dict.fromkeys(FEW, "changed")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 2 MB for a journal."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m,mode=0700", "tmpfs", str(disk)]
    subprocess.run(mount, check=True)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def test_a_full_disk_stops_the_run_which_goes_on_once_there_is_space(
    workspace: Workspace, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ICTOPS_JOURNAL", f"sqlite:///{small_disk / 'journal.db'}")
    monkeypatch.setenv("ICTOPS_MIN_FREE_MB", "1")
    plan = workspace.plan(COUNTING.format(name="full", seconds=3))
    process = workspace.start(*apply(plan))
    until(lambda: sum(counts(workspace, "full").values()) > 0, 30, "a host at work")
    filler = small_disk / "filler"
    subprocess.run(
        ["dd", "if=/dev/zero", f"of={filler}", "bs=4k"], capture_output=True, check=False
    )
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1, output
    assert "the journal's disk is full" in output
    refused = workspace.ictops(*apply(plan), code=1)
    assert "MB are free" in refused
    filler.unlink()
    (run,) = workspace.json("run", "list")
    assert run["state"] not in {"finished", "cancelled"}
    workspace.ictops("run", "resume", run["id"])
    assert outcomes(workspace, run["id"]) == dict.fromkeys(HOSTS, "changed")
    with sqlite3.connect(small_disk / "journal.db") as journal:
        shards = [row[0] for row in journal.execute("SELECT token FROM shard")]
    journal.close()
    assert processes_of(shards) == []


def test_a_write_that_fails_stops_the_run_which_can_be_resumed(workspace: Workspace) -> None:
    plan = workspace.plan(COUNTING.format(name="failing", seconds=3))
    process = workspace.start(*apply(plan))
    until(lambda: sum(counts(workspace, "failing").values()) > 0, 30, "a host at work")
    run = newest(workspace)
    # From now on this one process can write no file beyond its first page.
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4096, 4096))
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 1, output
    assert "the journal" in output
    assert processes_of(tokens(workspace)) == []
    assert workspace.json("run", "show", run)["report"]["state"] not in {"finished", "cancelled"}
    workspace.ictops("run", "resume", run)
    assert outcomes(workspace, run) == dict.fromkeys(HOSTS, "changed")


def test_a_window_that_closes_lets_hosts_finish_and_goes_on_in_the_next(
    workspace: Workspace,
) -> None:
    options = ("--site-limit", "1", "--canary", "none", "--shares", "100%", "--estimate", "5s")
    playbook = COUNTING.format(name="closing", seconds=3)
    plan = workspace.plan(playbook, "--limit", "lab001-*", *options)
    told = yaml.safe_load(plan.read_text())
    begin = datetime.now().astimezone().replace(microsecond=0)
    first = begin + timedelta(seconds=16)
    second = begin + timedelta(seconds=26)
    spans = [(begin, first), (second, second + timedelta(minutes=5))]
    told["sites"]["lab001"]["windows"] = [
        {"start": s.isoformat(" "), "end": e.isoformat(" ")} for s, e in spans
    ]
    plan.write_text(yaml.safe_dump(told, sort_keys=False))
    workspace.ictops("apply", str(plan), "--yes")
    hosts = workspace.json("run", "show", newest(workspace))["hosts"]
    assert {h["outcome"] for h in hosts} == {"changed"}
    starts = sorted(datetime.fromisoformat(h["started_at"]) for h in hosts)
    assert begin <= starts[0]
    assert starts[0] + timedelta(seconds=5) <= first
    assert any(start >= second for start in starts), "nothing was left for the second window"
    assert not any(first - timedelta(seconds=5) < start < second for start in starts)
