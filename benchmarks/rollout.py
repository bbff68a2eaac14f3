"""The same twelve tasks on twenty real hosts: ictops apply, ansible-playbook and pyinfra.

``python -m benchmarks.rollout [--rounds N] [--json]``. It needs what ``ictops lab`` needs,
brings up a lab of its own and takes it away. Each tool in turn changes the hosts, then runs
again with nothing left to change; the next round goes in the opposite order. The playbook
is anybody's: nothing in it is for ictops. Plans are made beforehand and not timed.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from benchmarks.report import Report, Target, alternate, finish, median
from ictops.estate.load import load_cluster

HERE = Path(__file__).parent / "rollout"
PLAYBOOK = HERE / "playbook.yml"
SITE = "lab001"
WORKSTATIONS = 19
"""Beside the site's server: twenty hosts."""
HOSTS = WORKSTATIONS + 1
TIMES_ANSIBLE = 2.5
PACKAGES = ("ictops", "ansible-core", "ansible-runner", "pyinfra")
PHASES = ("changing", "converged")
ICTOPS, ANSIBLE, PYINFRA = "ictops apply", "ansible-playbook", "pyinfra"

ANSIBLE_CFG = """\
[defaults]
forks = 50
host_key_checking = true
retry_files_enabled = false
[ssh_connection]
pipelining = true
ssh_args = -o ControlMaster=auto -o ControlPersist=60s
"""
SETTINGS = f"""\
cluster = "bench"
state_dir = "state"
forks = 50
[limits]
site = {HOSTS}
room = {HOSTS}
"""


