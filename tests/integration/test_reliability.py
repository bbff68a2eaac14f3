"""Runs that are struck: killed anywhere, cut off, or out of space.

Runs go side by side, each with a journal of its own, since most of a run is waiting.
"""

from __future__ import annotations

import itertools
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from ictops.running.sweep import processes_of
from ictops.store.records import RunRecord
from tests.support.lab import Workspace
from tests.support.runs import (
    COUNTING,
    HOLDING,
    HOSTS,
    apply,
    beside,
    counts,
    let_go,
    newest,
    opened,
    outcomes,
    tokens,
    until,
)

pytestmark = pytest.mark.lab

STRATEGIES = ("resident", "linear")
KILLS = 50
"""At random points, over all strategies."""
LANES = 2
"""Runs side by side under each strategy."""
FEW = ["lab001-ws-01", "lab001-ws-02"]
TOGETHER = ("--limit", ",".join(FEW), "--canary", "none", "--shares", "100%")

COUNT_ONLY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Count this run
      ansible.builtin.shell: echo run >> /root/{name}
"""

Thing = TypeVar("Thing")


def side_by_side(do: Callable[[Thing], None], things: Iterable[Thing]) -> None:
    everything = list(things)
    with ThreadPoolExecutor(len(everything)) as pool:
        list(pool.map(do, everything))


def lanes(workspace: Workspace, name: str) -> list[Workspace]:
    """Give workspaces side by side, as many under each strategy."""
    return [
        beside(workspace, f"{name}-{strategy}-{number}", f'strategy = "{strategy}"\n')
        for strategy in STRATEGIES
        for number in range(LANES)
    ]


def newest_run(mine: Workspace) -> RunRecord | None:
    with opened(mine) as journal:
        return next(iter(journal.runs(limit=1)), None)


def ended(mine: Workspace, run: str) -> set[str]:
    with opened(mine) as journal:
        return {h.host for h in journal.hosts(run) if h.state == "ended"}


def test_runs_that_are_killed_at_random_are_resumed_to_their_end(workspace: Workspace) -> None:
    mine = lanes(workspace, "killed")
    kills = -(-KILLS // len(mine))
    side_by_side(lambda lane: kill_at_random(lane, kills), mine)


def kill_at_random(mine: Workspace, wanted: int) -> None:
    name = mine.folder.name
    chance = random.Random(name)
    plan = mine.plan(COUNTING.format(name=name, seconds=0.3))
    kills = 0
    while kills < wanted:
        last = newest_run(mine)
        done: dict[str, int] = {}
        before = counts(mine, name)
        while True:
            process = mine.start(*apply(plan))
            try:
                patience = chance.uniform(0.5, 5) if kills < wanted else 180
                output, _ = process.communicate(timeout=patience)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                now = counts(mine, name)
                assert {h: now[h] for h in done} == done, "a host that was done was done again"
                run = newest_run(mine)
                if run is not None and run != last and run.state != "finished":
                    done = {h: now[h] for h in ended(mine, run.id)}
                elif run is not None and run.state == "finished":
                    break
                continue
            assert process.returncode == 0, output
            break
        run = newest_run(mine)
        assert run is not None
        assert outcomes(mine, run.id) == dict.fromkeys(HOSTS, "changed")
        final = counts(mine, name)
        assert {h: final[h] for h in done} == done, "a host that was done was done again"
        assert all(final[h] > before[h] for h in HOSTS), "a host was lost"
        assert processes_of(tokens(mine)) == []


BOUNDARY = 5
"""Writes from the end of a wave: tried, gate passed, the next shard, and what it says."""


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_at_every_write_of_the_journal_is_survived(workspace: Workspace, when: str) -> None:
    """In a run of one wave, where one host may be done and the other not; and between two."""
    strikes = itertools.count(1)
    ends: list[int] = []

    def strike_on(mine: Workspace) -> None:
        playbook = COUNT_ONLY.format(name=mine.folder.name)
        in_two_waves = mine.plan(playbook, "--limit", ",".join(FEW))
        together = mine.plan(playbook, *TOGETHER)
        for number in strikes:
            if number <= BOUNDARY:
                assert strike(mine, in_two_waves, "wave", number, when)
            elif not strike(mine, together, "begin", number - BOUNDARY, when):
                ends.append(number - BOUNDARY)
                break

    side_by_side(strike_on, lanes(workspace, f"struck-{when}"))
    assert min(ends) > 9, "the journal was written less often than a run needs"


def strike(mine: Workspace, plan: Path, since: str, number: int, when: str) -> bool:
    """Kill a run at this write and resume it; False if it came to its end before it."""
    name = mine.folder.name
    last = newest_run(mine)
    before = counts(mine, name, FEW)
    code, output = struck(mine, since, number, when, *apply(plan))
    killed = code == -signal.SIGKILL
    assert killed or code == 0, output
    run = newest_run(mine)
    begun = run is not None and (last is None or run.id != last.id)
    now = counts(mine, name, FEW)
    done = {h: now[h] for h in ended(mine, run.id)} if run and begun else {}
    if not run or not begun or run.state != "finished":
        mine.ictops(*apply(plan))
    run = newest_run(mine)
    assert run is not None
    assert run.state == "finished"
    assert outcomes(mine, run.id) == dict.fromkeys(FEW, "changed")
    final = counts(mine, name, FEW)
    assert {h: final[h] for h in done} == done, "a host that was done was done again"
    assert all(1 <= final[h] - before[h] <= 2 for h in FEW), (before, final)
    assert processes_of(tokens(mine)) == []
    return killed


def struck(mine: Workspace, since: str, number: int, when: str, *words: str) -> tuple[int, str]:
    """Run ictops and kill it at a write of its journal; give its exit code and what it said."""
    command = [sys.executable, "-m", "tests.support.struck", since, str(number), when, *words]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[2], env=mine.environment, check=False,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=180,
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_a_resume_that_is_killed_at_each_of_its_writes_can_be_resumed(
    workspace: Workspace,
) -> None:
    """Those that bring the journal to the truth: go on, take over, spooled events, the shard."""
    mine, name = beside(workspace, "struck-resume"), "struck-resume"
    plan = mine.plan(HOLDING.format(name=name), *TOGETHER)
    with at_work(mine, plan, name) as process:
        run = newest(mine)
        process.kill()
    strikes = [(number, when) for number in range(1, 5) for when in ("before", "after")]
    for number, when in strikes:
        code, output = struck(mine, "begin", number, when, "run", "resume", run)
        assert code == -signal.SIGKILL, output
        assert number < 3 or processes_of(tokens(mine)) == [], "ended before more is written"
    with opened(mine) as journal:
        assert [shard.state for shard in journal.shards(run)] == ["lost"]
    let_go(mine, name, FEW)
    mine.ictops("run", "resume", run)
    assert outcomes(mine, run) == dict.fromkeys(FEW, "changed")
    assert counts(mine, name, FEW) == dict.fromkeys(FEW, 2)


@contextmanager
def at_work(
    mine: Workspace, plan: Path, name: str, hosts: list[str] = FEW
) -> Iterator[subprocess.Popen[str]]:
    """Give the process that carries a run, once all of these hosts are at work."""
    process = mine.start(*apply(plan))
    try:
        until(lambda: all(counts(mine, name, hosts).values()), 60, "the hosts at work")
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_host_that_goes_off_in_the_middle_is_done_later(workspace: Workspace) -> None:
    (one, host), lab, name = FEW, workspace.lab.name, "went-off"
    mine = beside(workspace, name)
    plan = mine.plan(HOLDING.format(name=name), *TOGETHER)
    with at_work(mine, plan, name) as process:
        run = newest(mine)
        let_go(mine, name, [one])
        workspace.ictops("lab", "fault", host, "off", "--name", lab)
        try:
            until(lambda: outcomes(mine, run)[host] == "unreachable", 90, "found to be off")
        finally:
            workspace.ictops("lab", "fault", host, "on", "--name", lab)
        let_go(mine, name, [host])
        output, _ = process.communicate(timeout=90)
        assert process.returncode == 0, output
    assert outcomes(mine, run) == dict.fromkeys(FEW, "changed")
    assert counts(mine, name, [one]) == {one: 1}


def test_a_network_that_is_cut_in_a_task_is_noticed(workspace: Workspace) -> None:
    """Under every strategy at once, each on a host of its own."""
    lab = workspace.lab.name
    things = list(zip(STRATEGIES, HOSTS[1:], strict=False))
    healed = []

    def cut(thing: tuple[str, str]) -> None:
        strategy, host = thing
        name = f"cut-{strategy}"
        mine = beside(workspace, name, f'strategy = "{strategy}"\n')
        plan = mine.plan(HOLDING.format(name=name), "--limit", host)
        with at_work(mine, plan, name, [host]) as process:
            run = newest(mine)
            workspace.ictops("lab", "fault", host, "cut", "--name", lab)
            try:
                until(
                    lambda: outcomes(mine, run)[host] == "unreachable", 90, f"{strategy}: cut off"
                )
            finally:
                workspace.ictops("lab", "fault", host, "heal", "--name", lab)
            let_go(mine, name, [host])
            output, _ = process.communicate(timeout=120)
            assert process.returncode == 0, output
        assert outcomes(mine, run) == {host: "changed"}
        healed.append(strategy)

    side_by_side(cut, things)
    assert sorted(healed) == sorted(STRATEGIES)


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
    mine, name = beside(workspace, "full"), "full"
    plan = mine.plan(HOLDING.format(name=name), *TOGETHER)
    with at_work(mine, plan, name) as process:
        filler = small_disk / "filler"
        subprocess.run(
            ["dd", "if=/dev/zero", f"of={filler}", "bs=4k"], capture_output=True, check=False
        )
        let_go(mine, name, FEW)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 1, output
    assert "the journal's disk is full" in output
    assert "MB are free" in mine.ictops(*apply(plan), code=1)
    filler.unlink()
    (run,) = mine.json("run", "list")
    assert run["state"] not in {"finished", "cancelled"}
    mine.ictops("run", "resume", run["id"])
    assert outcomes(mine, run["id"]) == dict.fromkeys(FEW, "changed")
    with opened(mine) as journal:
        assert processes_of(shard.token for shard in journal.shards(run["id"])) == []


def test_a_write_that_fails_stops_the_run_which_can_be_resumed(workspace: Workspace) -> None:
    mine, name = beside(workspace, "failing"), "failing"
    plan = mine.plan(HOLDING.format(name=name), *TOGETHER)
    with at_work(mine, plan, name) as process:
        run = newest(mine)
        # From now on this one process can write no file beyond its first page.
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (4096, 4096))
        let_go(mine, name, FEW)
        output, _ = process.communicate(timeout=60)
        assert process.returncode == 1, output
    assert "the journal" in output
    assert processes_of(tokens(mine)) == []
    assert mine.json("run", "show", run)["report"]["state"] not in {"finished", "cancelled"}
    mine.ictops("run", "resume", run)
    assert outcomes(mine, run) == dict.fromkeys(FEW, "changed")
