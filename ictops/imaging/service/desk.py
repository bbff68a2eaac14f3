"""The rules: who gets which job, when, and how often."""

from __future__ import annotations

import logging
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ictops.imaging.service.drop import Drop, Drops
from ictops.imaging.service.jobs import Jobs
from ictops.imaging.service.kept import Folder, Known
from ictops.imaging.service.refused import Refused
from ictops.imaging.service.sessions import Sessions
from ictops.imaging.service.waiting import Waiting
from ictops.imaging.wire import strict
from ictops.imaging.wire.job import Job
from ictops.imaging.wire.said import (
    Answer,
    Captured,
    Claim,
    Claimed,
    End,
    Have,
    HostKeys,
    Lacking,
    Progress,
    Ready,
    Secret,
    Session,
)
from ictops.imaging.wire.signature import SignatureWrong, verify
from ictops.imaging.wire.state import Arm, JobState, Look, Stage, Wait
from ictops.imaging.wire.words import moment

log = logging.getLogger(__name__)

SILENCE = timedelta(minutes=10)
"""A PC that has begun may go on after its window; one that says nothing so long does not."""
DEAD = timedelta(minutes=1)
"""A PC at work says something each few seconds; one that says nothing so long can have another
job. It gets that when it starts again, so that there is never more than one agent at its disk."""
KEEP = timedelta(days=30)
"""How long a job is kept that is over."""
KEEP_CAPTURED = timedelta(days=3)
"""How long what was captured waits to be fetched: it may be many gigabytes."""
LONGEST_WAIT = 60
"""Seconds."""
MOST_FAULTS = 20
"""Refused claims that are told of a job."""
HOST_KEY = re.compile(
    r"(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]{20,1500}={0,2}"
)
MOST_HOST_KEYS = 8


