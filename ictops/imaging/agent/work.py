"""What a job is done with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ictops.imaging.agent.fetch import Source
from ictops.imaging.agent.machine import Machine
from ictops.imaging.agent.progress import Tally
from ictops.imaging.wire.job import Job

T = TypeVar("T")


class Said(Protocol):
    """Somebody who is told what is done: a boot server's session."""

    def tell(self, path: str, message: Any, patience: float = 0.0) -> None:
        """Say something that needs no answer."""

    def ask(self, path: str, message: Any, answer: type[T], patience: float = 0.0) -> T:
        """Say something that does."""


@dataclass(frozen=True)
class Work:
    """What a job is done with."""

    job: Job
    machine: Machine
    session: Said
    source: Source
    allowed: Path
    """The file of allowed signers."""
    tally: Tally
    local: bool = False
    """Whether the PC does it by itself, and goes on by itself after a power cut."""
    arguments: tuple[str, ...] = ()
    """For the kernel of the agent that a PC with a cache can start from its disk."""
