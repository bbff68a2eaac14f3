"""How a PC gets a pack: alone, or with others."""

from __future__ import annotations

from typing import Protocol

from ictops.imaging.wire.job import Job
from ictops.imaging.wire.said import Ready, Session


class Sessions(Protocol):
    """Who brings PCs that want the same pack together."""

    def join(self, job: Job, ready: Ready) -> Session:
        """Say how this job's PC gets a pack. May wait; no lock is held meanwhile."""

    def leave(self, job: Job) -> None:
        """Hear that this job's PC wants no more packs."""


class Alone:
    """Every PC fetches by itself."""

    def join(self, job: Job, ready: Ready) -> Session:  # noqa: ARG002
        return Session(unicast="this boot server has no multicast")

    def leave(self, job: Job) -> None:
        """Nobody waits for it."""