class Bench:
    """A workspace of its own with a lab of one site in it."""

    def __init__(self, folder: Path, strategy: str) -> None:
        self.folder = folder
        (folder / "ictops.toml").write_text(f'strategy = "{strategy}"\n{SETTINGS}')
        (folder / "rival.cfg").write_text(ANSIBLE_CFG)
        self.inventory = folder / "inventories" / "bench"
        own = {"ANSIBLE", "ICTOPS"}
        plain = {k: v for k, v in os.environ.items() if k.partition("_")[0] not in own}
        beside = f"{Path(sys.executable).parent}{os.pathsep}{plain['PATH']}"
        self.env = plain | {
            "ICTOPS_CONFIG": str(folder / "ictops.toml"),
            "NO_COLOR": "1",
            "PATH": beside,  # where the rivals' commands are too, activated or not
        }

    def run(self, *argv: str, accept: Sequence[int] = (0,), **env: str) -> str:
        """Run a command to its end and give its output.

        :raises RuntimeError: with the end of the output, if it fails.
        """
        done = subprocess.run(
            argv,
            cwd=self.folder,
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in accept:
            said = done.stdout[-2000:] + done.stderr[-2000:]
            raise RuntimeError(f"{' '.join(argv)}: exit {done.returncode}\n{said}")
        return done.stdout

    def ictops(self, *argv: str, accept: Sequence[int] = (0,)) -> str:
        """Run ictops in the workspace."""
        return self.run(sys.executable, "-m", "ictops", *argv, accept=accept)

    @contextmanager
    def environment(self) -> Iterator[None]:
        """Have this process read the workspace's settings too, while this lasts."""
        before = os.environ.get("ICTOPS_CONFIG")
        os.environ["ICTOPS_CONFIG"] = self.env["ICTOPS_CONFIG"]
        try:
            yield
        finally:
            os.environ.pop("ICTOPS_CONFIG")
            if before is not None:
                os.environ["ICTOPS_CONFIG"] = before

    def up(self) -> None:
        """Bring the lab up and tell pyinfra of its hosts."""
        size = ("--sites", "1", "--workstations", str(WORKSTATIONS))
        self.ictops("lab", "up", "--name", "bench", "--switches", "0", *size)
        found = load_cluster(self.inventory, self.folder / "cache").all_hosts()
        login = {
            "ssh_user": "ictops",
            "ssh_key": str(self.inventory / ".lab" / "id_ed25519"),
            "ssh_known_hosts_file": str(self.inventory / "known_hosts" / SITE),
            "ssh_strict_host_key_checking": "yes",
            "_sudo": True,
        }
        hosts = [(host.address, login) for host in found]
        (self.folder / "pyinfra_hosts.py").write_text(f"hosts = {hosts!r}\n")

    def down(self) -> None:
        """Take the lab away."""
        self.ictops("lab", "down", "--name", "bench")

    def plan(self, name: str, release: str) -> Path:
        """Make a plan of one wave of all hosts."""
        plan = self.folder / f"{name}.yml"
        self.ictops(
            "plan", "playbook", str(PLAYBOOK), "--sites", SITE, "--in", "christmas",
            "--canary", "none", "--shares", "100%", "--estimate", "1m",
            "-e", f"workstation_release={release}", "-o", str(plan),
            accept=(0, 6),  # it need not fit windows: it is applied at once
        )  # fmt: skip
        return plan

    def by_ictops(self, release: str, phase: str) -> Callable[[], str]:
        """Make ready a run of ictops apply."""
        plan = self.plan(f"{release}-{phase}", release)
        wanted = {"changed" if phase == "changing" else "ok": HOSTS}

        def run() -> str:
            said = self.ictops(
                "apply", str(plan), "--now", "--reason", f"benchmark, {phase}", "--json"
            )
            found = json.loads(said)["sites"][0]["outcomes"]
            if found != wanted:
                raise RuntimeError(f"ictops apply, {phase}: {found}")
            return said

        return run

    def by_ansible(self, release: str, phase: str) -> Callable[[], str]:
        """Make ready a run of ansible-playbook; what it says it did must be so."""

        def run() -> str:
            said = self.run(
                "ansible-playbook", "-i", str(self.inventory / f"{SITE}.yml"), str(PLAYBOOK),
                "-e", f"workstation_release={release}",
                ANSIBLE_CONFIG=str(self.folder / "rival.cfg"),
            )  # fmt: skip
            changes = [int(n) for n in re.findall(r"changed=(\d+)", said)]
            as_meant = all(n > 0 for n in changes) if phase == "changing" else not any(changes)
            if len(changes) != HOSTS or not as_meant:
                raise RuntimeError(f"ansible-playbook, {phase}, changed {changes}")
            return said

        return run

    def by_pyinfra(self, release: str, _phase: str) -> Callable[[], str]:
        """Make ready a run of pyinfra."""
        return lambda: self.run(
            "pyinfra", "-y", "--data", f"workstation_release={release}",
            str(self.folder / "pyinfra_hosts.py"), str(HERE / "deploy.py"),
        )  # fmt: skip


def measure(bench: Bench, rounds: int, say: Callable[[str], None]) -> dict[str, list[float]]:
    """Give the wall seconds of every tool in both phases."""
    seconds: dict[str, list[float]] = defaultdict(list)
    tools = {ICTOPS: bench.by_ictops, ANSIBLE: bench.by_ansible, PYINFRA: bench.by_pyinfra}

    def both(number: int, tool: str) -> None:
        release = f"{tool.split('-', maxsplit=1)[0].split(maxsplit=1)[0]}{number}"
        for phase in PHASES:
            run = tools[tool](release, phase)
            begun = time.perf_counter()
            run()
            took = round(time.perf_counter() - begun, 3)
            seconds[f"{tool}, {phase}"].append(took)
            say(f"{tool}, {phase}: {took:.1f} s")

    alternate({tool: partial(both, tool=tool) for tool in tools}, rounds, lambda _: None)
    return dict(seconds)


def judge(seconds: dict[str, list[float]]) -> list[Target]:
    """Give the targets: against ansible-playbook and against pyinfra, in both phases."""
    targets = []
    for phase in PHASES:
        ours = median(seconds[f"{ICTOPS}, {phase}"])
        for rival, wanted in ((ANSIBLE, TIMES_ANSIBLE), (PYINFRA, 1.0)):
            times = median(seconds[f"{rival}, {phase}"]) / ours
            targets.append(Target(f"times as fast as {rival}, {phase}", times, wanted))
    return targets


def main() -> int:
    """Run the benchmark; give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--strategy", choices=("resident", "linear"), default="resident")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()

    def say(text: str) -> None:
        print(text, file=sys.stderr, flush=True)

    with tempfile.TemporaryDirectory(prefix="ictops-bench-") as name:
        bench = Bench(Path(name).resolve(), asked.strategy)
        try:
            bench.up()
            seconds = measure(bench, asked.rounds, say)
        finally:
            bench.down()
    notes = [f"{HOSTS} hosts share this machine; strategy {asked.strategy}; SSH keys are pinned"]
    return finish(Report("rollout", seconds, judge(seconds), notes), PACKAGES, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
