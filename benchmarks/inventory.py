"""What the size of a cluster costs: ``python -m benchmarks.inventory [--json]``."""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.clusters import make_cluster
from benchmarks.report import Report, Target, alternate, finish, median
from ictops.errors import Exit
from ictops.plans.file import read_plan

PLAYBOOK = "play.yml"
PLAY = "- hosts: all\n  gather_facts: false\n  connection: local\n  tasks: []\n"
SITES, HOSTS_A_SITE = 350, 286
CHECK = """
import sys; from pathlib import Path
from ictops.calendars.check import check_calendars
from ictops.estate.check import examine_cluster
checked = examine_cluster(Path(sys.argv[1]), vault_set=False)
faults = checked.faults + check_calendars(Path(sys.argv[1]), checked.sites)
sys.exit(f"{len(faults)} faults, first {faults[0]}" if faults else 0)
"""
DAY = timedelta(days=1)


def _run(argv: list[str], cwd: Path | None = None, code: int = 0) -> float:
    """Run a command in silence; give its wall seconds; raise if it ends with another code."""
    begun = time.perf_counter()
    env = os.environ | {"ANSIBLE_INVENTORY_IGNORE_REGEX": "^calendars$"}
    done = subprocess.run(argv, check=False, stdout=subprocess.DEVNULL, env=env, cwd=cwd)
    if done.returncode != code:
        raise RuntimeError(f"{argv} ended with {done.returncode}")
    return time.perf_counter() - begun


def plans(folder: Path, cluster: str, hosts: int) -> dict[str, list[float]]:
    """Give the wall seconds of each command that a plan for a whole cluster goes through."""
    (folder / "ictops.toml").write_text(
        f'cluster = "{cluster}"\ninventories = "."\nstate_dir = "state"\n'
    )
    ictops = partial(_run, cwd=folder)
    words = [sys.executable, "-m", "ictops"]
    now = datetime.now(UTC)
    begin = [*words, "plan", "playbook", PLAYBOOK, "--sites", "all", "--from"]
    begin += [str((now + DAY).date()), "--until"]
    plan = [*begin, str((now + 60 * DAY).date()), "--total-limit", "2000", "-o", "plan.yml"]
    # Far too much for a night, so that what would make it fit is searched for as well.
    tight = [*begin, str((now + DAY).date()), "--site-limit", "1", "--total-limit", "20"]
    seconds = {
        "plan, not indexed": [ictops(plan)],
        "plan, indexed": [ictops(plan)],
        "plan that does not fit": [ictops(tight, code=Exit.NOT_NOW)],
        "plan show": [ictops([*words, "plan", "show", "plan.yml"])],
        "plan approve": [ictops([*words, "plan", "approve", "plan.yml"])],
        "apply, until it waits": [
            ictops([*words, "apply", "plan.yml", "--no-wait"], code=Exit.NOT_NOW)
        ],
    }
    planned = len(read_plan(folder / "plan.yml").hosts)
    if planned != hosts:
        raise RuntimeError(f"{planned} hosts were planned")
    return seconds


def main() -> int:
    """Measure, print, and give 1 when a target is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks.inventory", description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        small, large, huge = (folder / name for name in ("small", "large", "huge"))
        make_cluster(small, 1, 50)
        make_cluster(large, 200, 50)
        make_cluster(huge, SITES, HOSTS_A_SITE)
        play = folder / PLAYBOOK
        play.write_text(PLAY)
        total = SITES * HOSTS_A_SITE
        check = _run([sys.executable, "-c", CHECK, str(huge)])
        planned = plans(folder, huge.name, total)
        peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
        start = {
            "shard, cluster of 50": small / "s000.yml",
            "shard, cluster of 10,000": large / "s000.yml",
            "whole cluster of 10,000": large,
        }
        contenders = {name: partial(_start, play, source) for name, source in start.items()}
        seconds = alternate(contenders, options.rounds, partial(print, file=sys.stderr))
    names = list(start)
    ratio = median(seconds[names[1]]) / median(seconds[names[0]])
    report = Report(
        "inventory",
        seconds | {"check, cold": [check]} | planned,
        [
            Target("shard start, 10,000 hosts to 50", ratio, 1.2, at_least=False),
            Target(f"check of {total} hosts, s", check, 60, at_least=False),
            *(
                Target(f"{name}: {total} hosts, s", planned[name][0], 10, at_least=False)
                for name in ("plan, indexed", "plan that does not fit")
            ),
            Target("peak memory of all of these, GiB", peak, 1.4, at_least=False),
        ],
    )
    return finish(report, ["ansible-core", "PyYAML"], as_json=options.json)


def _start(play: Path, source: Path, _round: int) -> None:
    ansible = str(Path(sys.executable).parent / "ansible-playbook")
    _run([ansible, "-i", str(source), "--limit", "site_s000", str(play)])


if __name__ == "__main__":
    sys.exit(main())
