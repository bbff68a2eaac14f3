"""What stands between two waves, on real hosts: health, soak, a person, and the budget."""

from __future__ import annotations

from datetime import timedelta

import pytest
import yaml

from tests.support.lab import Workspace
from tests.support.runs import COUNTING, apply, beside, newest, opened, outcomes, root_of, until

pytestmark = pytest.mark.lab

HEALTH = """
- hosts: all
  gather_facts: false
  tasks:
    - name: The host is not ill
      ansible.builtin.command: test ! -e /root/ill
"""

BREAKING = """
- hosts: all
  gather_facts: false
  tasks:
    - name: Does not break this host
      ansible.builtin.command: test ! -e /root/breaks
"""


def test_a_failing_health_check_stops_its_site_and_a_person_lets_the_other_go_on(
    workspace: Workspace,
) -> None:
    mine = beside(workspace, "gates")
    (mine.folder / "health.yml").write_text(HEALTH)
    options = ("--health", "health.yml", "--soak", "2s", "--approval", "--run-failures", "1")
    plan = mine.plan(COUNTING.format(name="gates", seconds=0), "--limit", "*-ws-*", *options)
    ill = root_of(workspace, "lab001-ws-01") / "root" / "ill"
    ill.touch()
    applying = mine.start(*apply(plan))
    try:
        with opened(mine) as journal:
            until(lambda: bool(journal.runs()), 30, "a run")
            run = journal.runs()[0].id
            until(
                lambda: journal.site(run, "lab001").state == "stopped", 60, "the ill site stopped"
            )
            until(lambda: journal.site(run, "lab002").checked == 1, 60, "the other one checked")
        refused = mine.ictops("run", "approve", run, "--site", "lab001", code=1)
        assert "no gate of this site waits" in refused
        mine.ictops("run", "approve", run, "--site", "lab002")
        output, _ = applying.communicate(timeout=60)
    finally:
        ill.unlink()
        applying.kill()
    assert applying.returncode == 4, output
    assert "waits for approval" in output
    assert outcomes(mine, run) == {
        "lab001-ws-01": "failed",
        "lab001-ws-02": "deferred",
        "lab002-ws-01": "changed",
        "lab002-ws-02": "changed",
    }
    shown = mine.json("run", "show", run)
    why = {host["host"]: host["reason"] for host in shown["hosts"]}
    assert why["lab001-ws-01"].startswith("health check: The host is not ill: ")
    assert why["lab001-ws-02"] == "not begun: canary lab001-ws-01 failed"
    with opened(mine) as journal:
        work, check, rest = [s for s in journal.shards(run) if s.site == "lab002"][:3]
        approved = next(d for d in journal.decisions(run) if d.what == "approved the next wave")
    assert (work.kind, check.kind, rest.kind) == ("work", "health", "work")
    assert work.ended_at is not None
    assert check.started_at - work.ended_at >= timedelta(seconds=2), "the wave soaked"
    assert rest.started_at > approved.at


def test_failures_beyond_the_budget_of_the_run_stop_every_site(workspace: Workspace) -> None:
    mine = beside(workspace, "budget")
    options = ("--canary", "none", "--shares", "33%,33%", "--site-failures", "1")
    # The soak keeps the sites in step: neither is through before the other has failed.
    plan = mine.plan(BREAKING, *options, "--run-failures", "1", "--soak", "3s")
    waves = [site["waves"] for site in yaml.safe_load(plan.read_text())["sites"].values()]
    second = sorted(of_site[1]["hosts"][0] for of_site in waves)
    marks = [root_of(workspace, host) / "root" / "breaks" for host in second]
    for mark in marks:
        mark.touch()
    try:
        mine.ictops(*apply(plan), code=4)
    finally:
        for mark in marks:
            mark.unlink()
    run = newest(mine)
    with opened(mine) as journal:
        hosts, sites = journal.hosts(run), journal.sites(run)
    assert sorted(h.host for h in hosts if h.outcome == "failed") == second
    assert {s.state for s in sites} == {"stopped"}
    assert "2 of the run's 6 hosts failed, 1 may" in {s.reason for s in sites}
    assert [h.outcome for h in hosts if h.wave == 2] == ["deferred", "deferred"]
