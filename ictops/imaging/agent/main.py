"""The agent's way: ask for the job, do it, say what became of it, and leave the PC to boot."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from ictops.imaging.agent.capture import capture
from ictops.imaging.agent.clock import set_forward
from ictops.imaging.agent.erase import erase
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.fetch import Patience, Source
from ictops.imaging.agent.image import write_image
from ictops.imaging.agent.machine import Machine
from ictops.imaging.agent.progress import Reporter, Tally
from ictops.imaging.agent.session import Session
from ictops.imaging.agent.work import Work
from ictops.imaging.wire import said, strict
from ictops.imaging.wire.job import Job
from ictops.imaging.wire.signature import SignatureWrong, verify
from ictops.imaging.wire.words import moment


def _erase(work: Work) -> said.End:
    def tell(progress: said.Progress) -> None:
        if work.tally.note != progress.note:
            work.tally.begin(progress.step, progress.total, progress.note)
        work.tally.add(done=progress.done - work.tally.done)

    assert work.job.erase is not None  # noqa: S101 - a job has it, or is none
    work.tally.begin("erasing")
    return erase(work.job.erase, work.machine.hardware.disks, tell)


def _write(work: Work) -> said.End:
    return said.End("done", notes=write_image(work))


JOBS: dict[str, Callable[[Work], said.End]] = {
    "image": _write,
    "heal": _write,
    "look": lambda _work: said.End("done"),
    "erase": _erase,
    "capture": capture,
}
"""What does each kind of job, and says what became of it."""
_ZONE = timedelta(hours=14)
"""How far a clock that keeps local time may be from UTC. The boot server, whose clock is right, has
looked at the window to the second; this is against one that gives out what is long over."""
_READ = 60.0
"""Seconds for a person to read on the screen what went wrong."""


@dataclass(frozen=True, slots=True)
class Options:
    """Where the boot server is, and whom the agent trusts."""

    server: str
    """Such as ``https://boot.school``."""
    bulk: str
    """Where packs are, such as ``http://boot.school``."""
    ca: Path
    allowed: Path
    """The file of allowed signers."""
    claim: float = 180.0
    """Seconds that a server is waited for before there is a job."""
    end: float = 600.0
    """Seconds that a server is waited for once all is done."""
    patience: Patience = field(default_factory=Patience)
    every: float = 3.0
    """Seconds between two words on how far the work is."""
    arguments: tuple[str, ...] = ()
    """What this kernel was told: so will the one be that a PC starts from its own disk."""


def work_once(options: Options, machine: Machine) -> tuple[said.End, Job | None]:
    """Ask for this PC's job and do it.

    :returns: what became of it, and the job; None if there is none that may be done.
    """
    began, tally = time.monotonic(), Tally()
    job = None
    try:
        session = Session(options.server, options.ca, set_clock=lambda: set_forward(options.bulk))
        claim = said.Claim(machine.mac, machine.uuid, machine.hardware)
        claimed = session.claim(claim, options.claim)
        try:
            job = checked(claimed, machine, options.allowed)
            work = Work(
                job,
                machine,
                session,
                Source(options.bulk, options.patience),
                options.allowed,
                tally,
                arguments=options.arguments,
            )
            end = do(work, options)
        except JobFailed as error:
            end = failed(error)
        except Exception as error:  # noqa: BLE001 - a bug of the agent is told as one, not hidden
            end = bug(error)
        end = counted(end, tally, began)
        session.tell("end", end, options.end)
    except JobFailed as error:
        # Of a claim, or of the last word: nobody hears more of it.
        return failed(error), job
    except Exception as error:  # noqa: BLE001 - whatever it is, the PC must not stop here
        return bug(error), job
    return end, job


def checked(
    claimed: said.Claimed, machine: Machine, allowed: Path, *, resumed: bool = False
) -> Job:
    """Read a job, and see that it is for this PC and for now.

    :param resumed: whether it was begun within its window: it is ended then, whenever that is.
    :raises JobFailed: ``job-refused``.
    """
    try:
        verify(claimed.job.encode(), claimed.signature, "ictops-job", allowed)
        job = strict.loads(Job, claimed.job)
    except (SignatureWrong, strict.NotAsAgreed) as error:
        raise JobFailed("job-refused", f"the job is not to be trusted: {error}") from error
    now = datetime.now(UTC)
    if job.mac != machine.mac or job.uuid not in {None, machine.uuid}:
        raise JobFailed("job-refused", f"the job is for {job.host}, {job.mac}, not for this PC")
    if not resumed and not moment(job.not_before) - _ZONE <= now <= moment(job.not_after) + _ZONE:
        raise JobFailed(
            "job-refused",
            f"the job may be done from {job.not_before} to {job.not_after}, and it is {now:%c} UTC",
            do="Look whether the PC's clock is right",
        )
    return job


def do(work: Work, options: Options) -> said.End:
    """Do a job, and tell how far it is.

    :returns: what became of it.
    :raises JobFailed: if it cannot be done.
    """

    def send(progress: said.Progress) -> None:
        try:
            work.session.tell("progress", progress)
        except JobFailed as error:
            # The work goes on: the boot server may be back for the next word.
            work.machine.show(str(error))

    with Reporter(work.tally, send, work.machine.show, options.every):
        return JOBS[work.job.kind](work)


def counted(end: said.End, tally: Tally, began: float) -> said.End:
    """Give the end of a job with what it took.

    :param began: by the monotonic clock.
    """
    return replace(
        end,
        fetched=tally.fetched,
        written=tally.written,
        reused=tally.reused,
        steps=tally.steps(),
        seconds=round(time.monotonic() - began, 3),
    )


def failed(error: JobFailed) -> said.End:
    """Give the end of a job that cannot be done."""
    return said.End("failed", error.kind, str(error))


def bug(error: Exception) -> said.End:
    """Give the end of a job in which the agent itself failed."""
    return said.End("failed", "agent", f"{type(error).__name__}: {error}")


def run(options: Options, machine: Machine, rest: Callable[[float], None] = time.sleep) -> None:
    """Do this PC's job, and let it boot; it never stops at a prompt."""
    end, job = work_once(options, machine)
    then: Literal["reboot", "poweroff"] = "reboot"
    if end.outcome == "done":
        machine.show(f"done in {end.seconds:.0f} s")
        then = job.then if job is not None else then
    else:
        machine.show(f"{end.fault}: {end.message}")
        if job is not None and job.kind == "capture":
            then = job.then  # a Windows that starts is no reference any more
        if job is None:
            # Nothing was written: the PC is as it was, and is to work without a boot server.
            try:
                machine.entries.disk_next()
            except (JobFailed, OSError) as error:
                machine.show(str(error))
        rest(_READ)
    machine.leave(then)
