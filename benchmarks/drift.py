"""Drift checks of real hosts: the fast path against ansible-playbook, and what both paths find.

``python -m benchmarks.drift [--hosts N] [--rounds N] [--repeats N] [--json]``. It needs what
``ictops lab`` needs, brings up a lab of its own and takes it away; each host is a container of
some 60 MB. The hosts are brought to what a school says of them, with something of every kind
that can drift. Then, while nothing has changed, ``ictops drift check`` runs in turn with
``ansible-playbook --check --diff`` of the same playbook, with forks=50 and pipelining; every
check must call every host clean. At last 60 drifts are made, and looked for by both paths.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.report import Report, Target, alternate, finish, median
from ictops.settings import content_dir
from tests.support.drifting import Seed, check, drifting_school, items_of, make_right, seeds
from tests.support.drifting_switches import Switches, switches_of
from tests.support.lab import Workspace

TIMES_ANSIBLE = 10.0
SEEDED = 60
FAST, ANSIBLE = "ictops drift check", "ansible-playbook --check --diff"
PACKAGES = ("ictops", "ansible-core", "ansible-runner")
ANSIBLE_CFG = """\
[defaults]
forks = 50
host_key_checking = true
retry_files_enabled = false
inject_facts_as_vars = false
[ssh_connection]
pipelining = true
ssh_args = -o ControlMaster=auto -o ControlPersist=60s
"""


class Bench:
    """A school of many hosts that are what they should be."""

    def __init__(self, workspace: Workspace, switches: Switches, hosts: int) -> None:
        self.workspace, self.switches = workspace, switches
        self.hosts = [f"lab001-ws-{number:02}" for number in range(1, hosts + 1)]
        (workspace.folder / "rival.cfg").write_text(ANSIBLE_CFG)
        with (workspace.folder / "ictops.toml").open("a") as settings:
            settings.write(f"forks = 50\n[limits]\nsite = {hosts}\nroom = {hosts}\n")

    def by_ictops(self, *words: str) -> None:
        """Check, and look that every host is clean."""
        found = check(self.workspace, *words, code=0)
        over = 0 if words else len(self.hosts)
        if found["counts"]["clean"] != len(self.hosts) or found["passed_over"] != over:
            raise RuntimeError(f"not all clean: {found['counts']}, {found['groups']}")

    def by_ansible(self) -> None:
        """Check, and look that no host would be changed."""
        own = {"ANSIBLE", "ICTOPS"}
        env = {k: v for k, v in os.environ.items() if k.partition("_")[0] not in own}
        done = subprocess.run(
            [
                str(Path(sys.executable).parent / "ansible-playbook"),
                *("-i", str(self.workspace.lab.folder / "lab001.yml"), "--limit", "workstations"),
                *("--check", "--diff", str(content_dir() / "playbooks" / "site.yml")),
            ],
            env=env | {
                "ANSIBLE_CONFIG": str(self.workspace.folder / "rival.cfg"),
                "ANSIBLE_ROLES_PATH": str(content_dir() / "roles"),
                "ANSIBLE_COLLECTIONS_PATH": str(content_dir() / "collections"),
            },
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        )  # fmt: skip
        changes = [int(n) for n in re.findall(r"changed=(\d+)", done.stdout)]
        if done.returncode or len(changes) != len(self.hosts) or any(changes):
            raise RuntimeError(f"ansible-playbook: {changes}\n{done.stdout[-3000:]}{done.stderr}")

    def seed(self) -> list[tuple[str, Seed]]:
        """Make drift on the hosts, and give what was done where."""
        *many, last = self.hosts
        there, on_switches = seeds(), self.switches.seed()
        together = [seed for seed in there if not seed.alone]
        alone = [(last, seed) for seed in there if seed.alone]
        # In the second round each is on another host than in the first.
        again = [
            (many[(number + shift) % len(many)], seed)
            for shift in (0, 1)
            for number, seed in enumerate(together)
        ]
        done = [*alone, *again][: SEEDED - len(on_switches)]
        for host, seed in done:
            self.workspace.on(host, "sh", "-c", seed.do)
        return [*done, *on_switches]

    def found(self, done: list[tuple[str, Seed]], *words: str) -> int:
        """Check, and give how many of the seeds were found."""
        told = check(self.workspace, *words, code=9, limit="workstations:switches")
        items = {host: items_of(told, host) for host, _ in done}
        missed = [
            (host, seed.do)
            for host, seed in done
            if not any(seed.item in item for item in items[host])
        ]
        for host, what in missed:
            say(f"missed on {host}: {what}")
        return len(done) - len(missed)


def say(text: str) -> None:
    """Tell a person who waits."""
    print(text, file=sys.stderr, flush=True)


def measure(bench: Bench, rounds: int, repeats: int) -> Report:
    """Give what there is to tell of a school."""
    make_right(bench.workspace)
    bench.by_ictops("--full")
    contenders = {FAST: lambda _: bench.by_ictops(), ANSIBLE: lambda _: bench.by_ansible()}
    seconds = alternate(contenders, rounds, say)
    for number in range(rounds, repeats):
        bench.by_ictops(*(("--full",) if number % 4 == 0 else ()))
    done = bench.seed()
    fast, full = bench.found(done), bench.found(done, "--full")
    times = median(seconds[ANSIBLE]) / median(seconds[FAST])
    targets = [
        Target(f"times as fast as {ANSIBLE}", times, TIMES_ANSIBLE),
        Target(f"of {len(done)} drifts found from the fast path", fast, len(done)),
        Target(f"of {len(done)} drifts found by full checks", full, len(done)),
        Target(f"false drifts in {max(rounds, repeats)} checks", 0, 0, at_least=False),
    ]  # a false one would have been an error above
    hosts = len(bench.hosts)
    kinds = ", ".join(sorted({seed.kind for _, seed in done}))
    notes = [
        f"{hosts} hosts share this machine; kinds: {kinds}",
        "the switches are simulated, and looked at in full by both paths",
    ]
    return Report("drift", seconds, targets, notes)


def main() -> int:
    """Run the benchmark; give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hosts", type=int, default=100, help="at least 3")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the lab is taken away then, too
    with (
        tempfile.TemporaryDirectory(prefix="ictops-bench-") as name,
        drifting_school(Path(name).resolve(), asked.hosts) as workspace,
        switches_of(workspace) as switches,
    ):
        report = measure(Bench(workspace, switches, asked.hosts), asked.rounds, asked.repeats)
    return finish(report, PACKAGES, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
