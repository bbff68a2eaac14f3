"""The timer of ``ictops schedule install``, on a machine with systemd."""

from __future__ import annotations

import sys
import time

import pytest

from tests.support.control_box import PROJECT, USER, control_box
from tests.support.lab import Workspace
from tests.support.runs import HOLDING, counts, let_go, until

pytestmark = pytest.mark.lab

VERIFY = ("sh", "-c", 'systemd-analyze verify "$@" 2>&1', "verify")
ODD = "/srv/our school, 100%"
HOST, NAME = "lab001-ws-01", "scheduled"

# A checkout may be in /tmp or in a home folder, which the service does not see.
PROGRAMS = f"""
[Service]
BindReadOnlyPaths={PROJECT} {sys.prefix} {sys.base_prefix}
"""

OFTEN = """
[Timer]
OnCalendar=*:*:0/2
"""


def test_the_timer_carries_a_run_as_a_user_with_few_rights(workspace: Workspace) -> None:
    with control_box(workspace, neighbour=HOST) as box:
        box.ictops("schedule", "install", "--user", USER, "--no-enable", user="root")
        units = [f"/etc/systemd/system/ictops-tick.{kind}" for kind in ("service", "timer")]
        assert box.run(*VERIFY, *units) == ""
        box.run("mkdir", ODD)
        box.write(f"{ODD}/ictops.toml", 'state_dir = "state"\n')
        odd = ("env", f"ICTOPS_CONFIG={ODD}/ictops.toml", sys.executable, "-m", "ictops")
        box.run(*odd, "schedule", "install", "--folder", "/srv/odd", "--no-enable")
        assert box.run(*VERIFY, "/srv/odd/ictops-tick.service") == ""

        box.run("mkdir", *(f"{unit}.d" for unit in units))
        box.write(f"{units[0]}.d/programs.conf", PROGRAMS)
        box.write(f"{units[1]}.d/often.conf", OFTEN)
        box.ictops("schedule", "install", "--user", USER, user="root")

        box.write("/srv/school/play.yml", HOLDING.format(name=NAME))
        options = ("--sites", "lab001", "--limit", HOST, "--in", "christmas", "-o")
        plan = f"/var/lib/{USER}/plan.yml"
        box.ictops("plan", "playbook", "play.yml", *options, plan)
        now = ("--now", "--reason", "test", "--yes", "--no-wait")
        run = box.json("apply", plan, *now, code=6)["run"]

        until(lambda: counts(workspace, NAME, [HOST])[HOST] == 1, 60, "the host at work")
        show = ("systemctl", "show", "--value", "-p", "MainPID", "ictops-tick.service")
        pid = box.run(*show).strip()
        status = box.run("cat", f"/proc/{pid}/status")
        facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        uid = box.run("id", "-u", USER).strip()
        assert set(facts["Uid"].split()) == {uid}
        assert (facts["NoNewPrivs"], int(facts["CapBnd"], 16)) == ("1", 0)
        mounts = box.run("cat", f"/proc/{pid}/mounts").splitlines()
        options = {line.split()[1]: line.split()[3].split(",")[0] for line in mounts}
        assert options["/"] == "ro"
        assert options[f"/var/lib/{USER}/state"] == "rw"

        begun = time.monotonic()
        box.run("systemctl", "stop", "ictops-tick.timer", "ictops-tick.service")
        assert time.monotonic() - begun < 20
        assert box.run("pgrep", "-u", USER, code=1) == "", "a process was left"
        assert box.json("run", "show", run)["report"]["state"] == "waiting"

        let_go(workspace, NAME, [HOST])
        box.run("systemctl", "start", "ictops-tick.timer")

        def state() -> str:
            return str(box.json("run", "show", run)["report"]["state"])

        until(lambda: state() == "finished", 60, "the run finished")
        assert counts(workspace, NAME, [HOST]) == {HOST: 2}
        assert "ictops" not in box.run("systemctl", "list-units", "--failed", "--plain")
