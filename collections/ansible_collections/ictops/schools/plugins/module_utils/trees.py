# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All that is in a folder: what it is, and taking away what has not changed since that was seen.

Others may work in it meanwhile. So every folder is opened, and never reached by its path.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.ictops.schools.plugins.module_utils.hashed import sha256_of
from ansible_collections.ictops.schools.plugins.module_utils.staging import open_in, path_of

ATTRIBUTES = ("user.", "system.posix_acl_")
"""Extended attributes that belong to whoever made a file; others are the system's."""
State = tuple[int, ...]


class Changed(Exception):
    """Something is not what it was; says what."""


@dataclass(frozen=True)
class Entry:
    """A file, folder or link.

    :ivar path: from the top of the tree on, with a slash before it; empty for the top itself.
    :ivar what: all that a backup keeps of it.
    :ivar state: changes with everything that is done to it.
    """

    path: str
    what: tuple[Any, ...]
    state: State

    @property
    def is_kept(self) -> bool:
        """Say whether a backup keeps it: a socket is nothing without its program."""
        return not stat.S_ISSOCK(self.what[0])


def seen_in(folder: int, name: str, path: str = "") -> Iterator[Entry]:
    """Give an entry of an open folder and all that is below it; no link is followed.

    :raises Changed: if something goes, or becomes something else, while it is looked at.
    """
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        yield Entry(path, _what(folder, name, found), _state(found))
        if stat.S_ISDIR(found.st_mode):
            deeper = open_in(folder, name, path)
            try:
                for one in os.listdir(deeper):  # noqa: PTH208 - an open folder
                    yield from seen_in(deeper, one, f"{path}/{one}")
            finally:
                os.close(deeper)
    except FileNotFoundError as error:
        raise Changed(f"{path or name} went meanwhile") from error


def remove(folder: int, name: str, seen: Mapping[str, State], path: str = "") -> None:
    """Take an entry of an open folder away, with all that is below it.

    :param seen: the states by their paths, as they were when all of it was seen.
    :raises Changed: if something came or changed since, or is a file system of its own: it stays.
    """
    found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if not stat.S_ISDIR(found.st_mode):
        if seen.get(path) != _state(found):
            raise Changed(f"{path or name} changed meanwhile")
        os.unlink(name, dir_fd=folder)
        return
    if path not in seen:
        raise Changed(f"{path} came meanwhile")
    deeper = open_in(folder, name, path or name)
    try:
        if _mount(deeper) != _mount(folder):
            raise Changed(f"{path or name} was mounted meanwhile")
        for one in os.listdir(deeper):  # noqa: PTH208 - an open folder
            remove(deeper, one, seen, f"{path}/{one}")
    finally:
        os.close(deeper)
    try:
        os.rmdir(name, dir_fd=folder)
    except OSError as error:
        raise Changed(f"{path or name} has something new in it, or another place") from error


def _what(folder: int, name: str, found: os.stat_result) -> tuple[Any, ...]:
    own = f"{path_of(folder)}/{name}"
    about = (found.st_mode, found.st_uid, found.st_gid)
    if stat.S_ISLNK(found.st_mode):
        return (*about, os.readlink(name, dir_fd=folder))
    kept = _attributes(own)
    if stat.S_ISREG(found.st_mode):
        return (*about, kept, found.st_size, found.st_mtime_ns, _hash(folder, name))
    if stat.S_ISDIR(found.st_mode):
        return (*about, kept)
    return (*about, found.st_rdev)


def _attributes(path: str) -> tuple[tuple[str, bytes], ...]:
    names = [one for one in os.listxattr(path, follow_symlinks=False) if one.startswith(ATTRIBUTES)]
    return tuple((one, os.getxattr(path, one, follow_symlinks=False)) for one in sorted(names))


def _hash(folder: int, name: str) -> str:
    number = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    with os.fdopen(number, "rb") as file:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise Changed(f"{name} became something else meanwhile")
        return sha256_of(file)


def _state(found: os.stat_result) -> State:
    return (
        found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns,
    )  # fmt: skip


def _mount(folder: int) -> str:
    """Give the number of the mount that an open folder is in (proc_pid_fdinfo(5))."""
    text = Path(f"/proc/self/fdinfo/{folder}").read_text(encoding="utf-8")
    return next(line.split()[1] for line in text.splitlines() if line.startswith("mnt_id:"))
