"""Typing a difference into a simulated switch, line by line, as a person would."""

from __future__ import annotations

import re
from collections.abc import Iterable

from netmiko.base_connection import BaseConnection

from ictops.network.clean import normalised
from ictops.network.difference import Command
from ictops.network.platform import Platform

_OPENS = re.compile(
    r"vlan (?:\d+|database)$"
    r"|(?:interface|line|router|management|(?:ip )?access-list(?: ip)?) \S"
)


def typed(connection: BaseConnection, platform: Platform, line: str) -> str:
    """Type a line, and give what the switch answers; it must not refuse it."""
    pattern = r"[>#]\s*$"
    answer = str(connection.send_command(line, expect_string=pattern, strip_command=True))
    refused = [one for one in answer.splitlines() if platform.refuses(one)]
    assert refused == [], (line, refused)
    return answer


def running(connection: BaseConnection, platform: Platform) -> list[str]:
    """Give the lines of the running configuration."""
    return normalised(platform, typed(connection, platform, platform.shows.running))


def carry_out(connection: BaseConnection, platform: Platform, commands: Iterable[Command]) -> None:
    """Type commands, each in its block, from the mode in which they are typed and back to it."""
    dialect = platform.rules.dialect
    in_mode = {"lines": not platform.rules.privileged, "junos": True, "routeros": False}[dialect]
    if in_mode:
        typed(connection, platform, "configure" if dialect == "junos" else "configure terminal")
    path: list[str] = []
    sent = list(commands)
    for number, command in enumerate(sent):
        while path != list(command.within[: len(path)]):
            typed(connection, platform, "exit")
            path.pop()
        assert path == list(command.within), "a block is not opened by a command of its own"
        typed(connection, platform, command.text)
        following = sent[number + 1].within if number + 1 < len(sent) else ()
        if following[: len(path) + 1] == (*path, command.text):
            path.append(command.text)
    for _ in path:
        typed(connection, platform, "exit")
    if dialect == "junos":
        typed(connection, platform, "commit")
    if in_mode:
        typed(connection, platform, "exit" if dialect == "junos" else "end")


def as_commands(platform: Platform, lines: Iterable[str]) -> list[Command]:
    """Give lines as commands, as a person types them: a line that opens a block is before it."""
    commands: list[Command] = []
    within: tuple[str, ...] = ()
    for line in lines:
        if line == "exit":
            within = within[:-1]
            continue
        opens = platform.rules.dialect == "lines" and _OPENS.match(line) is not None
        if opens:
            within = ()
        commands.append(Command(line, within, line))
        if opens:
            within = (line,)
    return commands
