"""What the size of a cluster costs: ``python -m benchmarks.inventory [--json]``."""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from benchmarks.clusters import make_cluster
from benchmarks.report import Report, Target, alternate, finish, median

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
SELECT = """
import sys; from pathlib import Path
from ictops.estate.load import load_cluster; from ictops.estate.select import select
chosen = select(load_cluster(Path(sys.argv[1]), Path(sys.argv[2])))
found = sum(map(len, chosen.values()))
sys.exit(0 if found == int(sys.argv[3]) else f"{found} hosts")
"""


def _run(argv: list[str]) -> float:
    """Run a command in silence; give its wall seconds; raise if it fails."""
    begun = time.perf_counter()
    env = os.environ | {"ANSIBLE_INVENTORY_IGNORE_REGEX": "^calendars$"}
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, env=env)
    return time.perf_counter() - begun


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
        play = folder / "play.yml"
        play.write_text(PLAY)
        total = str(SITES * HOSTS_A_SITE)
        python = [sys.executable, "-c"]
        check = _run([*python, CHECK, str(huge)])
        select = [*python, SELECT, str(huge), str(folder / "cache"), total]
        first, again = _run(select), _run(select)
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
        seconds | {"check, cold": [check], "select, cold": [first], "select, indexed": [again]},
        [
            Target("shard start, 10,000 hosts to 50", ratio, 1.2, at_least=False),
            Target(f"check of {total} hosts, s", check, 60, at_least=False),
            Target(f"load and select of {total} hosts, s", again, 10, at_least=False),
            Target("peak memory of check and select, GiB", peak, 1.4, at_least=False),
        ],
        ["Planning's windows and waves are not in 'load and select'."],
    )
    return finish(report, ["ansible-core", "PyYAML"], as_json=options.json)


def _start(play: Path, source: Path, _round: int) -> None:
    _run(["ansible-playbook", "-i", str(source), "--limit", "site_s000", str(play)])


if __name__ == "__main__":
    sys.exit(main())
