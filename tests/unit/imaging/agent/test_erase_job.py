"""A job that erases, from the claim to the last word."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from ictops.imaging.agent import overwrite
from ictops.imaging.agent.erase import NOT_NAMED, OVERWRITE
from ictops.imaging.agent.fetch import Source
from ictops.imaging.agent.image import Work
from ictops.imaging.agent.machine import Machine
from ictops.imaging.agent.main import JOBS
from ictops.imaging.agent.progress import Tally
from ictops.imaging.agent.session import Session
from ictops.imaging.wire import said
from ictops.imaging.wire.job import Erase, Job
from tests.unit.imaging.agent.conftest import School

MIB = 1 << 20


@pytest.fixture
def disk(school: School) -> Path:
    path = school.blank(size=8 * MIB)
    path.write_bytes(os.urandom(8 * MIB))
    return path


def run(school: School, job: Job, *disks: said.Disk) -> said.End:
    return school.run_on(job, machine_with(school, *disks))


def machine_with(school: School, *disks: said.Disk) -> Machine:
    machine: Machine = school.machine(Path(disks[0].path))
    return replace(machine, hardware=replace(machine.hardware, disks=disks))


def magnetic(path: Path, serial: str) -> said.Disk:
    return said.Disk(str(path), serial, "Model 1", path.stat().st_size, "", True, False)


def test_the_server_hears_what_became_of_the_disk(school: School, disk: Path) -> None:
    job = school.job(None, kind="erase", erase=Erase(("S1",), sample=10))
    end = run(school, job, magnetic(disk, "S1"))
    (one,) = end.erased
    assert (end.outcome, one.erased, one.method, one.verified) == ("done", True, OVERWRITE, 12)
    assert not disk.read_bytes().strip(b"\0")
    assert school.sessions.ends == [end]


def test_a_disk_that_the_job_does_not_name_makes_it_fail(school: School, disk: Path) -> None:
    other = school.blank("other.img", size=4 * MIB)
    job = school.job(None, kind="erase", erase=Erase(("S1",), sample=10))
    end = run(school, job, magnetic(disk, "S1"), magnetic(other, "S2"))
    assert (end.outcome, end.fault, end.message) == ("failed", "not-erased", "not erased: S2")
    assert [one.fault for one in end.erased] == ["", NOT_NAMED]
    assert school.sessions.ends == [end]


def test_how_far_it_is_is_counted_for_the_server(
    school: School, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overwrite, "TOLD_EVERY", 1)
    monkeypatch.setattr(overwrite, "BLOCK", MIB)
    seen: list[int] = []

    class Watched(Tally):
        def add(self, **counts: int) -> None:
            super().add(**counts)
            seen.append(self.done)

    tally, options = Watched(), school.options
    job = school.job(None, kind="erase", erase=Erase(("S1",), sample=10))
    work = Work(
        job, machine_with(school, magnetic(disk, "S1")), Session(options.server, options.ca),
        Source(options.bulk, options.patience), options.allowed, tally,
    )  # fmt: skip
    assert JOBS["erase"](work).outcome == "done"
    assert (tally.step, tally.total, tally.note) == ("erasing", 8 * MIB, f"S1: {OVERWRITE}")
    assert seen == [MIB * n // 2 for n in range(16)], "half for writing, half for reading back"
