# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A sample of what is backed up, by which a drill proves the backup one day."""

from __future__ import annotations

import hashlib
import os
import random
import stat
from collections.abc import Iterable
from dataclasses import dataclass

TRIES = 8
"""For each file of a sample: a walk may end in an empty folder, or at a link."""
MOST_BYTES = 256 * 1024 * 1024
"""Of a sample; what is larger than what is left of that is not taken into it."""
PIECE = 1024 * 1024


@dataclass(frozen=True)
class Seen:
    """A file as it was.

    :ivar state: by which a change is noticed, though its size and time were set back.
    """

    path: str
    size: int
    sha256: str
    state: tuple[int, ...]


def sample_of(paths: list[str], most: int, chance: random.Random) -> list[Seen]:
    """Read some files, chosen by chance.

    Each is found by a walk from one of the paths downwards: in a tree of a million files that
    costs as much as in one of a hundred. Files in small folders come up more often than others.

    :param paths: files and folders, which are not links.
    :param most: how many files at most.
    """
    found: dict[str, Seen] = {}
    left = MOST_BYTES
    for _ in range(TRIES * most):
        if len(found) == most:
            break
        path = _walk(chance.choice(paths), chance)
        if path is None or path in found:
            continue
        seen = look(path, left)
        if seen is not None:
            found[path] = seen
            left -= seen.size
    return list(found.values())


def unchanged(sample: Iterable[Seen]) -> list[Seen]:
    """Give those that are as they were, to the inode and the time of its last change."""
    return [seen for seen in sample if _state(seen.path) == seen.state]


def look(path: str, most: int) -> Seen | None:
    """Read a file; None if it is none, has changed meanwhile, or has more bytes than ``most``."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode) or before.st_size > most:
                return None
            digest, size = hashlib.sha256(), 0
            while size <= most and (piece := file.read(PIECE)):
                digest.update(piece)
                size += len(piece)
            after = os.fstat(file.fileno())
    except OSError:
        return None  # gone, or not for us: restic says so if it is
    if size != before.st_size or _of(before) != _of(after):
        return None
    return Seen(path, size, digest.hexdigest(), _of(before))


def _walk(path: str, chance: random.Random) -> str | None:
    while True:
        try:
            with os.scandir(path) as entries:
                # Reading type and name costs no look at each file.
                inside = [
                    (entry.path, entry.is_dir(follow_symlinks=False))
                    for entry in entries
                    if entry.is_file(follow_symlinks=False) or entry.is_dir(follow_symlinks=False)
                ]
        except NotADirectoryError:
            return path
        except OSError:
            return None
        if not inside:
            return None
        path, is_folder = chance.choice(inside)
        if not is_folder:
            break
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return None  # restic's own lists cannot name it
    return path


def _state(path: str) -> tuple[int, ...] | None:
    try:
        return _of(os.lstat(path))
    except OSError:
        return None


def _of(about: os.stat_result) -> tuple[int, ...]:
    return (
        about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns,
    )  # fmt: skip
