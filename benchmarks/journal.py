"""What the journal holds and costs: ``python -m benchmarks.journal [--rounds N] [--json]``.

First a stand-in executor gives the real engine 5,000 events a second; each event's time
from its arrival to the end of its commit (SQLite, synchronous=FULL) is taken. Then the role
of the benchmark ``rollout`` is run on real hosts by ``ictops apply``, with the time that it
spends in its journal, and in turn by bare ansible-runner with the same strategy.
"""

from __future__ import annotations

import argparse
import json
import queue
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from benchmarks.report import Report, Target, alternate, finish
from benchmarks.rollout import PLAYBOOK, SITE, Bench
from ictops.calendars.window import Window
from ictops.plans.model import Estimate, Plan, SitePlan, Wave
from ictops.plans.search import SearchPath
from ictops.running.course import Course
from ictops.running.engine import Engine
from ictops.running.job import environment
from ictops.running.messages import Ended, Event, Order
from ictops.running.messages import Report as Said
from ictops.running.strategy import strategy_settings
from ictops.running.tally import MARKER_TASK
from ictops.settings import load_settings
from ictops.store.journal import Journal
from ictops.store.lease import Lease
from ictops.trust.known_hosts import known_hosts_path, write_ssh_clients

WANTED = 5000
"""Events a second."""
OFFERED = 5250
"""Events a second that come; what is committed a second cannot be more."""
SECONDS = 10
HOSTS = 50
LATEST_MS = 50.0
COST = 5.0
"""Percent of a real run's wall time."""
PACKAGES = ("ictops", "ansible-core", "ansible-runner", "sqlalchemy")
RESULT = {"res": {"changed": True, "msg": "as an ordinary task says it " * 8}, "duration": 0.2}


class Fountain:
    """An executor that runs nothing and reports at a steady rate."""

    def __init__(self) -> None:
        self.reports: queue.Queue[Said] = queue.Queue()
        self.arrived: dict[int, float] = {}
        """When each event was handed over, by its counter."""

    def start(self, order: Order) -> None:
        threading.Thread(target=self._pour, args=(order,), daemon=True).start()

    def cancel(self) -> None:
        """Nothing runs that could be ended."""

    def forget(self, token: str) -> None:
        """Nothing was left on the disk."""

    def _pour(self, order: Order) -> None:
        begun = time.perf_counter()
        total = OFFERED * SECONDS
        for number in range(1, total + 1):
            ahead = begun + number / OFFERED - time.perf_counter()
            if ahead > 0:
                time.sleep(ahead)
            last = number > total - len(order.hosts)
            event = Event(
                shard=order.shard,
                fence=order.fence,
                counter=number,
                at=datetime.now(UTC),
                kind="runner_on_ok",
                host=order.hosts[number % len(order.hosts)],
                task=MARKER_TASK if last else f"Task {number}",
                data=RESULT,
            )
            self.arrived[number] = time.perf_counter()
            self.reports.put(event)
        self.reports.put(Ended(shard=order.shard, fence=order.fence, status="successful", rc=0))


class TimedLease(Lease):
    """A lease that notes when each event was on the disk."""

    committed: dict[int, float]

    def record(self, events: Sequence[Any], settled: Any = (), *, at: datetime) -> None:
        super().record(events, settled, at=at)
        now = time.perf_counter()
        self.committed.update((event["counter"], now) for event in events)


def pour(folder: Path) -> tuple[float, list[float]]:
    """Give the events committed a second, and each one's milliseconds to its commit."""
    journal = Journal.open(f"sqlite:///{folder / 'poured.db'}")
    hosts = [f"host-{number:02d}" for number in range(HOSTS)]
    now = datetime.now(UTC)
    site = SitePlan(
        inventory="s.yml",
        inventory_digest="",
        timezone="UTC",
        waves=[Wave(name="the rest", hosts=hosts)],
    )
    plan = Plan(
        operation="benchmark",
        title="benchmark",
        cluster="bench",
        made_at=now,
        made_by="benchmark",
        playbook="p.yml",
        playbook_digest="",
        roles_digest="",
        estimate=Estimate(seconds=1, source="given"),
        sites={"bench": site},
        limits={"site": HOSTS, "room": HOSTS, "total": HOSTS},
    )
    run = journal.create_run(
        operation="benchmark",
        title="benchmark",
        cluster="bench",
        plan=plan.model_dump_json(),
        plan_digest="",
        hosts=[("bench", host, 0) for host in hosts],
        by="benchmark",
        at=now,
    )
    fountain = Fountain()
    lease = TimedLease(journal, run, journal.acquire(run, at=now).fence)
    lease.committed = {}
    course = Course(
        strategy="linear",
        forks=HOSTS,
        windows={"bench": [Window(now, now + timedelta(hours=1))]},
        places={},
    )
    Engine(journal, lease, plan, fountain, course).carry()
    taken = [(lease.committed[n] - at) * 1000 for n, at in fountain.arrived.items()]
    span = max(lease.committed.values()) - min(fountain.arrived.values())
    if len(journal.events(run)) != OFFERED * SECONDS:
        raise RuntimeError("the journal lost events")
    return len(taken) / span, taken


