"""Saying what a change needs: the steps of a platform's way, and lines of configuration."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ictops.errors import CommandRefused, SwitchError
from ictops.network.clean import MASK
from ictops.network.device import Session
from ictops.network.difference import Command
from ictops.network.methods import Step

DEEPEST = 8
"""Of blocks in blocks; more ``exit`` than that is none."""


class NothingWaits(CommandRefused):
    """No change waits for being kept or taken back (any more)."""


@dataclass(frozen=True, slots=True)
class Words:
    """What the steps of one change are filled with.

    :ivar minutes: of the dead-man switch.
    :ivar name: of this change, for what a switch keeps by a name.
    :ivar seconds: for the answer to one line.
    """

    minutes: int
    name: str
    seconds: float


def take_step(session: Session, step: Step, words: Words) -> None:
    """Say one step.

    :raises NothingWaits: if the switch says that no change waits.
    :raises CommandRefused: if it does not take it, or does not answer what it must.
    :raises SwitchUnreachable: if the session is lost.
    """
    line = step.say.format(minutes=words.minutes, name=words.name)
    answers = (*step.answers, *session.platform.change.answers)
    said = session.say(line, answers=answers, seconds=words.seconds)
    text = said.text.strip()
    where = session.device.name
    if step.idle is not None and _found(step.idle, text):
        raise NothingWaits(f"the switch says to {line!r}: {_short(text)}", where=where)
    refused = any(session.platform.refuses(one) for one in said.lines)
    if refused or (step.fails is not None and _found(step.fails, text)):
        raise CommandRefused(f"the switch does not take {line!r}: {_short(text)}", where=where)
    if step.sees is not None and not _found(step.sees, text):
        raise CommandRefused(
            f"the switch does not say to {line!r} what it must: {_short(text) or 'nothing'}",
            where=where,
        )


def _found(expression: str, text: str) -> bool:
    return re.search(expression, text, re.MULTILINE) is not None


def take_steps(session: Session, steps: Iterable[Step], words: Words) -> None:
    """Say steps, up to the first that is not taken; raises what :func:`take_step` does."""
    for step in steps:
        take_step(session, step, words)


def send(
    session: Session, commands: Sequence[Command], words: Words, *, go_on: bool = False
) -> None:
    """Say lines of configuration, each in its block, up to the first that is not taken.

    Out of a block it is gone step by step, by what the prompt says: on many switches a line
    that means something in an inner block means something else, or nothing, in the outer one.

    :param go_on: say the lines after it too, and raise its error at the end: what leads back to
        the old configuration is worth more than its order.
    :raises CommandRefused: with that line, masked, and what the switch said to it.
    :raises SwitchUnreachable: if the session is lost.
    """
    place = _Place(session, words)
    first: CommandRefused | None = None
    for number, command in enumerate(commands, 1):
        try:
            place.go_to(command)
            place.say(command.text, _told(command))
        except CommandRefused as error:
            if not go_on:
                raise CommandRefused(
                    f"line {number:,} of {len(commands):,}: {error.what}", where=error.where
                ) from error
            first = first or error
    if first is not None:
        raise first


class _Place:
    """Where in the configuration a session is: the blocks that it went into, and their modes."""

    def __init__(self, session: Session, words: Words) -> None:
        self._session = session
        self._words = words
        self._up = session.platform.change.up
        self._path: list[str] = []
        self._modes = [session.mode]

    def go_to(self, command: Command) -> None:
        """Go to where a line belongs."""
        if self._up is None:
            return
        within = list(command.within)
        while self._path != within[: len(self._path)]:
            self._path.pop()
            self._modes.pop()
        leave_blocks(self._session, self._modes[-1], self._words)
        for line in within[len(self._path) :]:
            # The line itself was masked with the whole; of one that is said again nothing is told.
            self.say(line, lambda _: "a line that opens a block")

    def say(self, line: str, tell: Callable[[str], str]) -> None:
        """Say a line here, and notice where it leads."""
        session = self._session
        said = session.say(
            line,
            answers=session.platform.change.answers,
            seconds=self._words.seconds,
            tell=tell,
        )
        refusal = next((one for one in said.lines if session.platform.refuses(one)), None)
        if refusal is not None:
            raise CommandRefused(
                f"the switch does not take {tell(line)!r}: {_short(tell(refusal))}",
                where=session.device.name,
            )
        if session.mode in self._modes:
            at = self._modes.index(session.mode)
            del self._path[at:], self._modes[at + 1 :]
        else:
            self._path.append(line)
            self._modes.append(session.mode)


def leave_blocks(session: Session, mode: str, words: Words) -> None:
    """Go out of blocks until the prompt says this mode.

    :raises SwitchError: if it never does.
    """
    up = session.platform.change.up
    for _ in range(DEEPEST):
        if session.mode == mode or up is None:
            return
        session.say(up, seconds=words.seconds)
    raise SwitchError(f"it does not come back to {mode!r}", where=session.device.name)


def _told(command: Command) -> Callable[[str], str]:
    """Give how a line, and a switch's words about it, are told: without what is masked in it."""
    shown = command.shown.strip()
    secret = set(command.text.split()) - set(shown.split())
    words = sorted({part for one in secret for part in (one, one.strip("\"'"))} - {""}, key=len)

    def tell(said: str) -> str:
        said = said.replace(command.text, shown)
        for word in reversed(words):
            said = said.replace(word, MASK)
        return said

    return tell


def _short(text: str) -> str:
    return " ".join(text.split())[:200]
