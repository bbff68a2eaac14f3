# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Waiting for a repository that somebody else uses, and taking the locks of the dead away.

``restic unlock`` goes by the time that a lock's maker wrote into it: a host whose clock is an hour
behind would lose the lock that it holds, and the data that it just saves to a prune. So a lock is
dead here if its process was one of ours and is gone, or if it is not renewed: restic puts a new
one in its place every five minutes.
"""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path

from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    NO_LOCK,
    Repository,
    ResticError,
    answer,
    run,
)

RENEWED = 720
"""Seconds after which a lock that is still the same is nobody's: restic renews them every 300."""
PAUSE = 5
"""Seconds between two tries."""
_LOCKED = "already locked"


class Locks:
    """The locks of a repository, as they were seen while somebody waited for it."""

    def __init__(self, repository: Repository, renewed: float = RENEWED) -> None:
        self.repository = repository
        self.renewed = renewed
        self._seen: dict[str, float] = {}

    def remove_dead(self) -> int:
        """Take the locks of the dead away, and give how many there were.

        :raises ResticError: if one elsewhere could not be looked for.
        """
        folder = Path(self.repository.url) / "locks"
        if not folder.is_dir():  # elsewhere, where nobody but this server works
            run(self.repository, "unlock")
            return 0
        there = {path.name: path for path in folder.iterdir()}
        now = time.monotonic()
        self._seen = {name: self._seen.get(name, now) for name in there}
        removed = 0
        for name, path in there.items():
            if now - self._seen[name] > self.renewed or self._is_dead_of_ours(name):
                path.unlink(missing_ok=True)
                removed += 1
        return removed

    def _is_dead_of_ours(self, name: str) -> bool:
        try:
            lock = answer(self.repository, "cat", "lock", name, *NO_LOCK)
        except ResticError:
            return False  # taken away meanwhile; if it cannot be read, it will not be renewed
        # Hosts write here too, under the names that they have: theirs are root's.
        if lock.get("hostname") != socket.gethostname():
            return False
        if lock.get("username") != (self.repository.account or "root"):
            return False
        with contextlib.suppress(OSError):
            return Path(f"/proc/{int(lock['pid'])}/comm").read_text().strip() != "restic"
        return True


def when_free(
    repository: Repository,
    *command: str,
    patience: float,
    also: Repository | None = None,
    renewed: float = RENEWED,
    environment: dict[str, str] | None = None,
    told: str = "",
) -> str:
    """Run restic, as soon as nobody else needs the repository; give what it printed.

    :param patience: seconds that it may wait.
    :param also: another repository that it uses.
    :param told: what it is told where it asks.
    :raises ResticError: if it fails, or somebody needed the repository all the time.
    """
    locks = [Locks(one, renewed) for one in (repository, also) if one is not None]
    ends = time.monotonic() + patience
    while True:
        for one in locks:
            one.remove_dead()
        try:
            return run(repository, *command, environment=environment, told=told)
        except ResticError as error:
            if _LOCKED not in str(error):
                for one in locks:
                    one.remove_dead()  # it was perhaps killed: hosts are not to wait for its lock
                raise
            if time.monotonic() >= ends:
                said = f"somebody used the repository for all of {patience:g} seconds: {error}"
                raise ResticError(error.code, said) from error
        time.sleep(min(PAUSE, max(0.1, ends - time.monotonic())))
