"""One change of one switch, from arming its dead-man switch to the configuration it ends with."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass

from ictops.errors import CommandRefused, SwitchError, SwitchUnreachable
from ictops.network.backup import whole_configuration
from ictops.network.clean import Mask, is_whole, normalised, settings_of
from ictops.network.device import Device, Session, login
from ictops.network.difference import Command, Difference, difference
from ictops.network.lock import Lock
from ictops.network.methods import Method, Step
from ictops.network.sending import NothingWaits, Words, leave_blocks, send, take_steps

Compare = Callable[[Sequence[str]], Difference]
"""What parts a running configuration, by all of its normalised lines, from what is wanted."""

OLD, NEW, BETWEEN, UNKNOWN = "old", "new", "between", "unknown"
"""Which configuration a switch ends with; the last two must never be."""

_CONFIRM_SHARE = 0.8
"""Of the dead-man's time: later than that nothing is kept any more, lest both come at once."""
_GRACE_MINUTES = 2
_BOOT_MINUTES = 15
"""How long a stack of switches may take to come back, and to let somebody log in."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long things may take, in seconds.

    :ivar line: for a switch's answer to one line.
    :ivar login: for each step of a login.
    :ivar minute: how long a minute of the switch lasts; only a lab's clock runs faster.
    """

    line: float = 30.0
    login: float = 15.0
    minute: float = 60.0

    @property
    def pause(self) -> float:
        """Between two looks at something that takes time."""
        return self.minute / 30


