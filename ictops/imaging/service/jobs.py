"""The jobs that a boot server has: in memory as on its disk, where every change is put first."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from ictops.imaging.service.kept import Folder, Kept, Known
from ictops.imaging.service.refused import Refused
from ictops.imaging.wire.job import Job
from ictops.imaging.wire.state import Arm, JobState
from ictops.imaging.wire.words import moment


class Jobs:
    """All jobs. Whoever calls a method holds :attr:`changed`."""

    def __init__(self, folder: Folder, now: Callable[[], datetime]) -> None:
        self.changed = threading.Condition()
        """One lock for all, and told of each change: a boot server has some hundred jobs, and
        what is done with one takes some milliseconds."""
        self._folder = folder
        self._now = now
        self._began = now()
        self._known = {one.job.id: one for one in folder.load()}

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(self._known)

    def all(self) -> list[Known]:
        """Give every job, also those that are over."""
        return list(self._known.values())

    def active(self) -> list[Known]:
        """Give the jobs that wait for a PC, or are being done."""
        return [one for one in self._known.values() if one.active]

    def of(self, mac: str) -> list[Known]:
        """Give a PC's jobs, also those that are over."""
        return [one for one in self._known.values() if one.job.mac == mac]

    def by_id(self, name: str) -> Known:
        """Give a job.

        :raises Refused: if there is none.
        """
        if name not in self._known:
            raise Refused(404, f"there is no job {name}")
        return self._known[name]

    def by_token(self, token: str) -> Known:
        """Give the job of a session, also if it is over.

        :raises Refused: if there is no such session any more.
        """
        digest = _digest(token)
        for known in self._known.values():
            if secrets.compare_digest(known.kept.token, digest):
                return known
        raise Refused(401, "this token is nobody's, or the PC has claimed its job again")

    def running(self, token: str) -> Known:
        """Give the job of a session.

        :raises Refused: if there is no such session any more, or its job is over.
        """
        known = self.by_token(token)
        if not known.active:
            raise Refused(409, f"the job is over: {known.state.state}")
        return known

    def silent(self, known: Known) -> timedelta:
        """Give how long nothing was heard of a PC while it could be heard."""
        return self._now() - max(moment(known.state.at), self._began)

    def add(self, job: Job, asked: Arm) -> Known:
        """Put a new job down, as it was asked for.

        :raises OSError: if that cannot be; then it is not there.
        """
        stamp = self._stamp()
        state = JobState(job.id, job.host, job.mac, 0, "armed", job.uuid, stamp)
        known = Known(job, Kept(state, stamp))
        self._folder.add(asked.job.encode(), asked.signature, asked.secret, known.kept)
        self._known[job.id] = known
        return known

    def save(
        self, known: Known, state: JobState, *, token: str | None = None, heard: bool = True
    ) -> Known:
        """Put down what has changed, and give the job as it is now.

        :param token: of its new session.
        :param heard: whether its PC or the administrator has said something.
        """
        at = self._stamp() if heard else state.at
        state = replace(state, serial=state.serial + 1, at=at)
        digest = known.kept.token if token is None else _digest(token)
        known = Known(known.job, replace(known.kept, state=state, token=digest))
        self._folder.save(known.kept)
        self._known[state.id] = known
        self.changed.notify_all()
        return known

    def signed(self, known: Known) -> tuple[str, str]:
        """Give a job and its signature, as they came."""
        return self._folder.signed(known.job.id)

    def secret(self, known: Known) -> str | None:
        """Give a job's secret; None if it has none, or is over."""
        return self._folder.secret(known.job.id)

    def drop_secret(self, known: Known) -> None:
        """Have no secret of a job any more."""
        self._folder.drop_secret(known.job.id)

    def forget(self, known: Known) -> None:
        """Take a job away."""
        self._folder.forget(known.job.id)
        del self._known[known.job.id]

    def _stamp(self) -> str:
        return self._now().isoformat()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