def bare_runner(bench: Bench, release: str) -> None:
    """Run the playbook by ansible-runner alone: same hosts, forks, keys and strategy."""
    script = """\
import json, sys
import ansible_runner
told = json.load(open(sys.argv[1]))
result = ansible_runner.interface.run(**told, quiet=True)
sys.exit(result.rc)
"""
    settings = load_settings()
    with tempfile.TemporaryDirectory(dir=bench.folder) as name:
        folder = Path(name)
        order = Order(
            run="bare", shard=1, attempt=1, fence=1, token="bare", site=SITE,  # noqa: S106
            inventory=f"{SITE}.yml", playbook=str(PLAYBOOK), hosts=["all"], forks=settings.forks,
        )  # fmt: skip
        search, pins = SearchPath.of(settings), known_hosts_path(settings.cluster_dir, SITE)
        own = (
            environment(order, search, PLAYBOOK, folder) | strategy_settings(settings.strategy).env
        )
        told = {
            "private_data_dir": name,
            "playbook": str(PLAYBOOK),
            "inventory": str(bench.inventory / f"{SITE}.yml"),
            "extravars": write_ssh_clients(folder, pins) | {"workstation_release": release},
            "envvars": own | {"ANSIBLE_FORKS": str(settings.forks)},
        }
        (folder / "told.json").write_text(json.dumps(told))
        bench.run(sys.executable, "-c", script, str(folder / "told.json"))


def real_runs(bench: Bench, rounds: int) -> tuple[dict[str, list[float]], list[float]]:
    """Give wall seconds of both, and what percent of each apply went into the journal."""
    percents: list[float] = []
    plans = [bench.plan(f"journal-{number}", f"ictops{number}") for number in range(rounds)]

    def ours(number: int) -> None:
        begun = time.perf_counter()
        said = bench.run(
            sys.executable, "-m", "benchmarks.journal_time", "apply", str(plans[number]),
            "--now", "--reason", "benchmark", "--json",
            PYTHONPATH=str(Path(__file__).parents[1]),
        )  # fmt: skip
        wall = time.perf_counter() - begun
        percents.append(100 * float(said.rsplit("journal seconds ", 1)[1]) / wall)

    contenders = {
        "ictops apply": ours,
        "bare ansible-runner": lambda number: bare_runner(bench, f"bare{number}"),
    }
    say = lambda text: print(text, file=sys.stderr, flush=True)  # noqa: E731
    return alternate(contenders, rounds, say), percents


def main() -> int:
    """Run the benchmark; give the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ictops-bench-") as name:
        folder = Path(name).resolve()
        poured = [pour(Path(tempfile.mkdtemp(dir=folder))) for _ in range(asked.rounds)]
        bench = Bench(folder, "resident")
        with bench.environment():
            try:
                bench.up()
                seconds, percents = real_runs(bench, asked.rounds)
            finally:
                bench.down()
    rate = statistics.median(rate for rate, _ in poured)
    slowest = statistics.median(max(taken) for _, taken in poured)
    targets = [
        Target("events a second, durable", rate, WANTED),
        Target("slowest event to its commit, ms", slowest, LATEST_MS, at_least=False),
        Target("journal's share of a run, %", statistics.median(percents), COST, at_least=False),
    ]
    middle = statistics.median(statistics.median(taken) for _, taken in poured)
    poured_so = f"{OFFERED * SECONDS} events at {OFFERED} a second, {asked.rounds} rounds"
    notes = [f"{poured_so}; in the middle case an event waits {middle:.1f} ms for its commit"]
    return finish(Report("journal", seconds, targets, notes), PACKAGES, as_json=asked.json)


if __name__ == "__main__":
    sys.exit(main())