class Attempt:
    """A change on its way.

    ``run`` sends it, ``login_again`` and the caller's checks come between, ``keep`` keeps it;
    after any error ``settle`` brings the switch to one of both configurations and says which.
    """

    def __init__(
        self,
        session: Session,
        before: Sequence[str],
        left: Compare,
        mask: Mask,
        *,
        minutes: int,
        patience: Patience,
        lock: Lock,
        sessions: ExitStack,
    ) -> None:
        """Start with a session in which nothing was changed yet.

        :param before: the running configuration's lines.
        :param left: what parts what runs from what is wanted.
        :param sessions: closes the sessions that are opened here.
        """
        self.method: Method = session.platform.change.tried()[0]
        self.trouble = ""
        """What else a person must know, such as a dead-man switch that may still act."""
        self._device: Device = session.device
        self._platform = session.platform
        self._session: Session | None = session
        self._before = list(before)
        self._left = left
        self._mask = mask
        self._patience = patience
        self._words = Words(minutes, f"ictops-{secrets.token_hex(3)}", patience.line)
        self._lock = lock
        self._sessions = sessions
        self._outside = ""
        self._armed_at = self._acts_at = 0.0
        """By the monotonic clock: when it was armed, and when it has surely acted."""

    @property
    def confirm_by(self) -> float:
        """Until when, by the monotonic clock, the change may be kept."""
        return self._armed_at + self._words.minutes * self._patience.minute * _CONFIRM_SHARE

    def run(self, commands: Sequence[Command], *, unsaved: bool) -> None:
        """Arm the dead-man switch and send the lines.

        :param unsaved: whether a reboot would bring another configuration than ``before``.
        :raises SwitchError: at the first line that is not taken, or that is not answered.
        """
        session = self.session()
        session.say("", seconds=self._words.seconds)
        self._outside = session.mode
        self._enter(session, unsaved=unsaved)
        send(session, commands, self._words)
        self._take(session, self.method.leave or ())
        leave_blocks(session, self._outside, self._words)

    def _enter(self, session: Session, *, unsaved: bool) -> None:
        """Go into configuration by the first method that the switch takes."""
        refused: list[str] = []
        for method in session.platform.change.tried():
            if method.reboots and unsaved:
                raise SwitchError(
                    f"what runs is not what is stored, and its dead-man switch ({method.name}) "
                    "is a reboot, which would bring what is stored",
                    where=self._device.name,
                    do="Look at what is not saved; save it on the switch or take it back"
                    + (f". Before that: {'; '.join(refused)}" if refused else ""),
                )
            self.method = method
            try:
                self._take(session, method.arm)
                self._take(session, method.enter or ())
            except CommandRefused as error:
                refused.append(f"{method.name}: {error.what}")
                self._out(session)
                self._disarm(session)
            else:
                if method.emulated:
                    self._arm()
                return
        raise SwitchError(
            f"none of its dead-man switches can be armed: {'; '.join(refused)}",
            where=self._device.name,
            do="Look at why it refuses them; without one it is not changed",
        )

    def _take(self, session: Session, steps: Sequence[Step]) -> None:
        for step in steps:
            if "{minutes" in step.say:  # armed by this step, at the latest when it is answered
                self._arm()
            take_steps(session, (step,), self._words)

    def _arm(self) -> None:
        self._armed_at = time.monotonic()
        lasts = self._words.minutes * self._patience.minute + self._patience.line
        self._acts_at = self._armed_at + lasts
        if not self.method.emulated:
            self._lock.note(armed_until=time.time() + lasts)

    def login_again(self) -> Session:
        """Log in anew, tried again until the time for keeping is over; the old session stays.

        :raises SwitchError: if it lets nobody in.
        """
        while True:
            try:
                return self._login()
            except SwitchUnreachable as error:
                if time.monotonic() > self.confirm_by:
                    raise SwitchUnreachable(
                        f"after the change {error.what}", where=error.where, do=error.do
                    ) from error
                time.sleep(self._patience.pause)

    def _login(self) -> Session:
        return self._sessions.enter_context(login(self._device, seconds=self._patience.login))

    def look(self, session: Session) -> list[str]:
        """Give the lines of what runs now.

        :raises SwitchError: if it comes empty or cut off.
        """
        return whole_configuration(self._platform, self._shown(session), self._device.name)

    def _shown(self, session: Session) -> str:
        command = self._platform.shows.running
        # Slow to build
        return session.say(command, seconds=2 * self._words.seconds, learns=False).text

    def is_new(self, lines: Sequence[str]) -> bool:
        """Whether this is what was wanted."""
        return not self._left(lines)

    def is_old(self, lines: Sequence[str]) -> bool:
        """Whether this is what ran before."""
        now, before = (settings_of(self._platform, list(one)) for one in (lines, self._before))
        with suppress(SwitchError):  # no way leads back by lines; the switch may know another
            return now == before or not self._back(lines)
        return False

    def _back(self, lines: Sequence[str]) -> Difference:
        return difference(self._platform, lines, self._before, self._mask)

    def keep(self, session: Session) -> None:
        """Keep the change, said in a new session.

        :raises SwitchError: if it is not certain that it is kept.
        """
        if time.monotonic() > self.confirm_by:
            raise SwitchError("the time for keeping the change is over", where=self._device.name)
        take_steps(session, self.method.keep, self._words)
        self._check_unarmed(session)

    @property
    def stores(self) -> bool:
        """Whether what runs is stored only when the switch is told to."""
        return self._platform.save is not None

    def save(self, session: Session) -> None:
        """Have the switch store what runs.

        :raises SwitchError: if it does not take the command, or is lost.
        """
        if self._platform.save is not None:
            take_steps(session, (Step(say=self._platform.save),), self._words)

    def _check_unarmed(self, session: Session) -> None:
        if self.method.unarmed is not None:
            take_steps(session, (self.method.unarmed,), self._words)
        self._lock.note()

    def settle(self, *, kept: bool) -> str:
        """Bring the switch to one of both configurations, and say which it has.

        It is undone at once if it can be; else it is waited for the dead-man switch. That one
        is certain to have acted when this gives up.

        :param kept: whether it was begun to keep the change: then the new one is as good, and
            is kept again to be certain.
        """
        grace = _BOOT_MINUTES if self.method.reboots else _GRACE_MINUTES
        now = time.monotonic()
        acts_at = self._acts_at if self._armed_at else now
        give_up = max(acts_at, now) + grace * self._patience.minute
        which = UNKNOWN
        while True:
            try:
                which = self._settled(kept=kept)
            except SwitchError as error:
                self.trouble = str(error)
            if which in {OLD, NEW} or time.monotonic() > give_up:
                return which
            time.sleep(self._patience.pause)

    def _settled(self, *, kept: bool) -> str:
        """Do once what may help, and say what the switch has after it."""
        session = self.session()
        if self._outside:
            self._out(session)
        lines = normalised(self._platform, self._shown(session))
        # The change may have made a configuration that does not look whole: it is undone then.
        if kept or not lines or is_whole(self._platform, lines):
            lines = whole_configuration(self._platform, "\n".join(lines), self._device.name)
            if self.is_old(lines):
                self._disarm(session)
                return OLD
            if kept and self.is_new(lines):
                return self._kept_again(session)
        self._undo(session, lines)
        lines = self.look(session)
        if not self.is_old(lines):
            return BETWEEN
        self._disarm(session)
        return OLD

    def _kept_again(self, session: Session) -> str:
        try:
            with suppress(NothingWaits):
                take_steps(session, self.method.keep, self._words)
        except CommandRefused:
            # It may be kept or not; when the time is over, what runs then is what stays.
            if self.method.unarmed is None and time.monotonic() < self._acts_at:
                return BETWEEN
            self._out(session)
        self._check_unarmed(session)
        return NEW

    def _undo(self, session: Session, lines: Sequence[str]) -> None:
        if self.method.undo:
            try:
                take_steps(session, self.method.undo, self._words)
            except NothingWaits:  # it has acted by itself, and something came after it
                if self.method.candidate:
                    raise
            else:
                return
        change = self._platform.change
        take_steps(session, change.enter, self._words)
        try:
            send(session, self._back(lines).commands, self._words, go_on=True)
        finally:
            if not session.lost:
                self._out(session)

    def _disarm(self, session: Session) -> None:
        """See to it that nothing comes any more, where the old configuration runs."""
        if not self._armed_at and not self.method.disarm:
            return
        self.trouble = ""
        try:
            with suppress(NothingWaits):
                take_steps(session, self.method.disarm, self._words)
            self._check_unarmed(session)
        except CommandRefused as error:
            if time.monotonic() < self._acts_at:
                self.trouble = (
                    f"its dead-man switch ({self.method.name}) may still act: {error.what}"
                )
            self._out(session)

    def _out(self, session: Session) -> None:
        """Leave configuration, giving up what does not run yet."""
        if session.mode == self._outside:
            return
        for step in self.method.abandon or ():
            with suppress(CommandRefused):
                take_steps(session, (step,), self._words)
        leave_blocks(session, self._outside, self._words)

    def tidy(self) -> None:
        """Take away what this change left on the switch, if it can be; it does no harm."""
        if self._session is None or self._session.lost or not self._armed_at:
            return
        with suppress(SwitchError):
            take_steps(self._session, self.method.tidy, self._words)

    def use(self, session: Session) -> None:
        """Go on with another session; the one before stays open, and is not used any more."""
        self._session = session

    def session(self) -> Session:
        """Give the session that lives, or a new one."""
        if self._session is None or self._session.lost:
            self._session = self._login()
            self._session.say("", seconds=self._words.seconds)
        return self._session
