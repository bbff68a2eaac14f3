# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waiting for a repository that somebody else uses, and taking the locks of the dead away.

``restic unlock`` goes by the time that a lock's maker wrote into it: a host whose clock is an hour
behind would lose the lock that it holds, and the data that it just saves to a prune. So a lock is
dead here if its process was one of this server's and is gone, or if it is not renewed: restic puts
a new one in its place every five minutes.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType

from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    answer,
    is_at_work,
    run,
)

RENEWED = 720.0
"""Seconds after which a lock that is still the same is nobody's: restic renews them every 300."""
PAUSE = 5.0
"""Seconds between two tries."""
LOCKED = "already locked"
"""What restic says where somebody else is at work."""


class Locks:
    """The locks of a repository, as they were seen while somebody waited for it."""

    def __init__(self, repository: Repository) -> None:
        self._repository = repository
        self._since: dict[str, float] = {}

    def remove_dead(self) -> int:
        """Take the locks of the dead away, and give how many there were.

        :raises ResticError: if one elsewhere could not be looked for.
        """
        folder = Path(self._repository.url) / "locks"
        if not folder.is_dir():  # elsewhere, where nobody but this server works
            run(self._repository, "unlock")
            return 0
        there = {path.name: path for path in folder.iterdir()}
        now = time.monotonic()
        self._since = {name: self._since.get(name, now) for name in there}
        removed = 0
        for name, path in there.items():
            if now - self._since[name] > RENEWED or self._is_dead_of_ours(name):
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _is_dead_of_ours(self, name: str) -> bool:
        try:
            lock = answer(self._repository, "cat", "--no-lock", "lock", name)
        except ResticError:
            return False  # gone meanwhile; one that cannot be read will not be renewed
        # Hosts write here too, under the names that they have: their restic is root's.
        account = self._repository.account or "root"
        if (lock.get("hostname"), lock.get("username")) != (socket.gethostname(), account):
            return False
        return not is_at_work(lock.get("pid"))


def when_free(
    repository: Repository,
    *command: str,
    patience: float,
    also: Repository | None = None,
    environment: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Run restic as soon as nobody else needs the repository, and give what it printed.

    :param patience: seconds that it may wait.
    :param also: another repository that it uses.
    :raises ResticError: if it fails, or somebody needed the repository all the time.
    """
    locks = [Locks(one) for one in (repository, also) if one is not None]
    ends = time.monotonic() + patience
    while True:
        for one in locks:
            one.remove_dead()
        try:
            return run(repository, *command, environment=environment)
        except ResticError as error:
            left = ends - time.monotonic()
            if LOCKED not in str(error):
                _leave_none(locks)
                raise
            if left <= 0:
                raise
        time.sleep(min(PAUSE, max(0.1, left)))


def _leave_none(locks: Sequence[Locks]) -> None:
    """Take the lock away of a restic that was perhaps killed: hosts are not to wait for it."""
    for one in locks:
        with suppress(ResticError):  # what is told is why it failed
            one.remove_dead()
