# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the modules that work on a host's backups have in common."""

from __future__ import annotations

import contextlib
import fcntl
import re
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
"""Of a repository, a set or an archive."""
SNAPSHOT = re.compile(r"[0-9a-f]{8,64}\Z")
FOLDER = Path("/etc/ictops-backup")
"""Where the role keeps what a host reaches its repository with."""
LOCK = Path("/run/ictops-backup.lock")

REPOSITORY_OPTIONS = {
    "repository": {"type": "str", "required": True},
    "repository_url": {"type": "str", "default": "rclone:"},
    "repository_options": {
        "type": "list",
        "elements": "str",
        "default": [
            f"rclone.program=ssh -F {FOLDER}/ssh_config backup-server",
            "rclone.timeout=2m",
        ],
    },
    "password_file": {"type": "path", "default": str(FOLDER / "password"), "no_log": False},
}


class Busy(Exception):
    """Another backup of this host is at work."""


def repository_of(module) -> Repository:
    """Give the repository that a module was given; fails if its name is none."""
    given = module.params
    if not NAME.match(given["repository"]):
        module.fail_json(msg=f"{given['repository']!r} is no name of a repository")
    return Repository(
        url=given["repository_url"],
        password_file=given["password_file"],
        options=tuple(given["repository_options"]),
    )


@contextlib.contextmanager
def alone(lock: Path = LOCK) -> Iterator[None]:
    """Be the only one that backs this host up: one that lost its connection may go on.

    :raises Busy: if there is another.
    """
    with lock.open("a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Busy("another backup of this host is at work; wait until it is over") from error
        yield
