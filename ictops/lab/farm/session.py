"""A session on a simulated switch: keys in, echo and output out, a page at a time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

import asyncssh

from ictops.lab.farm.cli import Cli, Question, Reply
from ictops.lab.farm.device import Device, Logged

_ENTER = "\r\n"
_RUB_OUT = "\x7f\x08"
_CTRL_C, _CTRL_Z = "\x03", "\x1a"


class Session(asyncssh.SSHServerSession[bytes]):
    """One person or program at the switch's command line."""

    def __init__(self, device: Device, cli: Cli) -> None:
        """Belong to a switch; its answers come from ``cli``."""
        self._device = device
        self._cli = cli
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._typed: deque[str] = deque()
        self._line = ""
        self._question: Question | None = None
        self._rows: deque[str] = deque()
        """Output that waits for a key, where the screen is full."""
        self._held: list[str] = []
        """What the switch said while nothing got through."""
        self._busy = False
        self._after_return = False

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        self._channel = chan

    def pty_requested(self, *_: object) -> bool:
        return True

    def shell_requested(self) -> bool:
        return True

    def session_started(self) -> None:
        if self._device.down:  # it rebooted in the middle of the login
            self.drop()
            return
        self._device.sessions.add(self)
        self._greet()

    def data_received(self, data: bytes, _datatype: int | None) -> None:
        self._typed.extend(data.decode(errors="surrogateescape"))
        self._work()

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, _exc: Exception | None) -> None:
        self._device.sessions.discard(self)
        self._channel = None

    def resume(self) -> None:
        """Go on after a silence."""
        held, self._held = self._held, []
        for text in held:
            self._write(text)
        self._work()

    def drop(self) -> None:
        """End at once, without a word, as when a switch reboots or a cable is pulled."""
        self._device.sessions.discard(self)
        if self._channel is not None:
            self._channel.get_connection().abort()

    def _greet(self) -> None:
        kind = self._device.kind
        model = self._device.model
        hello = kind.hello.format(host=self._device.name) if model.banner is None else model.banner
        inside = self._device.faults.banner_prompt
        if inside is not None:
            first, _, rest = hello.partition("\n")
            hello = f"{first}\n{inside}\n{rest}"
        self._write(hello.replace("\n", _ENTER))
        if kind.press_key:
            self._ask(Question(kind.press_key, lambda _: Reply(), key=True))
        else:
            self._prompt()

    def _work(self) -> None:
        """Take what was typed, a key at a time, as far as the switch is ready for it."""
        while self._typed and not self._busy and self._channel and not self._device.silent:
            key = self._typed.popleft()
            if key == "\n" and self._after_return:
                self._after_return = False
                continue
            self._after_return = key == "\r"
            self._take(key)

    def _take(self, key: str) -> None:
        if self._rows:
            self._page_key(key)
        elif self._question is not None and self._question.key:
            shown = "" if key in _ENTER else key
            self._write(shown)
            self._enter(key.strip())
        elif key in _ENTER:
            self._enter(self._line)
        elif key in _RUB_OUT:
            if self._line:
                self._line = self._line[:-1]
                self._write("\b \b")
        elif key == _CTRL_C:
            self._line, self._question = "", None
            self._write("^C" + _ENTER)
            self._prompt()
        elif key == _CTRL_Z:
            self._line = ""
            self._write("^Z" + _ENTER)
            self._carry_out("end")
        else:
            self._line += key
            if self._question is None or not self._question.secret:
                self._write(key)

    def _enter(self, line: str) -> None:
        self._line = ""
        question, self._question = self._question, None
        ansi = self._device.kind.ansi
        self._write(ansi.enter if ansi is not None and question is None else _ENTER)
        if question is None:
            self._carry_out(line)
        else:
            self._later(question.then, line)

    def _carry_out(self, line: str) -> None:
        if line.strip():
            entry = Logged(datetime.now(UTC), self._cli.number, self._cli.mode, line)
            self._device.log.append(entry)
            self._later(self._cli.run, line)
        else:
            self._answer(self._cli.run(line))

    def _later(self, run: Callable[[str], Reply], line: str) -> None:
        """Answer after the switch's latency; what is typed meanwhile waits."""
        seconds = self._device.latency
        if not seconds:
            self._answer(run(line))
            return
        self._busy = True

        def go_on() -> None:
            self._busy = False
            if self._channel is not None:
                self._answer(run(line))
                self._work()

        asyncio.get_running_loop().call_later(seconds, go_on)

    def _answer(self, reply: Reply) -> None:
        if reply.drop:
            self.drop()
            return
        if reply.end:
            self._write(reply.text.replace("\n", _ENTER))
            if self._channel is not None:
                self._channel.exit(0)
            return
        self._question = reply.ask
        page = self._cli.page
        rows = reply.text.splitlines(keepends=True) if page else []
        if len(rows) > page > 0:
            self._rows.extend(rows)
            self._show(page - 1)
            return
        self._write(reply.text.replace("\n", _ENTER))
        self._ready()

    def _page_key(self, key: str) -> None:
        """Show a line, a page, or no more of a long output."""
        wide = len(self._device.kind.pager.prompt)
        self._write("\b" * wide + " " * wide + "\b" * wide)
        if key in "qQ" or key == _CTRL_C:
            self._rows.clear()
            self._write(_ENTER)
            self._ready()
        else:
            self._show(1 if key in _ENTER else self._cli.page - 1)

    def _show(self, count: int) -> None:
        shown = [self._rows.popleft() for _ in range(min(count, len(self._rows)))]
        self._write("".join(shown).replace("\n", _ENTER))
        if self._rows:
            self._write(self._device.kind.pager.prompt)
        else:
            self._ready()

    def _ready(self) -> None:
        if self._question is not None:
            self._ask(self._question)
        else:
            self._prompt()

    def _ask(self, question: Question) -> None:
        self._question = question
        self._write(question.text.replace("\n", _ENTER))

    def _prompt(self) -> None:
        prompt = self._cli.prompt()
        ansi = self._device.kind.ansi
        if ansi is None:
            self._write(prompt.replace("\n", _ENTER))
            return
        column = len(prompt) + 1
        self._write(ansi.before + prompt + ansi.after.format(column=column))

    def _write(self, text: str) -> None:
        if self._channel is None or not text:
            return
        if self._device.silent:
            self._held.append(text)
        else:
            self._channel.write(text.encode(errors="surrogateescape"))
