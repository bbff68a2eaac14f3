"""The agent's way without a boot server: the job, the image and the last word are on the disk."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from ictops.imaging.agent import table
from ictops.imaging.agent.area import there_is
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.fetch import Patience, Source
from ictops.imaging.agent.heal import JOBS, Memory
from ictops.imaging.agent.machine import Machine
from ictops.imaging.agent.main import Options, bug, checked, counted, do, failed
from ictops.imaging.agent.mount import open_folder
from ictops.imaging.agent.progress import Tally
from ictops.imaging.agent.work import Work
from ictops.imaging.wire import said, strict
from ictops.imaging.wire.job import Job
from ictops.imaging.wire.local import KeptJob, Report

T = TypeVar("T")
PATIENCE = Patience(gone=20.0)
"""A PC that is healed by itself waits for nobody for long."""
_READ = 20.0
"""Seconds for a person to read on the screen what went wrong."""


class Alone:
    """A session with nobody: what is said is on the screen, and in the report."""

    def tell(self, path: str, message: Any, patience: float = 0.0) -> None:
        """Say it to nobody."""

    def ask(self, path: str, message: Any, answer: type[T], patience: float = 0.0) -> T:  # noqa: ARG002
        """Refuse: there is nobody to answer.

        :raises JobFailed: ``job-refused``.
        """
        raise JobFailed("job-refused", "the job has a one-time secret, and is for a boot server")


def work_locally(options: Options, machine: Machine) -> tuple[said.End, Job | None, bool]:
    """Do the job that waits on this PC's own disk.

    :returns: what became of it, the job, and whether the disk still holds a whole system.
    """
    began, tally = time.monotonic(), Tally()
    job: Job | None = None
    try:
        with _memory(machine) as memory:
            kept, resumed = _choose(memory, machine)
        machine = replace(machine, mac=kept[0].mac)
        job = _for_alone(kept[1], machine, options, resumed=resumed)
        source = Source(options.bulk, options.patience)
        work = Work(job, machine, Alone(), source, options.allowed, tally, local=True)
        end = do(work, options)
    except JobFailed as error:
        end = failed(error)
    except Exception as error:  # noqa: BLE001 - whatever it is, the PC must not stop here
        end = bug(error)
    end = counted(end, tally, began)
    return end, job, _keep(machine, job, end)


def run_locally(
    options: Options, machine: Machine, rest: Callable[[float], None] = time.sleep
) -> None:
    """Put this PC back to its image, and let it boot; it never stops at a prompt."""
    end, _, whole = work_locally(options, machine)
    if end.outcome == "done":
        machine.show(f"done in {end.seconds:.0f} s")
    else:
        machine.show(f"{end.fault}: {end.message}")
        rest(_READ)
    if whole:
        # A firmware that boots the network first would wait for it a minute or two.
        try:
            machine.entries.disk_next()
        except (JobFailed, OSError) as error:
            machine.show(str(error))
    # Half a system boots the agent again, which would go on for ever where the disk is broken.
    machine.leave("reboot" if whole else "poweroff")


@contextmanager
def _memory(machine: Machine) -> Iterator[Memory]:
    able = [Path(one.path) for one in machine.hardware.disks if not one.removable]
    found = [(one, area) for one in able if (area := there_is(table.found(one))) is not None]
    if len(found) != 1:
        raise JobFailed(
            "job-refused",
            f"{len(found) or 'no'} disk{'s' if len(found) > 1 else ''} of this PC with a cache",
        )
    path, area = found[0]
    disk = machine.open_disk(path)
    try:
        with open_folder(disk, area.cache, "ext4") as folder:
            yield Memory(folder)
    finally:
        disk.close()


def _choose(memory: Memory, machine: Machine) -> tuple[tuple[Job, KeptJob], bool]:
    """Give the job that is to be done now, as it says and as it was signed.

    What it says is believed only once its signature was verified.

    :returns: also whether it was begun before.
    :raises JobFailed: ``job-refused`` if there is none.
    """
    begun, ended = memory.begun(), memory.ended()
    waiting = []
    for name in JOBS:
        kept = memory.job(name)
        try:
            job = strict.loads(Job, kept.job) if kept is not None else None
        except strict.NotAsAgreed:
            continue
        # Nobody booted from the network: any card of this PC's may be the one that is meant.
        if job is None or kept is None or job.mac not in machine.hardware.macs:
            continue
        if job.id == begun:
            return (job, kept), True
        if job.standing or job.id not in ended:
            waiting.append((job, kept))
    if not waiting:
        raise JobFailed("job-refused", "no job waits on this PC that it has not done already")
    return waiting[0], False


def _for_alone(kept: KeptJob, machine: Machine, options: Options, *, resumed: bool) -> Job:
    claimed = said.Claimed(kept.job, kept.signature, "")
    job = checked(claimed, machine, options.allowed, resumed=resumed)
    if job.kind != "heal":
        raise JobFailed("job-refused", f"a PC does not {job.kind} by itself")
    return job


def _keep(machine: Machine, job: Job | None, end: said.End) -> bool:
    """Keep the report, and say whether the disk holds a whole system."""
    try:
        with _memory(machine) as memory:
            whole = not memory.begun()
            if job is not None:
                now = datetime.now(UTC).isoformat(timespec="seconds")
                memory.report(Report(job.id, end, now), standing=job.standing)
                if whole and not job.standing:
                    memory.forget("once")
            return whole
    except (JobFailed, OSError) as error:
        machine.show(f"there is no report: {error}")
        return end.outcome == "done"
