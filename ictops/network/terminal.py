"""One line at a time to a switch: its answer, its questions, and at once whether it is gone."""

from __future__ import annotations

import codecs
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from ictops.errors import SwitchError, SwitchUnreachable
from ictops.network.clean import lines_of
from ictops.network.methods import Answer

if TYPE_CHECKING:
    from netmiko import BaseConnection
    from paramiko import Channel

QUIET_SECONDS = 1.0
"""After such a silence a prompt that is not known yet is taken for one."""
MOST_CHARACTERS = 32 * 1024 * 1024
_TAIL = 4000
_ECHO = 60
_STEM = 16
"""IOS shows only so many letters of a name, or 20, in its configuration modes."""
_ENDS = r"[>#%$]$"
_MODE = re.compile(r"(?:\([^()]*\))?[>#%$]$")


@dataclass(frozen=True, slots=True)
class Said:
    """What a switch answered: printable lines, without the prompt; its questions are in them."""

    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as a text."""
        return "\n".join(self.lines)


class Terminal:
    """Reads a session by its prompt; nothing that the switch sends is trusted to be text.

    netmiko logs in and knows the platform's ways; but it tells a session that was dropped by
    a timeout only, and which line a refusal belongs to not at all.
    """

    def __init__(self, connection: BaseConnection, prompt: str, name: str) -> None:
        """Take over a session that stands at its prompt.

        :param prompt: how it begins; another one is learned when it comes.
        :param name: of the switch, for errors.
        """
        self._connection = connection
        self._name = name
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.mode = ""
        """What the last prompt says behind the switch's name, such as ``(config-if)#``."""
        self._stem = ""
        self._known = re.compile(r"(?!)")
        self._learn(prompt)

    def say(
        self,
        line: str,
        *,
        answers: Sequence[Answer] = (),
        seconds: float,
        tell: Callable[[str], str] = str,
        learns: bool = True,
    ) -> Said:
        """Say a line, which may be several, and give the answer.

        :param seconds: for the whole answer.
        :param tell: how the line, and what the switch says of it, is told to people.
        :param learns: whether another prompt may come. Not where much is shown: a line in it,
            such as the first of a banner, may look like one while the switch takes a breath.
        :raises SwitchUnreachable: if the session is lost, or the answer does not come.
        """
        deadline = time.monotonic() + seconds
        self._read(0)
        told: list[str] = []
        echo: str | None = line.rpartition("\n")[2].strip()[:_ECHO]
        self._write(line.replace("\n", self._connection.RETURN) + self._connection.RETURN)
        heard = ""
        while True:
            new = self._read(min(QUIET_SECONDS, max(0.01, deadline - time.monotonic())))
            heard += new
            found = self._answer(heard, echo, quiet=not new, learns=learns)
            if found is not None:
                return Said((*told, *found))
            asked = self._asked(heard, echo, answers)
            if asked is not None:
                shown, answer = asked
                told += shown
                heard, echo = "", None
                self._write(answer.say + ("" if answer.key else self._connection.RETURN))
            elif time.monotonic() > deadline or len(heard) > MOST_CHARACTERS:
                last = lines_of(heard[-_TAIL:])[-1].strip() if heard else ""
                raise SwitchUnreachable(
                    f"it does not answer to {tell(line.strip())!r}"
                    + (f", and stands at {tell(last)[-200:]!r}" if last else ""),
                    where=self._name,
                )

    def _answer(
        self, heard: str, echo: str | None, *, quiet: bool, learns: bool
    ) -> list[str] | None:
        """Give the lines before the next prompt, if it is there."""
        if not heard:
            return None
        last = lines_of(heard[-_TAIL:])[-1]
        at_prompt = self._known.search(last)
        if at_prompt is None and not quiet:
            return None
        lines = lines_of(heard)
        start = _after_echo(lines, echo)
        if start is None:
            if echo is not None and (not quiet or echo in lines[-1]):
                return None
            start = 1 if echo is not None else 0
        if at_prompt is not None:
            self._at(lines[-1])
            return lines[start:-1]
        for at in range(len(lines) - 1, start - 1, -1):
            # A message of its own may come after the prompt, and does not bring another one.
            if self._known.search(lines[at]):
                self._at(lines[at])
                return lines[start:at] + lines[at + 1 :]
        if learns and start < len(lines) and re.search(r"^\S.{0,120}" + _ENDS, last):
            self._learn(last)
            return lines[start:-1]
        return None

    @staticmethod
    def _asked(
        heard: str, echo: str | None, answers: Sequence[Answer]
    ) -> tuple[list[str], Answer] | None:
        if not heard or not answers:
            return None
        last = lines_of(heard[-_TAIL:])[-1]
        found = next((one for one in answers if re.search(one.asks, last)), None)
        if found is None:
            return None
        lines = lines_of(heard)
        start = _after_echo(lines, echo)
        return None if start is None else (lines[start:], found)

    def _learn(self, prompt: str) -> None:
        name = re.match(r"[(\[]?[^\s(\[\])>#%$]+[)\]]?", prompt)
        self._stem = (name[0] if name is not None else prompt)[:_STEM]
        self._known = re.compile(rf"^{re.escape(self._stem)}.{{0,120}}{_ENDS}")
        self._at(prompt)

    def _at(self, prompt: str) -> None:
        found = _MODE.search(prompt[len(self._stem) :])
        self.mode = "" if found is None else found[0]

    def _write(self, text: str) -> None:
        try:
            self._connection.write_channel(text)
        except OSError as error:
            raise self._lost() from error

    def _read(self, seconds: float) -> str:
        """Give what comes within a time; nothing if nothing does."""
        channel = cast("Channel | None", self._connection.remote_conn)
        if channel is None:
            raise self._lost()
        if not seconds and not channel.recv_ready():
            return ""
        channel.settimeout(seconds)
        try:
            new = channel.recv(65536)
        except TimeoutError:
            return ""
        except OSError as error:
            raise self._lost() from error
        finally:
            channel.settimeout(self._connection.blocking_timeout)
        if not new:
            raise self._lost()
        return self._decoder.decode(new)

    def _lost(self) -> SwitchError:
        return SwitchUnreachable("the session was lost", where=self._name)


def _after_echo(lines: list[str], echo: str | None) -> int | None:
    """Give where the answer begins: after the line in which the switch repeats what was said."""
    if echo is None:
        return 0
    return next((at + 1 for at, line in enumerate(lines[:-1]) if echo in line), None)
