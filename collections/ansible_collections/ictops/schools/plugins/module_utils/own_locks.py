# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One backup of a host at a time; the locks of one that was killed are taken away."""

from __future__ import annotations

import fcntl
import os
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    answer,
    run,
)

OLD = timedelta(minutes=20)
"""``restic unlock`` takes a lock for dead after 30 minutes, whoever's it is. Some less, for the
time from the look to the act."""
_TIME = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d:\d\d)")


class BusyError(Exception):
    """Another backup of this host is at work."""


@contextmanager
def alone(at_work: Path) -> Iterator[bool]:
    """Be the only backup of this host: one whose connection was lost goes on.

    :param at_work: a file that says so, and outlives whoever is killed.
    :returns: whether the one before was killed.
    :raises BusyError: if there is another.
    """
    at_work.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    with os.fdopen(os.open(at_work, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BusyError(
                "another backup of this host is at work; wait until it is over"
            ) from error
        killed = bool(file.read())
        file.seek(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        try:
            yield killed
        finally:
            file.truncate(0)


def remove_dead(repository: Repository) -> int:
    """Take this host's dead locks away, and give how many there were.

    ``restic unlock`` goes by the clock and by the names that hosts give themselves: a host whose
    clock is an hour ahead would take the server's lock away in the middle of a prune. So it is
    used only where nothing but what is this host's own, and dead, would go.

    :raises ResticError: if the repository cannot be read.
    """
    own, others = 0, []
    for name in run(repository, "list", "--no-lock", "locks").split():
        try:
            lock = answer(repository, "cat", "--no-lock", "lock", name)
        except ResticError:
            continue  # its holder took it away meanwhile
        if lock.get("hostname") == socket.gethostname() and not _lives(lock.get("pid")):
            own += 1
        else:
            others.append(time_of(str(lock.get("time"))))
    now = datetime.now(timezone.utc)  # noqa: UP017 - for hosts with an older Python
    if own and all(abs(now - when) < OLD for when in others):
        run(repository, "unlock")
        return own
    return 0


def time_of(text: str) -> datetime:
    """Read a time as restic writes it: in nanoseconds, which an older Python cannot read."""
    found = _TIME.fullmatch(text)
    if found is None:
        raise ResticError(0, f"{text!r} in a lock is no time")
    return datetime.fromisoformat(found[1] + found[2].replace("Z", "+00:00"))


def _lives(pid: object) -> bool:
    try:
        return Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() == "restic"
    except OSError:
        return False
