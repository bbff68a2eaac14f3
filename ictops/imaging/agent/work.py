"""What a job is done with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ictops.imaging.agent.fetch import Source
from ictops.imaging.agent.machine import Machine
from ictops.imaging.agent.progress import Tally
from ictops.imaging.agent.session import Session
from ictops.imaging.wire.job import Job


@dataclass(frozen=True)
class Work:
    """What a job is done with."""

    job: Job
    machine: Machine
    session: Session
    source: Source
    allowed: Path
    """The file of allowed signers."""
    tally: Tally
