"""What is scheduled, from the command to the backup of a simulated switch."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ictops.store.journal import Journal
from tests.support.farm import device, farm_of
from tests.support.postgresql import Server
from tests.support.runs import until
from tests.support.schools import a_day_ago, just_now
from tests.support.workspace import LOGIN, SchoolWorkspace, place_in

SWITCH = "oak-sw-01"
TICK = (sys.executable, "-m", "ictops", "tick", "--json")


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolWorkspace]:
    with farm_of(tmp_path / "farm", device("cisco_ios", SWITCH)) as farm:
        made = SchoolWorkspace(tmp_path)
        made.known_hosts.write_text(farm.known_hosts.read_text())
        made.describe({SWITCH: place_in(farm, SWITCH)}, {**LOGIN, "switch_platform": "cisco_ios"})
        yield made


def scheduled(school: SchoolWorkspace, url: str) -> Journal:
    """Have a backup due a minute ago, and give the journal."""
    school.ictops("schedule", "add", "backups", just_now(), "--", "switch", "backup")
    journal = Journal.open(url)
    a_day_ago(journal)
    return journal


def ticking(workspace: Path) -> subprocess.Popen[str]:
    environment = {**os.environ, "ICTOPS_CONFIG": str(workspace / "ictops.toml")}
    return subprocess.Popen(
        TICK, cwd=workspace, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def said(process: subprocess.Popen[str]) -> dict[str, list[str]]:
    out, error = process.communicate(timeout=120)
    assert process.returncode == 0, out + error
    told: dict[str, list[str]] = json.loads(out)
    return told


def test_two_control_boxes_begin_a_backup_once(
    school: SchoolWorkspace,
    postgresql: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    url = postgresql.database()
    monkeypatch.setenv("ICTOPS_JOURNAL", url)
    other = tmp_path / "other"
    other.mkdir()
    (other / "ictops.toml").write_text(school.settings.read_text())
    (other / "inventories").symlink_to(school.folder / "inventories")
    journal = scheduled(school, url)
    told = [said(box) for box in [ticking(school.folder), ticking(other)]]
    (run,) = [run for one in told for run in one["begun"]]
    assert [one.id for one in journal.runs()] == [run]
    assert journal.run(run).state == "finished"
    assert [host.outcome for host in journal.hosts(run)] == ["changed"], "the first backup"
    journal.close()
    (done,) = [
        one
        for one in json.loads(school.ictops("schedule", "history", "--json"))
        if one["state"] == "begun"
    ]
    assert (done["run_id"], done["run_state"], done["not_good"]) == (run, "finished", 0)
    assert run in school.ictops("schedule", "history", "backups")


def test_a_tick_that_is_killed_leaves_its_backup_to_the_next(school: SchoolWorkspace) -> None:
    journal = scheduled(school, f"sqlite:///{school.folder / 'state' / 'journal.db'}")
    first = ticking(school.folder)
    until(lambda: bool(journal.runs()), 60, "the run")
    first.send_signal(signal.SIGKILL)
    first.communicate()
    second = said(ticking(school.folder))
    assert second["begun"] == []
    (run,) = journal.runs()
    assert second["carried"] == [run.id]
    assert (run.state, run.schedule) == ("finished", "backups")
    assert [host.outcome for host in journal.hosts(run.id)] == ["changed"], "the first backup"
    journal.close()
    third = said(ticking(school.folder))
    assert (third["begun"], third["carried"]) == ([], [])
