"""The command line of Junos: a candidate that is committed, for good or for some minutes."""

from __future__ import annotations

from ictops.lab.farm import junos_tree
from ictops.lab.farm.cli import Action, Cli, Question, Reply, Words
from ictops.lab.farm.config import Lines, below
from ictops.lab.farm.deadman import REVERT
from ictops.lab.farm.kind import Command
from ictops.lab.farm.show import running, with_odd_descriptions

CANDIDATE = "shared"
"""All sessions write one candidate, as ``configure`` without ``private`` has it."""
_MINUTES = 10


class JunosCli(Cli):
    """One session's command line of a Junos switch."""

    def configure(self, line: str) -> bool:
        """Carry out ``set`` or ``delete``; give whether the switch knows it."""
        words = junos_tree.words_of(line)
        if len(words) < 2 or words[0] not in {"set", "delete"}:  # noqa: PLR2004
            return False
        whole = words[0] == "set"
        statement = junos_tree.understand(self.kind.grammar, words[1:], whole=whole)
        if statement is None:
            return False
        if whole:
            self.write(junos_tree.put(self.target(), statement))
            return True
        left = junos_tree.take_away(self.target(), statement.path)
        if left is not None:
            self.write(left)
        return True

    def filtered(self, text: str, filters: str) -> str | None:
        """Give a shown configuration in another form, or without some of its lines."""
        for one in filters.split(" | "):
            words = one.split()
            if words == ["no-more"]:
                continue
            if words == ["display", "set"]:
                lines = junos_tree.parse(self.kind.grammar, text)
                text = "".join(f"{row}\n" for row in junos_tree.as_set(lines))
            elif words[:1] in (["match"], ["except"]):
                how = "include" if words[0] == "match" else "exclude"
                text = super().filtered(text, f"{how} {' '.join(words[1:])}") or ""
            else:
                return None
        return text

    def _config_line(self, line: str) -> Reply:
        if line.startswith(("show", "run ")):
            return self._command(line, "config")
        return super()._config_line(line)

    def uncommitted(self) -> bool:
        """Whether the candidate is another than what runs."""
        return self.target() != self.device.running

    def commit(self, lines: Lines) -> None:
        """Run a configuration, and keep the one that ran before."""
        device = self.device
        device.history.appendleft(device.running)
        device.startup = lines  # Junos starts with what was committed last
        device.set_running(lines, self.user)


def _configure(cli: Cli, command: Command, _words: Words) -> Reply:
    cli.device.candidates.setdefault(CANDIDATE, cli.device.running)
    cli.to_mode("config")
    cli.candidate = CANDIDATE
    return Reply(command.say)


def _leave(cli: Cli, command: Command, _words: Words) -> Reply:
    def sure(answer: str) -> Reply:
        if answer.strip().lower() not in {"", "y", "yes"}:
            return Reply()
        cli.device.candidates.pop(CANDIDATE, None)
        cli.to_mode("user")
        return Reply(command.say)

    if cli.target() != cli.device.running:
        return Reply(ask=Question(command.ask, sure))
    return sure("")


def _commit(cli: Cli, command: Command, words: Words) -> Reply:
    assert isinstance(cli, JunosCli)  # noqa: S101 - only Junos has this action
    device = cli.device
    kept = device.disarm(REVERT)
    if cli.uncommitted() or not kept:
        cli.commit(cli.target())
    device.candidates[CANDIDATE] = device.running
    return _quit(cli, words, command.say)


def _commit_confirmed(cli: Cli, command: Command, words: Words) -> Reply:
    """Run the candidate, and go back after some minutes unless ``commit`` comes."""
    assert isinstance(cli, JunosCli)  # noqa: S101 - only Junos has this action
    text = words.get("minutes") or str(_MINUTES)
    if not text.isdigit() or int(text) < 1:
        return cli.unknown(text)
    device, before = cli.device, cli.device.running
    if REVERT in device.pending:  # a second one waits longer, and still goes back to the first
        before = device.checkpoints[".before"]
    device.checkpoints[".before"] = before

    def back() -> None:
        cli.commit(before)
        device.candidates.pop(CANDIDATE, None)

    cli.commit(cli.target())
    device.arm(REVERT, int(text) * 60, back)
    return _quit(cli, words, command.say.replace("{minutes}", text))


def _quit(cli: Cli, words: Words, say: str) -> Reply:
    if words.get("quit"):
        cli.to_mode("user")
        say += "Exiting configuration mode\n"
    return Reply(say)


def _check(_cli: Cli, command: Command, _words: Words) -> Reply:
    return Reply(command.say)


def _rollback(cli: Cli, command: Command, words: Words) -> Reply:
    """Make the candidate what ran so many commits ago; 0 is what runs now."""
    text = words.get("number") or "0"
    device = cli.device
    older = [device.running, *device.history]
    if not text.isdigit() or int(text) >= len(older):
        return Reply("error: rollback file not found\n")
    device.candidates[CANDIDATE] = older[int(text)]
    return Reply(command.say)


def _show(cli: Cli, _command: Command, words: Words) -> Reply:
    """Show the candidate, or a part of it."""
    path = junos_tree.words_of(words.get("path") or "")
    lines: Lines | None = cli.target()
    if path:
        statement = junos_tree.understand(cli.kind.grammar, path, whole=False)
        lines = below(lines or (), statement.path) if statement is not None else None
    text = "".join(f"{row}\n" for row in junos_tree.render(lines or ()))
    return Reply(with_odd_descriptions(cli.device, text))


def _compare(cli: Cli, _command: Command, _words: Words) -> Reply:
    """Show what a commit would change, as ``set`` lines with a sign."""
    old = list(junos_tree.as_set(cli.device.running, ""))
    new = list(junos_tree.as_set(cli.target(), ""))
    gone = [f"- {line.strip()}\n" for line in old if line not in new]
    come = [f"+ {line.strip()}\n" for line in new if line not in old]
    return Reply("".join(gone + come))


def _run(cli: Cli, _command: Command, words: Words) -> Reply:
    """Carry out a command of the operational mode."""
    return cli._command(words.get("command") or "", "user")  # noqa: SLF001


def _running(cli: Cli, _command: Command, _words: Words) -> Reply:
    return Reply(running(cli.device))


JUNOS: dict[str, Action] = {
    "junos_configure": _configure,
    "junos_leave": _leave,
    "junos_commit": _commit,
    "junos_confirmed": _commit_confirmed,
    "junos_check": _check,
    "junos_rollback": _rollback,
    "junos_show": _show,
    "junos_compare": _compare,
    "junos_run": _run,
    "junos_running": _running,
}
