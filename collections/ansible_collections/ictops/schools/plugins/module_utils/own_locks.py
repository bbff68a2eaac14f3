# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One backup of a host at a time; the locks of one that was killed are taken away."""

from __future__ import annotations

import fcntl
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path

from ansible_collections.ictops.schools.plugins.module_utils.moments import moment
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    answer,
    is_at_work,
    run,
)

OLD = timedelta(minutes=20)
"""``restic unlock`` takes a lock for dead after 30 minutes, whoever's it is. Some less, for the
time from the look to the act."""


@dataclass
class Turn:
    """A backup that is the only one of its host.

    :ivar left: whether the one before was killed, or failed, and may have left locks.
    :ivar well: whether this one ends well, as far as is known.
    """

    left: bool
    well: bool = True


class BusyError(Exception):
    """Another backup of this host is at work."""


@contextmanager
def alone(at_work: Path) -> Iterator[Turn]:
    """Be the only backup of this host: one whose connection was lost goes on.

    :param at_work: a file that says so, and outlives whoever is killed.
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
        turn = Turn(left=bool(file.read()))
        file.seek(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield turn
        if turn.well:
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
        if lock.get("hostname") == socket.gethostname() and not is_at_work(lock.get("pid")):
            own += 1
            continue
        try:
            others.append(moment(str(lock.get("time"))))
        except ValueError:
            return 0  # it may be at work, and who knows since when
    now = datetime.now(timezone.utc)  # noqa: UP017 - for hosts with an older Python
    if own and all(abs(now - when) < OLD for when in others):
        run(repository, "unlock")
        return own
    return 0
