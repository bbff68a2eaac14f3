"""What is kept of a switch: its configurations, versions and neighbours, cleaned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ictops.errors import CommandRefused, SwitchError
from ictops.network.clean import Mask, is_whole, masked, normalised, settings_of
from ictops.network.device import Session
from ictops.network.platform import Platform

RUNNING, STARTUP = "running.cfg", "startup.cfg"
VERSION, MODULES, NEIGHBOURS = "version.txt", "modules.txt", "neighbours.txt"
FULL = "running.vault"
"""The running configuration with its secrets, encrypted; only where a site wants it."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What a switch said of itself.

    :ivar files: by name; secrets are masked.
    :ivar whole: the running configuration with its secrets.
    :ivar unsaved: whether a reboot would bring another configuration than the one that runs.
    """

    files: Mapping[str, str]
    whole: str = field(repr=False)
    unsaved: bool


def take_backup(session: Session, mask: Mask) -> Backup:
    """Ask a switch for all that is kept of it.

    :raises SwitchError: if its configuration comes empty or cut off: a backup of that is worse
        than none.
    :raises SwitchUnreachable: if it is lost on the way.
    """
    platform, shows = session.platform, session.platform.shows
    running = whole_configuration(platform, session.show(shows.running), session.device.name)
    files = {RUNNING: running}
    unsaved = False
    if shows.startup is not None:
        startup = _startup(session, shows.startup)
        unsaved = settings_of(platform, startup) != settings_of(platform, running)
        files[STARTUP] = startup
    files[VERSION] = normalised(platform, session.show(shows.version))
    files[MODULES] = normalised(platform, session.show_first(shows.modules))
    files[NEIGHBOURS] = normalised(platform, session.show_first(shows.neighbours))
    texts = {name: _text(masked(platform, lines, mask)) for name, lines in files.items()}
    return Backup({n: text for n, text in texts.items() if text}, _text(running), unsaved)


def whole_configuration(platform: Platform, shown: str, name: str) -> list[str]:
    """Give a configuration's lines, if it is one and all of it.

    :raises SwitchError: if it is empty, or ends before its end.
    """
    lines = normalised(platform, shown)
    if not lines:
        raise SwitchError("its configuration comes empty; the last backup is kept", where=name)
    if not is_whole(platform, lines):
        raise SwitchError(
            f"its configuration is cut off after {len(lines):,} lines, at {lines[-1][:60]!r}; "
            "the last backup is kept",
            where=name,
        )
    return lines


def _startup(session: Session, command: str) -> list[str]:
    """Give the stored configuration; a switch that never stored one has none."""
    try:
        return normalised(session.platform, session.show(command))
    except CommandRefused:
        return []


def _text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
