"""Writing the systemd units that wake ``ictops tick``, and starting them."""

from __future__ import annotations

import os
import pwd
import subprocess
from pathlib import Path

from ictops.errors import IctopsError
from ictops.operations.units import TIMER, Place, service
from ictops.settings import Settings, find_config
from ictops.store.copies import is_file, journal_file


def write_units(settings: Settings, folder: Path | None = None, user: str | None = None) -> Place:
    """Write the timer and its service, and give what they are for.

    :param folder: where to; where systemd reads them if None.
    :param user: who the service runs as; root only may name one.
    :raises IctopsError: if they cannot be written there, or that user could not use them.
    """
    state = settings.resolve(settings.state_dir)
    writable = [state]
    if is_file(settings.journal_url):
        writable.append(journal_file(settings.journal_url).parent)
    own = tuple(dict.fromkeys(writable))
    metrics = settings.metrics_file
    others = (settings.resolve(metrics).parent,) if metrics is not None else ()
    place = Place(
        workspace=settings.workspace.resolve(),
        config=find_config(),
        writable=tuple(dict.fromkeys(own + others)),
        user=user,
        system=os.getuid() == 0,
    )
    _make(own, user)  # where metrics go is another's, who lets that user write
    target = folder or _unit_folder()
    for name, text in (("ictops-tick.service", service(place)), ("ictops-tick.timer", TIMER)):
        path = target / name
        try:
            target.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(path.suffix + ".part")
            fresh.write_text(text)
            fresh.rename(path)
        except OSError as error:
            raise IctopsError(f"cannot write it: {error.strerror}", where=str(path)) from error
    return place


def enable_timer() -> None:
    """Have systemd read the units and start the timer.

    :raises IctopsError: with systemd's own words if it does not.
    """
    scope = [] if os.getuid() == 0 else ["--user"]
    commands = (["daemon-reload"], ["enable", "--now", "ictops-tick.timer"])
    for command in commands:
        try:
            subprocess.run(
                ["systemctl", *scope, *command], check=True, capture_output=True, text=True
            )
        except FileNotFoundError:
            raise IctopsError(
                "this machine has no systemd",
                do="Run 'ictops tick' every minute by what it has instead",
            ) from None
        except subprocess.CalledProcessError as error:
            raise IctopsError(f"systemctl {' '.join(command)}: {error.stderr.strip()}") from error


def _unit_folder() -> Path:
    if os.getuid() == 0:
        return Path("/etc/systemd/system")
    return Path.home() / ".config/systemd/user"


def _make(folders: tuple[Path, ...], user: str | None) -> None:
    """Make the folders that are not there; they and the journal in them must be the user's."""
    owner = _owner(user)
    for folder in folders:
        if not folder.exists():
            folder.mkdir(parents=True, mode=0o700)
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        for path in (folder, *folder.glob("journal.db*")):
            if path.stat().st_uid != owner.pw_uid:
                raise IctopsError(
                    f"{owner.pw_name} could not use it: it belongs to somebody else",
                    where=str(path),
                    do=f"'chown -R {owner.pw_name}: {folder}'",
                )


def _owner(user: str | None) -> pwd.struct_passwd:
    if user is None:
        return pwd.getpwuid(os.getuid())
    if os.getuid() != 0:
        raise IctopsError(
            "only root can have a service run as somebody else",
            where=f"--user {user}",
            do="Use sudo, or leave it out for a timer of your own",
        )
    try:
        return pwd.getpwnam(user)
    except KeyError:
        raise IctopsError(
            "there is no such user on this machine",
            where=f"--user {user}",
            do=f"'adduser --system --group --home /var/lib/{user} {user}' makes one",
        ) from None
