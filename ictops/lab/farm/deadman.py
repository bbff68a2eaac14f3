"""The commands by which a switch takes a change back by itself unless it is told to keep it.

Each does what the vendor's manual says of it: IOS reverts a change or reloads, EOS commits a
session for a time, AOS-CX goes back to a checkpoint, a ProCurve reboots. Minutes are those
of the switch's clock, which a farm may let run faster.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from ictops.lab.farm.cli import Action, Cli, Question, Reply, Words
from ictops.lab.farm.config import Lines
from ictops.lab.farm.kind import Command

REVERT, RELOAD = "revert", "reload"
_BEFORE = ".before"
"""The checkpoint to which a revert goes back; no name that a person could give."""
_CLOCK = re.compile(r"(?:(\d+):)?(\d+):(\d\d)$")
_MOST_MINUTES = 24 * 60


def _minutes(words: Words) -> int | None:
    text = words.get("minutes") or ""
    minutes = int(text) if text.isdigit() else 0
    return minutes if 0 < minutes <= _MOST_MINUTES else None


def _arm_revert(cli: Cli, seconds: float, before: Lines) -> None:
    device = cli.device
    device.checkpoints[_BEFORE] = before
    device.arm(REVERT, seconds, lambda: device.set_running(before, "revert"))


def _revert_timer(cli: Cli, command: Command, words: Words) -> Reply:
    """IOS: ``configure terminal revert timer 5``."""
    minutes = _minutes(words)
    if minutes is None:
        return cli.unknown(words.get("minutes") or "")
    _arm_revert(cli, minutes * 60, cli.device.running)
    cli.to_mode("config")
    return Reply(command.say)


def _revert_again(cli: Cli, _command: Command, words: Words) -> Reply:
    """IOS: ``configure revert timer 5``: go on waiting, from now."""
    minutes = _minutes(words)
    if minutes is None or REVERT not in cli.device.pending:
        return Reply("%No Rollback Confirmed Change pending\n")
    _arm_revert(cli, minutes * 60, cli.device.checkpoints[_BEFORE])
    return Reply()


def _confirm(cli: Cli, command: Command, _words: Words) -> Reply:
    if cli.device.disarm(REVERT):
        return Reply(command.say)
    return Reply("%No Rollback Confirmed Change pending\n")


def _revert_now(cli: Cli, command: Command, _words: Words) -> Reply:
    if not cli.device.disarm(REVERT):
        return Reply("%No Rollback Confirmed Change pending\n")
    cli.device.set_running(cli.device.checkpoints[_BEFORE], "revert")
    return Reply(command.say)


def _reload_in(cli: Cli, command: Command, words: Words) -> Reply:
    """IOS and EOS: ``reload in 5``, with what it asks."""
    minutes = _minutes(words)
    if minutes is None:
        return cli.unknown(words.get("minutes") or "")
    device = cli.device

    def sure(answer: str) -> Reply:
        if answer.strip().lower() not in {"", "y", "yes"}:
            return Reply("\n")
        device.arm(RELOAD, minutes * 60, device.reboot)
        return Reply(command.say)

    at = datetime.now(UTC) + timedelta(minutes=minutes)
    when = f"{at:%H:%M:%S} UTC {at:%a %b %d %Y} (in {minutes} minutes)"
    text = f"Reload scheduled for {when} by {cli.user} on vty0\nProceed with reload? [confirm]"
    last = Question(text, sure, key=True)

    def save(answer: str) -> Reply:
        if answer.strip().lower() in {"y", "yes"}:
            device.save()
        return Reply(ask=last)

    if device.running == device.startup:
        return Reply(ask=last)
    return Reply(ask=Question("\nSystem configuration has been modified. Save? [yes/no]: ", save))


def _reload_after(cli: Cli, command: Command, words: Words) -> Reply:
    """ProCurve: ``reload after 5``, also ``reload after [[DD:]HH:]MM``."""
    parts = (words.get("minutes") or "").split(":")
    if not all(part.isdigit() for part in parts) or len(parts) > 3:  # noqa: PLR2004
        return cli.unknown(words.get("minutes") or "")
    scale = (1, 60, 24 * 60)
    minutes = sum(int(part) * scale[at] for at, part in enumerate(reversed(parts)))

    def sure(answer: str) -> Reply:
        if answer.lower() != "y":
            return Reply("\n")
        cli.device.arm(RELOAD, minutes * 60, cli.device.reboot)
        return Reply("\n" + command.say)

    return Reply(ask=Question(command.ask, sure, key=True))


def _reload_cancel(cli: Cli, command: Command, _words: Words) -> Reply:
    return Reply(command.say if cli.device.disarm(RELOAD) else command.ask)


def _pending(name: str) -> Action:
    """Give what shows whether something is scheduled, or waits for being kept."""

    def show(cli: Cli, command: Command, _words: Words) -> Reply:
        return Reply(command.say if name in cli.device.pending else command.ask)

    return show


def _session_open(cli: Cli, _command: Command, words: Words) -> Reply:
    """EOS: ``configure session NAME``: write what does not run yet."""
    device = cli.device
    name = words.get("name") or f"sess--{len(device.candidates) + 1}"
    device.candidates.setdefault(name, device.running)
    cli.to_mode("config")
    cli.candidate = name
    return Reply()


def _session_commit(cli: Cli, _command: Command, words: Words) -> Reply:
    """EOS: ``commit`` in a session, or ``configure session NAME commit``, which also keeps."""
    device = cli.device
    name = words.get("name") or cli.candidate
    if name is not None and device.checkpoints.get(f".timed {name}") is not None:
        device.disarm(REVERT)
        device.checkpoints.pop(f".timed {name}")
        return Reply()
    if name is None or name not in device.candidates:
        return cli.unknown(name or "commit")
    device.set_running(device.candidates.pop(name), cli.user)
    return cli.to_mode("enable")


def _session_timer(cli: Cli, _command: Command, words: Words) -> Reply:
    """EOS: ``commit timer 00:05:00``: run it, and go back unless it is committed again."""
    device, name = cli.device, cli.candidate
    clock = _CLOCK.match(words.get("time") or "")
    if name is None or name not in device.candidates or clock is None:
        return cli.unknown("commit timer")
    if REVERT in device.pending:
        return Reply("% Another session is pending commit\n")
    hours, minutes, seconds = (int(part or 0) for part in clock.groups())
    before = device.running
    device.checkpoints[f".timed {name}"] = before

    def back() -> None:
        device.checkpoints.pop(f".timed {name}", None)
        device.set_running(before, "revert")

    device.arm(REVERT, hours * 3600 + minutes * 60 + seconds, back)
    device.set_running(device.candidates.pop(name), cli.user)
    return cli.to_mode("enable")


def _session_abort(cli: Cli, _command: Command, words: Words) -> Reply:
    """EOS: forget what a session wrote, or take back what it runs for a time."""
    device = cli.device
    name = words.get("name") or cli.candidate
    if name is None:
        return cli.unknown("abort")
    before = device.checkpoints.pop(f".timed {name}", None)
    if before is not None:
        device.disarm(REVERT)
        device.set_running(before, "revert")
    elif device.candidates.pop(name, None) is None:
        return cli.unknown(name)
    return cli.to_mode("enable")


def _checkpoint_auto(cli: Cli, command: Command, words: Words) -> Reply:
    """AOS-CX: ``checkpoint auto 5``."""
    minutes = _minutes(words)
    if minutes is None:
        return cli.unknown(words.get("minutes") or "")
    _arm_revert(cli, minutes * 60, cli.device.running)
    return Reply(command.say.replace("{minutes}", str(minutes)))


def _checkpoint_confirm(cli: Cli, command: Command, _words: Words) -> Reply:
    if not cli.device.disarm(REVERT):
        return Reply(command.ask)
    name = f"AUTO{datetime.now(UTC):%Y%m%d%H%M%S}"
    cli.device.checkpoints[name] = cli.device.running
    return Reply(command.say.replace("{name}", name))


def _checkpoint_save(cli: Cli, command: Command, words: Words) -> Reply:
    cli.device.checkpoints[words.get("name") or "CP"] = cli.device.running
    return Reply(command.say)


def _checkpoint_rollback(cli: Cli, command: Command, words: Words) -> Reply:
    name = words.get("name") or ""
    device = cli.device
    kept = device.startup if name == "startup-config" else device.checkpoints.get(name)
    if kept is None or name.startswith("."):
        return Reply(command.ask.replace("{name}", name))
    device.disarm(REVERT)
    device.set_running(kept, cli.user)
    return Reply(command.say)


def _checkpoint_erase(cli: Cli, command: Command, words: Words) -> Reply:
    name = words.get("name") or ""
    if name.startswith(".") or cli.device.checkpoints.pop(name, None) is None:
        return Reply(command.ask.replace("{name}", name))
    return Reply()


def _checkpoint_list(cli: Cli, _command: Command, _words: Words) -> Reply:
    names = sorted(name for name in cli.device.checkpoints if not name.startswith("."))
    return Reply("".join(f"{name}\n" for name in [*names, "startup-config"]))


DEADMAN: dict[str, Action] = {
    "revert_timer": _revert_timer,
    "revert_again": _revert_again,
    "confirm": _confirm,
    "revert_now": _revert_now,
    "reload_in": _reload_in,
    "reload_after": _reload_after,
    "show_reload": _pending(RELOAD),
    "show_revert": _pending(REVERT),
    "reload_cancel": _reload_cancel,
    "session_open": _session_open,
    "session_commit": _session_commit,
    "session_timer": _session_timer,
    "session_abort": _session_abort,
    "checkpoint_auto": _checkpoint_auto,
    "checkpoint_confirm": _checkpoint_confirm,
    "checkpoint_save": _checkpoint_save,
    "checkpoint_rollback": _checkpoint_rollback,
    "checkpoint_erase": _checkpoint_erase,
    "checkpoint_list": _checkpoint_list,
}
