"""A session that is read by its prompt, at the other end of which a test plays the switch."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import pytest

from ictops.errors import SwitchUnreachable
from ictops.network import terminal
from ictops.network.methods import Answer
from ictops.network.terminal import Terminal

Said = Iterable[bytes | None]
"""Pieces as they come; None is a silence."""


@dataclass
class Played:
    """A connection as netmiko gives it: what is written is answered by ``switch``."""

    switch: Callable[[str], Said]
    RETURN: str = "\n"
    blocking_timeout: float = 20
    written: list[str] = field(default_factory=list)
    closed: bool = False
    _pieces: deque[bytes | None] = field(default_factory=deque)
    _came: threading.Condition = field(default_factory=threading.Condition)
    _timeout: float = 0

    @property
    def remote_conn(self) -> Played:
        return self

    def write_channel(self, text: str) -> None:
        self.written.append(text)
        self._pieces.extend(self.switch(text))

    def recv_ready(self) -> bool:
        return bool(self._pieces)

    def settimeout(self, seconds: float) -> None:
        self._timeout = seconds

    def recv(self, _: int) -> bytes:
        piece = self._pieces.popleft() if self._pieces else b""
        if piece:
            return piece
        if self.closed and piece is not None:
            return b""
        raise TimeoutError


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a silence be one at once: what is played comes without any."""
    monkeypatch.setattr(terminal, "QUIET_SECONDS", 0.001)


def at(switch: Callable[[str], Said], prompt: str = "oak-sw-01#") -> tuple[Terminal, Played]:
    played = Played(switch)
    return Terminal(played, prompt, "oak-sw-01"), played  # type: ignore[arg-type]


def test_an_answer_is_what_stands_between_what_was_said_and_the_prompt() -> None:
    one, _ = at(
        lambda said: [said.strip().encode(), b"\r\nfirst\r\n", b"second\r\noak-sw-", b"01#"]
    )
    assert one.say("show it", seconds=1).lines == ("first", "second")
    assert one.mode == "#"


def test_a_line_that_ends_like_a_prompt_is_none() -> None:
    pieces = [b"oak-sw-01(config-if)#description to oak-sw-01#", b"\r\n", b"oak-sw-01(config-if)# "]
    one, _ = at(lambda _: pieces)
    assert one.say("description to oak-sw-01#", seconds=1).lines == ()
    assert one.mode == "(config-if)#"


def test_another_name_is_learned() -> None:
    names = iter(["beech-sw-01(config)#", "beech-sw-01(config-if)#"])
    one, _ = at(lambda said: [f"{said.strip()}\r\n{next(names)}".encode()])
    assert one.say("hostname beech-sw-01", seconds=1).lines == ()
    assert one.say("interface 1", seconds=1).lines == ()
    assert one.mode == "(config-if)#"


def test_a_message_after_the_prompt_is_part_of_the_answer() -> None:
    log = b"oak-sw-01#\r\n*Mar  1 00:01:02: %SYS-5-CONFIG_I: Configured from console\r\n"
    one, _ = at(lambda said: [said.strip().encode(), b"\r\n", log])
    assert "%SYS-5-CONFIG_I" in one.say("end", seconds=1).text


def test_questions_are_answered_with_a_line_or_a_key() -> None:
    script = iter([
        b"reload in 5\r\nSave? [yes/no]: ", b"no\r\nProceed? [confirm]", b"y\r\noak-sw-01#",
    ])  # fmt: skip
    one, played = at(lambda _: [next(script)])
    answers = [Answer(asks=r"Save\? \[yes/no\]:$", say="no")]
    answers.append(Answer(asks=r"\[confirm\]$", say="y", key=True))
    said = one.say("reload in 5", answers=answers, seconds=1)
    assert played.written == ["reload in 5\n", "no\n", "y"]
    assert "Proceed? [confirm]" in said.text


def test_a_question_that_nobody_foresaw_is_told_and_not_answered() -> None:
    one, played = at(lambda said: [said.strip().encode(), b"\r\nAre you sure? "])
    with pytest.raises(SwitchUnreachable, match="to 'erase', and stands at 'Are you sure"):
        one.say("erase", seconds=0.05)
    assert played.written == ["erase\n"]


def test_a_lost_session_is_noticed_at_once() -> None:
    one, played = at(lambda said: [said.encode()])
    played.closed = True
    with pytest.raises(SwitchUnreachable, match="the session was lost"):
        one.say("vlan 10", seconds=3600)


def test_what_is_told_of_a_line_is_masked() -> None:
    one, _ = at(lambda said: [said.encode()])
    with pytest.raises(SwitchUnreachable) as caught:
        one.say("secret Hunter2", seconds=0.05, tell=lambda said: said.replace("Hunter2", "x"))
    assert "Hunter2" not in str(caught.value)


def test_bytes_that_act_on_a_terminal_or_are_no_text_stay_harmless() -> None:
    odd = b"\x1b[2K\x1b]0;title\x07 caf\xe9 \xff\xfe \x00 \xe2\x80"
    one, _ = at(lambda said: [said.strip().encode(), b"\r\n", odd, b"\xae\r\noak-sw-01#"])
    text = one.say("show it", seconds=1).text
    assert "title" not in text
    assert all(part.isprintable() for part in text.splitlines())


def test_a_switch_that_never_ends_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "MOST_CHARACTERS", 10_000)
    one, _ = at(lambda said: [said.encode(), *([b"x" * 1000 + b"\r\n"] * 20)])
    with pytest.raises(SwitchUnreachable, match="does not answer"):
        one.say("show it", seconds=3600)


def test_several_lines_are_said_as_one() -> None:
    def switch(said: str) -> Said:
        return [said.replace("\n", "\r\n").encode(), b"oak-sw-01(config)#"]

    one, played = at(switch)
    assert one.say("banner motd ^C\noak-sw-01#\nEnd^C", seconds=1).lines == ()
    assert len(played.written) == 1


def test_what_is_shown_is_not_cut_behind_a_line_that_looks_like_a_prompt() -> None:
    pieces = [b"show it\r\nbanner motd #", None, b"\r\nhello\r\n#\r\n", None, b"end\r\noak-sw-01#"]
    one, _ = at(lambda _: pieces)
    assert one.say("show it", seconds=5, learns=False).lines == (
        "banner motd #", "hello", "#", "end",
    )  # fmt: skip
    two, _ = at(lambda _: pieces)
    assert two.say("show it", seconds=5).lines != ("banner motd #", "hello", "#", "end")
