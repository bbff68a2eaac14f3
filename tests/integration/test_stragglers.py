"""Hosts that cannot be done yet: switched off, or in use."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest

from tests.support.lab import Workspace
from tests.support.runs import apply, beside, newest, opened, outcomes, root_of, set_windows, until

pytestmark = pytest.mark.lab

DEFERRING = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Look whether somebody is logged on
      ansible.builtin.stat:
        path: /root/in-use
      register: use
    - name: Say that it is too early
      ansible.builtin.set_stats:
        data:
          ictops_outcome: deferred
          ictops_reason: ann is logged on
        per_host: true
      when: use.stat.exists
"""

HEAR = """
import socket
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as it:
    it.bind(("", 9))
    print("listening", flush=True)
    print(it.recv(200).hex(), flush=True)
"""


@contextmanager
def hearing(workspace: Workspace, host: str) -> Iterator[subprocess.Popen[str]]:
    """Hear what comes to UDP port 9 of a host, from inside its network."""
    pid = root_of(workspace, host).parts[2]
    listener = subprocess.Popen(
        ["nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-c", HEAR],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert listener.stdout is not None
        assert listener.stdout.readline() == "listening\n"
        yield listener
    finally:
        listener.kill()
        listener.wait()


def test_a_host_that_is_off_is_woken_and_one_in_use_is_tried_again(workspace: Workspace) -> None:
    off, used = "lab001-ws-02", "lab002-ws-02"
    mine = beside(workspace, "stragglers")
    mac = mine.json("inventory", "show", off)["host"]["mac"].replace(":", "")
    plan = mine.plan(DEFERRING, "--limit", "*-ws-*")
    mark = root_of(workspace, used) / "root" / "in-use"
    mark.touch()
    lab = workspace.lab.name
    workspace.ictops("lab", "fault", off, "off", "--name", lab)
    try:
        with hearing(workspace, "lab001-ws-01") as listener:
            applying = mine.start(*apply(plan))
            assert listener.stdout is not None
            heard = listener.stdout.readline().strip()
            run = newest(mine)
            until(lambda: outcomes(mine, run)[used] == "deferred", 60, "found in use")
    finally:
        workspace.ictops("lab", "fault", off, "on", "--name", lab)
        mark.unlink()
    output, _ = applying.communicate(timeout=90)
    assert applying.returncode == 0, output
    assert heard == "ff" * 6 + mac * 16
    assert set(outcomes(mine, run).values()) == {"ok"}
    with opened(mine) as journal:
        woken = {d.detail for d in journal.decisions(run) if d.what == "wake-on-LAN"}
        tries = {host.host: host.tries for host in journal.hosts(run)}
    assert woken == {off}
    assert tries[off] > 1
    assert tries[used] > 1
    assert tries["lab002-ws-01"] == 1


def test_a_host_that_stays_in_use_is_left_when_the_last_window_ends(workspace: Workspace) -> None:
    host = "lab002-srv-01"
    mine = beside(workspace, "stays-in-use")
    plan = mine.plan(DEFERRING, "--limit", host, "--canary", "none", "--estimate", "1s")
    mark = root_of(workspace, host) / "root" / "in-use"
    mark.touch()
    begin = datetime.now().astimezone().replace(microsecond=0)
    ends = begin + timedelta(seconds=12)
    set_windows(plan, [(begin, ends)])
    try:
        mine.ictops("apply", str(plan), "--yes", code=5)
    finally:
        mark.unlink()
    run = newest(mine)
    with opened(mine) as journal:
        (left,) = journal.hosts(run)
        shards = journal.shards(run)
        reason = journal.site(run, "lab002").reason
        # Which of the two depends on whether the last try ended within the window's last second.
        assert reason in {"its last window is over", "no time is left to try 1 again"}
        assert journal.run(run).state == "finished"
    assert (left.outcome, left.reason) == ("deferred", "ann is logged on")
    assert len(shards) == left.tries > 1
    assert all(shard.started_at <= ends - timedelta(seconds=1) for shard in shards)