class Desk:
    """Where jobs are armed, claimed and ended. Every method may be called from any thread."""

    def __init__(
        self,
        folder: Folder,
        waiting: Sequence[Waiting],
        allowed_signers: Path,
        sessions: Sessions,
        drops: Drops,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._jobs = Jobs(folder, now)
        self._waiting = waiting
        self._allowed = allowed_signers
        self._sessions = sessions
        self._drops = drops
        self._now = now
        with self._jobs.changed:
            for one in self._jobs.active():
                if one.state.end is not None:  # stopped between the two steps of its end
                    self._finish(one, "ended")
            self._drops.keep_only(self._jobs.ids)
            self.tidy()

    # -- for the administrator

    def arm(self, asked: Arm) -> Answer:
        """Let a job be done. Asked again with the same job, it is done once.

        A job whose PC has died over it makes room for the new one.

        :raises Refused: if it is not signed, too late, or another job of that PC is not ended.
        """
        text = asked.job.encode()
        try:
            verify(text, asked.signature, "ictops-job", self._allowed)
            job = strict.loads(Job, text)
        except SignatureWrong as error:
            raise Refused(403, f"the job is refused: {error}") from error
        except strict.NotAsAgreed as error:
            raise Refused(400, f"the job is refused: {error}") from error
        with self._jobs.changed:
            if moment(job.not_after) <= self._now():
                raise Refused(403, f"the window of this job for {job.host} is over")
            if job.id in self._jobs.ids:
                return self._arm_again(job, text)
            for other in self._jobs.of(job.mac):
                if not other.active:
                    continue
                if not (asked.replace or self._is_dead(other)):
                    raise Refused(409, f"{job.mac} has a job that is not over: {_words(other)}")
                self._finish(other, "cancelled")
            self._jobs.add(job, asked)
            log.info("armed %s: %s for %s, %s", job.id, job.kind, job.host, job.mac)
            self._boot_only_waiting()
        return Answer()

    def look(self, asked: Look) -> JobState:
        """Give what is known of a job.

        :raises Refused: if there is none.
        """
        with self._jobs.changed:
            return self._jobs.by_id(asked.id).state

    def wait(self, asked: Wait) -> JobState:
        """Give what is known of a job as soon as it is newer than what was seen.

        :raises Refused: if there is none.
        """
        until = time.monotonic() + min(asked.seconds, LONGEST_WAIT)
        with self._jobs.changed:
            while (state := self._jobs.by_id(asked.id).state).serial <= asked.seen:
                left = until - time.monotonic()
                if left <= 0:
                    break
                self._jobs.changed.wait(left)
            return state

    def cancel(self, asked: Look) -> JobState:
        """Take a job back that no PC is at work on; any other stays as it is.

        A PC that has begun has no system any more: it must be able to go on, also after a power
        cut. Only if nothing was heard of it for long is its job taken, so that it can have another.
        A PC that is captured is as it was, and can be let go at any time.

        :raises Refused: if there is none.
        """
        with self._jobs.changed:
            known = self._jobs.by_id(asked.id)
            state = known.state
            able = self._jobs.silent(known) > SILENCE or known.job.kind == "capture"
            if state.state == "armed" or (state.state == "claimed" and able):
                known = self._finish(known, "cancelled")
            return known.state

    # -- for the agents

    def claim(self, claim: Claim) -> Claimed:
        """Give a PC its job and a token for it; an older token is no longer worth anything.

        :raises Refused: if it has none, it is not its time, or another PC has it.
        """
        with self._jobs.changed:
            self.tidy()
            known = self._for_claim(claim)
            token, state = secrets.token_urlsafe(32), known.state
            state = replace(
                state, state="claimed", uuid=claim.uuid, hardware=claim.hardware,
                claims=state.claims + 1, progress=Progress("claimed"),
            )  # fmt: skip
            self._jobs.save(known, state, token=token)
            log.info("claimed %s: %s, %s", known.job.id, claim.mac, claim.uuid)
            job, signature = self._jobs.signed(known)
        return Claimed(job, signature, token)

    def progress(self, token: str, said: Progress) -> Answer:
        """Hear how far a PC is."""
        if min(said.done, said.total, said.rate) < 0:
            raise Refused(400, "progress is never less than nothing")
        with self._jobs.changed:
            known = self._jobs.running(token)
            self._jobs.save(known, replace(known.state, progress=said))
        return Answer()

    def host_keys(self, token: str, said: HostKeys) -> Answer:
        """Hear which SSH host keys a PC will have."""
        if not 0 < len(said.keys) <= MOST_HOST_KEYS or not all(map(HOST_KEY.fullmatch, said.keys)):
            raise Refused(400, "these are no public SSH host keys without a comment")
        with self._jobs.changed:
            known = self._jobs.running(token)
            self._jobs.save(known, replace(known.state, host_keys=said.keys))
        return Answer()

    def secret(self, token: str, _said: Answer) -> Secret:
        """Give the job's secret, as often as the PC asks that has the job now.

        Its power may go between the answer and the end; it then claims its job again.
        """
        with self._jobs.changed:
            known = self._jobs.running(token)
            secret = self._jobs.secret(known)
        if secret is None:
            raise Refused(409, "there is no secret of this job")
        log.info("gave the secret of %s", known.job.id)
        return Secret(secret)

    def ready(self, token: str, said: Ready) -> Session:
        """Say how a PC gets a pack."""
        with self._jobs.changed:
            job = self._jobs.running(token).job
        return self._sessions.join(job, said)

    def have(self, token: str, said: Have) -> Lacking:
        """Say which pieces a PC that is captured has still to send."""
        return Lacking(self._drop(token).lacking(said.pieces))

    def piece(self, token: str, name: str, data: bytes) -> Answer:
        """Keep a piece of a disk.

        :param name: its digest.
        """
        self._drop(token).add(name, data)
        return Answer()

    def captured(self, token: str, said: Captured) -> Answer:
        """Hear that all of a disk was sent."""
        self._drop(token).finish(said)
        return Answer()

    def end(self, token: str, said: End) -> Answer:
        """Hear what became of a job. It is over when its PC no longer boots from the network."""
        with self._jobs.changed:
            state = self._jobs.by_token(token).state
            if state.state == "ended" and state.end == said:
                return Answer()  # its answer was lost
            # Put down first, so that a job whose end was heard never begins again.
            known = self._jobs.running(token)
            known = self._jobs.save(known, replace(known.state, end=said))
            self._finish(known, "ended")
        return Answer()

    # -- by itself

    def tidy(self) -> None:
        """See to windows that have begun or are over, and forget what was long ago."""
        with self._jobs.changed:
            now = self._now()
            for known in self._jobs.all():
                state = known.state
                if not known.active:
                    silent = now - moment(state.at)
                    if silent > KEEP_CAPTURED:
                        self._drops.remove(state.id)
                    if silent > KEEP:
                        self._jobs.forget(known)
                elif now >= moment(known.job.not_after) and (
                    state.state == "armed" or self._jobs.silent(known) > SILENCE
                ):
                    self._finish(known, "expired")
            self._boot_only_waiting()

    # -- with the lock held

    def _arm_again(self, job: Job, text: bytes) -> Answer:
        known = self._jobs.by_id(job.id)
        if not known.active or self._jobs.signed(known)[0].encode() != text:
            raise Refused(409, f"the job {job.id} has been here: {known.state.state}")
        self._boot_only_waiting()
        return Answer()

    def _for_claim(self, claim: Claim) -> Known:
        mine = self._jobs.of(claim.mac)
        if not mine:
            raise Refused(404, f"there is no job for {claim.mac}")
        known = max(mine, key=lambda one: (one.active, moment(one.kept.armed)))
        job, state = known.job, known.state
        if state.state == "expired":
            raise Refused(403, f"the window of the job for {claim.mac} is over")
        if not known.active:
            raise Refused(409, f"the job for {claim.mac} is over: {state.state}")
        if state.uuid not in {None, claim.uuid}:
            self._tell_other_pc(known, claim)
            raise Refused(409, f"the job for {claim.mac} is another PC's")
        if self._now() >= moment(job.not_after):
            self._finish(known, "expired")
            raise Refused(403, f"the window of the job for {claim.mac} is over")
        if self._now() < moment(job.not_before):
            raise Refused(403, f"the window of the job for {claim.mac} begins {job.not_before}")
        return known

    def _tell_other_pc(self, known: Known, claim: Claim) -> None:
        state = known.state
        fault = (
            f"two PCs have the MAC {claim.mac}: the job is for the one with UUID {state.uuid}, and "
            f"one with UUID {claim.uuid} asked for it"
            if state.claims
            else f"the PC with MAC {claim.mac} has UUID {claim.uuid}, and the job is for "
            f"{state.uuid}: another PC, or another main board"
        )
        log.warning("refused %s: %s", state.id, fault)
        if fault not in state.faults and len(state.faults) < MOST_FAULTS:
            state = replace(state, faults=(*state.faults, fault))
            self._jobs.save(known, state, heard=False)

    def _is_dead(self, known: Known) -> bool:
        return known.state.state == "claimed" and self._jobs.silent(known) > DEAD

    def _drop(self, token: str) -> Drop:
        with self._jobs.changed:
            job = self._jobs.running(token).job
            if job.capture is None:
                raise Refused(403, "this job captures nothing")
            return self._drops.of(job.id, job.capture.most)

    def _finish(self, known: Known, stage: Stage) -> Known:
        # The PC must not boot into a job that is over: first the files, then the word.
        for folder in self._waiting:
            folder.remove(known.job.mac)
        self._jobs.drop_secret(known)
        end = known.state.end
        if stage != "ended" or end is None or end.outcome != "done":
            self._drops.remove(known.job.id)
        known = self._jobs.save(known, replace(known.state, state=stage))
        log.info("%s %s: %s, %s", stage, known.job.id, known.job.host, known.job.mac)
        self._sessions.leave(known.job)
        return known

    def _boot_only_waiting(self) -> None:
        now = self._now()
        macs = {
            one.job.mac
            for one in self._jobs.active()
            if moment(one.job.not_before) <= now < moment(one.job.not_after)
        }
        for folder in self._waiting:
            folder.keep_only(macs)


def _words(known: Known) -> str:
    """Say which job it is, and what is to be done where a PC needs another one."""
    what = f"{known.job.id} for {known.job.host}"
    if known.state.state == "armed":
        return f"{what}, which waits for the PC; cancel the run that it is of"
    seconds = DEAD.total_seconds()
    return f"{what}, and the PC is at work; off, it can have another one after {seconds:.0f} s"
