"""The command line of a simulated switch: what it answers to what is typed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ictops.lab.farm.config import Lines, Path
from ictops.lab.farm.device import Device
from ictops.lab.farm.edit import edit, section_at, shown_form
from ictops.lab.farm.kind import Command
from ictops.lab.farm.trees import hostname

Words = Mapping[str, str | None]
"""The words of a command that its pattern names."""


@dataclass(frozen=True, slots=True)
class Question:
    """What the switch asks before it goes on."""

    text: str
    then: Callable[[str], Reply]
    """Takes the answer, without the Enter."""
    secret: bool = False
    """The answer is not shown while it is typed, and not logged."""
    key: bool = False
    """One key is the answer."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What comes of a line."""

    text: str = ""
    """Lines that the switch prints; a line break ends each."""
    ask: Question | None = None
    end: bool = False
    """The switch ends the session."""
    drop: bool = False
    """The session is lost without a word."""


Action = Callable[["Cli", Command, Words], Reply]


class Cli:
    """One session's command line, of a switch with modes and lines of configuration."""

    def __init__(self, device: Device, actions: Mapping[str, Action], user: str) -> None:
        """Start after the login."""
        self.device = device
        self.kind = device.kind
        self.user = user
        self.mode = self.kind.start
        """``user``, ``enable`` or ``config``."""
        self.path: Path = ()
        """The section in which one is."""
        self.only_section = False
        """Whether one came into the section from ``enable``, and goes back there."""
        self.candidate: str | None = None
        """The name of the configuration that is written, where that is not the running one."""
        self.page: int = self.kind.pager.lines
        """Lines of a screen; 0 shows all at once."""
        self.number = device.logins
        self._actions = actions
        self._banner: list[str] = []

    def prompt(self) -> str:
        """Give what stands at the start of the next line."""
        if self._banner:
            return ""
        prompts = self.kind.prompts
        host = hostname(self.kind, self.device.running) or self.device.name
        if self.mode != "config":
            text = prompts.enable if self.mode == "enable" else prompts.user
            return text.format(host=host, user=self.user)
        host = host[: prompts.longest_name]
        return prompts.config.format(host=host, mode=self._mode_name(), user=self.user)

    def run(self, typed: str) -> Reply:
        """Carry out a line, and give what the switch answers."""
        if self._banner:
            return self._banner_line(typed)
        line = typed.strip()
        if not line or re.search(self.kind.grammar.comment, line):
            return Reply()
        faults = self.device.faults
        if faults.refuse is not None and re.search(faults.refuse, line):
            return Reply(self._error(self.kind.errors.refused, line))
        return self.dropping(line, self._carry_out)

    def dropping(self, line: str, carry_out: Callable[[str], Reply]) -> Reply:
        """Carry out a line, unless the session is to end before it; or end it after it."""
        after = self.device.faults.drop_after
        if not self.device.drops_at(line):
            return carry_out(line)
        if after:
            carry_out(line)
        return Reply(drop=True)

    def _carry_out(self, line: str) -> Reply:
        return self._config_line(line) if self.mode == "config" else self._command(line, self.mode)

    def target(self) -> Lines:
        """Give the configuration that is written."""
        if self.candidate is None:
            return self.device.running
        return self.device.candidates.get(self.candidate, self.device.running)

    def write(self, lines: Lines) -> None:
        """Put another in its place."""
        if self.candidate is None:
            self.device.set_running(lines, self.user)
        else:
            self.device.candidates[self.candidate] = lines

    def unknown(self, line: str) -> Reply:
        """Give what the switch says to what it does not know."""
        return Reply(self._error(self.kind.errors.unknown, line))

    def configure(self, line: str) -> bool:
        """Carry out a line of configuration; give whether the switch knows it."""
        done = edit(self.kind.grammar, self.target(), self.path, line)
        if done is None:
            return False
        self.path = done.path
        self.write(done.lines)
        return True

    def to_mode(self, mode: str) -> Reply:
        """Go to a mode, out of all sections."""
        self.mode = mode
        self.path = ()
        self.only_section = False
        if mode != "config":
            self.candidate = None
        return Reply()

    def _config_line(self, line: str) -> Reply:
        known = self._known(line, "config", explicit=True)
        if known is not None:
            return known
        if self.kind.do_in_config and line.startswith("do "):
            return self._command(line.removeprefix("do ").strip(), "enable")
        last = self.device.ends_session()
        if last and not self.device.faults.drop_after:
            return Reply(drop=True)
        if self._starts_banner(line):
            return Reply(drop=last)
        if self.configure(line):
            return Reply(drop=last)
        reply = self._known(line, "config") or self.unknown(line)
        return Reply(drop=True) if last else reply

    def _command(self, line: str, mode: str) -> Reply:
        command, bar, filters = line.partition(" | ")
        reply = self._known(command.strip(), mode)
        if reply is None:
            return self.unknown(line)
        if not bar:
            return reply
        text = self.filtered(reply.text, filters)
        return self.unknown(line) if text is None else Reply(text)

    def filtered(self, text: str, filters: str) -> str | None:
        """Give what a switch leaves of its output, or None for a filter that it does not know."""
        how, _, expression = filters.strip().partition(" ")
        rows = text.splitlines()
        try:
            wanted = re.compile(expression.strip('" '))
        except re.error:
            return None
        if "include".startswith(how) and len(how) >= 1:
            kept = [row for row in rows if wanted.search(row)]
        elif "exclude".startswith(how):
            kept = [row for row in rows if not wanted.search(row)]
        elif "begin".startswith(how):
            start = next((at for at, row in enumerate(rows) if wanted.search(row)), len(rows))
            kept = rows[start:]
        else:
            return None
        return "".join(f"{row}\n" for row in kept)

    def _known(self, line: str, mode: str, *, explicit: bool = False) -> Reply | None:
        """Carry out a command if the mode has it; ``explicit``: those of the mode alone."""
        commands = self.kind.commands(mode)
        own = len(self.kind.config) if explicit else len(commands)
        for pattern, command in commands[:own]:
            found = pattern.match(line)
            if found is not None:
                return self._actions[command.do](self, command, found.groupdict())
        return None

    def _mode_name(self) -> str:
        found = section_at(self.kind.grammar, self.path)
        name = self.kind.prompts.top if found is None else found[1].expand(found[0].mode)
        return name if self.candidate is None else self._session_mode(name)

    def _session_mode(self, name: str) -> str:
        return name.replace("config", f"config-s-{(self.candidate or '')[:6]}", 1)

    def _error(self, text: str, line: str) -> str:
        caret = " " * len(self.prompt())
        return text.replace("{caret}", caret).replace("{line}", line)

    def _starts_banner(self, line: str) -> bool:
        banner = self.kind.grammar.banner
        if not banner or not re.search(banner, line):
            return False
        self._banner = [shown_form(self.kind.grammar, line)]
        return True

    def _banner_line(self, typed: str) -> Reply:
        start = re.search(self.kind.grammar.banner, self._banner[0])
        ending = start[1] if start is not None else ""
        self._banner.append(typed.rstrip("\r\n"))
        if typed.rstrip().endswith(ending):
            whole, self._banner = "\n".join(self._banner), []
            self.configure(whole)
        return Reply()
