# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Locks in a repository: taking away one's own that nobody holds any more."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    answer,
    run,
)

OLD = timedelta(minutes=25)
"""Restic takes a lock for dead after 30 minutes, whoever's it is."""


def remove_dead(repository: Repository) -> int:
    """Take this host's dead locks away, and give how many there were.

    ``restic unlock`` takes away old ones of others too; with a clock that is wrong, also some
    that are held. So it is used only where nothing but this host's own would go.

    :raises ResticError: if the repository cannot be read.
    """
    own, others = 0, []
    for name in run(repository, "list", "locks", "--no-lock").split():
        try:
            lock = answer(repository, "cat", "lock", name, "--no-lock")
        except ResticError:
            continue  # its holder took it away meanwhile
        if lock["hostname"] == socket.gethostname() and not _lives(int(lock["pid"])):
            own += 1
        else:
            others.append(_time(lock["time"]))
    now = datetime.now(timezone.utc)  # noqa: UP017  # Python 3.10 has no other
    if own and all(now - when < OLD for when in others):
        run(repository, "unlock")
    return own


def _lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def _time(text: str) -> datetime:
    """Read a time of restic's: nanoseconds, and Z for UTC, are more than Python 3.10 reads."""
    whole, _, rest = text.partition(".")
    zone = rest.lstrip("0123456789") if rest else ""
    if not zone and whole.endswith("Z"):
        whole, zone = whole[:-1], "Z"
    return datetime.fromisoformat(whole + ("+00:00" if zone == "Z" else zone))
