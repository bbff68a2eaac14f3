"""What the commands of a simulated switch do, by the names that its platform's file uses."""

from __future__ import annotations

from ictops.lab.farm.cli import Action, Cli, Question, Reply, Words
from ictops.lab.farm.kind import Command
from ictops.lab.farm.show import interfaces, inventory, lldp, running, startup, version


def _say(_cli: Cli, command: Command, _words: Words) -> Reply:
    return Reply(command.say)


def _enable(cli: Cli, _command: Command, _words: Words) -> Reply:
    if cli.mode == "enable":
        return Reply()
    model = cli.device.model
    if model.enable_password is None and model.may_enable:
        return cli.to_mode("enable")
    tries = cli.kind.enable_tries

    def check(answer: str) -> Reply:
        nonlocal tries
        tries -= 1
        if model.may_enable and answer == model.enable_password:
            return cli.to_mode("enable")
        if tries == 0 or not answer or not model.may_enable:
            return Reply(cli.kind.errors.password)
        return Reply(ask=Question(cli.kind.enable_asks, check, secret=True))

    return Reply(ask=Question(cli.kind.enable_asks, check, secret=True))


def _disable(cli: Cli, _command: Command, _words: Words) -> Reply:
    return cli.to_mode("user")


def _configure(cli: Cli, command: Command, _words: Words) -> Reply:
    cli.to_mode("config")
    return Reply(command.say)


def _exit(cli: Cli, _command: Command, _words: Words) -> Reply:
    """Leave a section, then the configuration, then the switch."""
    if cli.mode != "config":
        return Reply(end=True)
    if cli.path and not cli.only_section:
        cli.path = cli.path[:-1]
        return Reply()
    return cli.to_mode("enable")


def _section(cli: Cli, command: Command, _words: Words) -> Reply:
    """Go from the mode ``enable`` into a section, and back there with ``exit``."""
    cli.to_mode("config")
    cli.configure(command.ask)
    cli.only_section = True
    return Reply()


def _line(cli: Cli, command: Command, words: Words) -> Reply:
    """Take a line of configuration in the mode ``enable``."""
    line = f"{command.ask} {words.get('rest') or ''}".strip()
    return Reply() if cli.configure(line) else cli.unknown(line)


def _end(cli: Cli, _command: Command, _words: Words) -> Reply:
    return cli.to_mode("enable")


def _logout(_cli: Cli, _command: Command, _words: Words) -> Reply:
    return Reply(end=True)


def _logout_asks(cli: Cli, _command: Command, _words: Words) -> Reply:
    """Ask what a ProCurve asks before it lets go."""

    def save(answer: str) -> Reply:
        if answer.lower() == "y":
            cli.device.save()
        return Reply("\n", end=answer.lower() in {"y", "n"})

    def leave(answer: str) -> Reply:
        if answer.lower() != "y":
            return Reply("\n")
        if cli.device.running == cli.device.startup:
            return Reply("\n", end=True)
        text = "\nDo you want to save current configuration [y/n/^C]? "
        return Reply(ask=Question(text, save, key=True))

    return Reply(ask=Question("Do you want to log out [y/n]? ", leave, key=True))


def _page(cli: Cli, command: Command, words: Words) -> Reply:
    """Set the lines of a screen; none shows all at once."""
    lines = words.get("lines") or "0"
    if not lines.isdigit():
        return cli.unknown(lines)
    cli.page = int(lines)
    return Reply(command.say)


def _page_on(cli: Cli, command: Command, _words: Words) -> Reply:
    cli.page = cli.kind.pager.lines
    return Reply(command.say)


def _save(cli: Cli, command: Command, _words: Words) -> Reply:
    cli.device.save()
    return Reply(command.say)


def _save_asks(cli: Cli, command: Command, _words: Words) -> Reply:
    """Save after a ``y``."""

    def answered(answer: str) -> Reply:
        if not answer.strip().lower().startswith("y"):
            return Reply("\n")
        cli.device.save()
        return Reply(command.say)

    return Reply(ask=Question(command.ask, answered, key=True))


def _save_as(cli: Cli, command: Command, _words: Words) -> Reply:
    """Save after the name of the file, which there is only one of, was asked for."""

    def named(answer: str) -> Reply:
        if answer.strip() not in {"", "startup-config"}:
            return Reply(cli.kind.errors.refused.replace("{line}", answer))
        cli.device.save()
        return Reply(command.say)

    return Reply(ask=Question(command.ask, named))


def _reload(cli: Cli, command: Command, _words: Words) -> Reply:
    """Reboot, after what is asked is said yes to."""

    def sure(answer: str) -> Reply:
        if answer.strip().lower() not in {"y", "yes", ""}:
            return Reply("\n")
        cli.device.reboot()
        return Reply(drop=True)

    return Reply(ask=Question(command.ask, sure, key=True))


def _reload_now(cli: Cli, _command: Command, _words: Words) -> Reply:
    cli.device.reboot()
    return Reply(drop=True)


ACTIONS: dict[str, Action] = {
    "say": _say,
    "enable": _enable,
    "disable": _disable,
    "configure": _configure,
    "exit": _exit,
    "end": _end,
    "logout": _logout,
    "logout_asks": _logout_asks,
    "page": _page,
    "page_on": _page_on,
    "save": _save,
    "save_asks": _save_asks,
    "save_as": _save_as,
    "reload": _reload,
    "reload_now": _reload_now,
    "section": _section,
    "line": _line,
    "running": lambda cli, _command, _words: Reply(running(cli.device)),
    "startup": lambda cli, _command, _words: Reply(startup(cli.device)),
    "version": lambda cli, _command, _words: Reply(version(cli.device)),
    "inventory": lambda cli, _command, _words: Reply(inventory(cli.device)),
    "lldp": lambda cli, _command, _words: Reply(lldp(cli.device)),
    "interfaces": lambda cli, _command, _words: Reply(interfaces(cli.device, cli.kind.interfaces)),
    "status": lambda cli, _command, _words: Reply(interfaces(cli.device, cli.kind.status)),
}
