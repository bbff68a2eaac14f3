# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A sample of what is backed up: what some files were, so that a drill can compare them."""

from __future__ import annotations

import hashlib
import os
import random
import stat
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

LARGEST = 64 << 20
"""Bytes: a file that is larger would cost a backup, and a drill, too much."""
TRIES = 20
"""How often it is looked for a file, for each one that is wanted."""
DEEPEST = 64
BLOCK = 1 << 20


@dataclass(frozen=True)
class Seen:
    """A file as it was before the backup; ``sha256`` in hexadecimal."""

    path: str
    size: int
    sha256: str
    state: tuple[int, ...]


def take(paths: Sequence[str], many: int) -> list[Seen]:
    """Look at some files below these paths, chosen by chance.

    Each is found by going down from a path by chance: to look at all that there is would take as
    long as the backup. Files whose names are no text are left out.
    """
    chance = random.SystemRandom()
    seen: dict[str, Seen] = {}
    for _ in range(many * TRIES):
        if len(seen) >= many:
            break
        found = _down(chance.choice(list(paths)), chance)
        if found and found not in seen:
            one = _look(found)
            if one is not None:
                seen[found] = one
    return list(seen.values())


def still_so(seen: Seen) -> bool:
    """Say whether a file was not touched since it was looked at."""
    try:
        return _state(os.lstat(seen.path)) == seen.state
    except OSError:
        return False


def _down(path: str, chance: random.Random) -> str:
    """Go down from a path by chance, and give the file where that ends, or nothing."""
    for _ in range(DEEPEST):
        try:
            if not stat.S_ISDIR(os.lstat(path).st_mode):
                return path
            names = [one.name for one in Path(path).iterdir()]
        except OSError:
            return ""
        if not names:
            return ""
        path = f"{path.rstrip('/')}/{chance.choice(names)}"
    return ""


def _look(path: str) -> Seen | None:
    """Read a file, and nothing that somebody puts in its place meanwhile: a pipe never ends."""
    try:
        path.encode()
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(opened, "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
                return None
            hashed, size = hashlib.sha256(), 0
            while size <= LARGEST and (data := file.read(BLOCK)):
                hashed.update(data)
                size += len(data)
    except (OSError, UnicodeEncodeError):
        return None
    return Seen(path, size, hashed.hexdigest(), _state(found)) if size == found.st_size else None


def _state(found: os.stat_result) -> tuple[int, ...]:
    return (
        found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns,
    )  # fmt: skip
