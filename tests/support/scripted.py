"""Runs without hosts: a small plan, an executor that does as it is told, and a quick clock."""

from __future__ import annotations

import queue
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from ictops.calendars.window import Window
from ictops.plans.model import Estimate, Gate, Plan, SitePlan, Wave, WindowSpan
from ictops.running.course import Course
from ictops.running.engine import Engine
from ictops.running.messages import Ended, Event, Order, Report
from ictops.running.tally import MARKER_TASK
from ictops.store.journal import Journal

BEGIN = datetime(2026, 10, 26, 9, 0, tzinfo=UTC)
DAY = [Window(BEGIN, BEGIN + timedelta(hours=8))]


class Clock:
    """A clock on which an hour passes in less than a second."""

    def __init__(self, begin: datetime = BEGIN, speed: float = 6000) -> None:
        self._begin, self._speed, self._started = begin, speed, time.monotonic()

    def __call__(self) -> datetime:
        return self._begin + timedelta(seconds=(time.monotonic() - self._started) * self._speed)


@dataclass
class Scripted:
    """An executor that says at once what is to become of each host of a shard.

    ``ends`` gives, for an order and a host, ``ok``, ``changed``, ``failed``, ``unreachable``,
    ``dropped``, of which nothing is said, or ``held``: the shard then stays at work until it is
    cancelled or let go.
    """

    ends: Callable[[Order, str], str] = lambda _order, _host: "changed"
    reports: queue.Queue[Report] = field(default_factory=queue.Queue)
    orders: list[Order] = field(default_factory=list)
    held: dict[int, Order] = field(default_factory=dict)
    cancelled: int = 0

    def start(self, order: Order) -> None:
        self.orders.append(order)
        becomes = {host: self.ends(order, host) for host in order.hosts}
        for number, (host, end) in enumerate(becomes.items()):
            if end != "dropped":
                self._say(order, number, host, end)
        if "held" in becomes.values():
            self.held[order.shard] = order
        else:
            self._end(order, "failed" if "dropped" in becomes.values() else "successful")

    def let_go(self) -> None:
        """Let what is held come to a good end."""
        for order in list(self.held.values()):
            for number, host in enumerate(order.hosts):
                self._say(order, 100 + number, host, "changed")
            self._end(order, "successful")
        self.held.clear()

    def cancel(self) -> None:
        self.cancelled += 1
        for order in list(self.held.values()):
            self._end(order, "canceled")
        self.held.clear()

    def forget(self, token: str) -> None:
        """Nothing is on the disk."""

    def _say(self, order: Order, number: int, host: str, end: str) -> None:
        kinds = {"failed": "runner_on_failed", "unreachable": "runner_on_unreachable"}
        kinds |= {"held": "runner_on_start"}
        result = {"res": {"changed": end == "changed", "msg": f"it is {end}"}}
        said = [(kinds.get(end, "runner_on_ok"), "Work", result)]
        if end in {"ok", "changed"}:
            said.append(("runner_on_ok", MARKER_TASK, {}))
        for place, (kind, task, data) in enumerate(said):
            self.reports.put(
                Event(
                    shard=order.shard, fence=order.fence, counter=number * 2 + place + 1,
                    at=BEGIN, kind=kind, host=host, task=task, data=data,
                )
            )  # fmt: skip

    def _end(self, order: Order, status: str) -> None:
        ended = {"shard": order.shard, "fence": order.fence, "status": status}
        self.reports.put(Ended.model_validate(ended))


def small_plan(
    waves: Mapping[str, Sequence[Sequence[str]]],
    *,
    gate: Gate | None = None,
    windows: Sequence[Window] = DAY,
    retry_every: timedelta = timedelta(minutes=15),
) -> Plan:
    """Give a plan for these waves of hosts of each site; a batch takes a minute."""
    return Plan(
        operation="playbook", title="a test", cluster="demo", made_at=BEGIN, made_by="ann",
        playbook="/nowhere/play.yml", playbook_digest="", roles_digest="", gate=gate or Gate(),
        estimate=Estimate(seconds=60, source="given"), retry_every=retry_every,
        sites={
            site: SitePlan(
                inventory=f"{site}.yml", inventory_digest="", timezone="Europe/London",
                windows=[WindowSpan(start=w.start, end=w.end) for w in windows],
                waves=[Wave(name=f"wave {n}", hosts=list(h)) for n, h in enumerate(of_site)],
            )
            for site, of_site in waves.items()
        },
    )  # fmt: skip


def journalled(journal: Journal, plan: Plan) -> str:
    """Write a run of this plan down and give its id."""
    return journal.create_run(
        operation=plan.operation, title=plan.title, cluster=plan.cluster, by="ann", at=BEGIN,
        plan=plan.model_dump_json(), plan_digest=secrets.token_hex(32),
        hosts=[
            (code, host, number)
            for code, site in plan.sites.items()
            for number, wave in enumerate(site.waves)
            for host in wave.hosts
        ],
    )  # fmt: skip


def course(plan: Plan, **more: object) -> Course:
    windows = {code: [w.window for w in site.windows] for code, site in plan.sites.items()}
    fields = {"strategy": "linear", "forks": 5, "windows": windows, "places": {}} | more
    return Course(**fields)  # type: ignore[arg-type]


def engine_of(
    journal: Journal,
    plan: Plan,
    executor: Scripted,
    run: str = "",
    clock: Clock | None = None,
    **more: object,
) -> Engine:
    """Take a run over, a new one if none is named, and give what carries it."""
    run = run or journalled(journal, plan)
    lease = journal.acquire(run, at=BEGIN)
    return Engine(journal, lease, plan, executor, course(plan, **more), clock or Clock())
