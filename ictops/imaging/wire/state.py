"""What a boot server is asked by its own administrator, and what it knows of a job.

HTTP over a Unix socket that only root may open; every message is JSON in a POST.

======  =======  =================================================================================
path    message  answer
======  =======  =================================================================================
arm     Arm      Answer; 409 another job of that PC is not ended; 403 not signed, or too late
look    Look     JobState; 404
wait    Wait     JobState, as soon as it is newer than what was seen, or after the seconds; 404
cancel  Look     JobState; 404; a job that a PC is at work on goes on, unless it captures
======  =======  =================================================================================

A fault is answered as :class:`ictops.imaging.wire.said.Fault`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ictops.imaging.wire.said import End, Hardware, Progress
from ictops.imaging.wire.words import GUID, check

Stage = Literal["armed", "claimed", "ended", "expired", "cancelled"]
"""The last three are for good."""


@dataclass(frozen=True, slots=True)
class Arm:
    """A job is to be done when its PC asks for it."""

    job: str
    """As it was signed, to the byte."""
    signature: str
    secret: str | None = None
    """Given to the PC that has the job, until it is over."""
    replace: bool = False
    """Cancel another job of the same PC, if there is one that is not ended."""


@dataclass(frozen=True, slots=True)
class Look:
    """A job is asked for, or is to be cancelled."""

    id: str

    def __post_init__(self) -> None:
        check(GUID, self.id, "job")


@dataclass(frozen=True, slots=True)
class Wait:
    """A job is asked for as soon as there is something new."""

    id: str
    seen: int
    """The serial of what is known; -1 for nothing."""
    seconds: int
    """How long to wait for it at most."""

    def __post_init__(self) -> None:
        check(GUID, self.id, "job")


@dataclass(frozen=True, slots=True)
class JobState:
    """What a boot server knows of a job."""

    id: str
    host: str
    mac: str
    serial: int
    """One more at each change."""
    state: Stage
    uuid: str | None
    """The one PC that may claim it; None until it is known."""
    at: str
    """When something was last heard of it; UTC."""
    hardware: Hardware | None = None
    progress: Progress | None = None
    host_keys: tuple[str, ...] = ()
    end: End | None = None
    faults: tuple[str, ...] = ()
    """Claims that were refused, and why, for a person."""
    claims: int = 0
