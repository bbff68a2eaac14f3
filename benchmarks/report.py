"""What every benchmark shares: alternating runs, the machine, the targets and the table."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.table import Table

Contender = Callable[[int], None]
"""One run of what is compared; it is given the number of the round and raises if it fails."""


@dataclass(frozen=True, slots=True)
class Target:
    """A figure that must be reached."""

    name: str
    value: float
    wanted: float
    at_least: bool = True
    """Whether more is better."""

    @property
    def met(self) -> bool:
        """Whether the figure is good enough."""
        return self.value >= self.wanted if self.at_least else self.value <= self.wanted


@dataclass(frozen=True, slots=True)
class Report:
    """What one benchmark found."""

    benchmark: str
    seconds: dict[str, list[float]]
    """Wall seconds of each run, by what ran."""
    targets: list[Target]
    notes: list[str] = field(default_factory=list)

    @property
    def met(self) -> bool:
        """Whether every target is reached."""
        return all(target.met for target in self.targets)


def machine() -> dict[str, str]:
    """Name the machine as far as a figure depends on it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.is_file() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": str(len(os.sched_getaffinity(0))),
        "memory": f"{memory:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def versions(packages: Sequence[str]) -> dict[str, str]:
    """Give the installed version of each package."""
    found = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def alternate(
    contenders: Mapping[str, Contender],
    rounds: int,
    say: Callable[[str], None],
    before: Callable[[], None] = lambda: None,
) -> dict[str, list[float]]:
    """Time the contenders in turn, round after round; every second round in reverse.

    So what slows the machine for a while slows them all.

    :param before: makes each run begin alike; it is not timed.
    """
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds):
        order = list(contenders.items())
        for name, run in order if number % 2 == 0 else reversed(order):
            before()
            begun = time.perf_counter()
            run(number)
            took = time.perf_counter() - begun
            seconds[name].append(round(took, 3))
            say(f"round {number + 1} of {rounds}: {name} {took:.1f} s")
    return seconds


def median(seconds: Sequence[float]) -> float:
    """Give the middle one, in seconds."""
    return statistics.median(seconds)


def finish(report: Report, packages: Sequence[str], *, as_json: bool) -> int:
    """Print a report; give the exit status: 1 when a target is missed."""
    named = {"machine": machine(), "versions": versions(packages)}
    if as_json:
        found = [asdict(target) | {"met": target.met} for target in report.targets]
        print(json.dumps(named | asdict(report) | {"targets": found, "met": report.met}, indent=2))
        return 0 if report.met else 1
    out = Console(highlight=False, markup=False)
    out.print(f"{report.benchmark}")
    for title, facts in named.items():
        out.print(f"{title}: " + ", ".join(f"{name} {value}" for name, value in facts.items()))
    times = Table("what", "median s", "fastest s", "slowest s", "runs")
    for name, took in report.seconds.items():
        figures = (median(took), min(took), max(took))
        times.add_row(name, *(f"{figure:.2f}" for figure in figures), str(len(took)))
    out.print(times)
    wanted = Table("target", "measured", "wanted", "")
    for target in report.targets:
        sign = ">=" if target.at_least else "<="
        row = (target.name, f"{target.value:.2f}", f"{sign} {target.wanted:g}")
        wanted.add_row(*row, "met" if target.met else "MISSED")
    out.print(wanted)
    for note in report.notes:
        out.print(note)
    return 0 if report.met else 1
