# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Folders held open: what is done in them is done there, whatever their owners rename meanwhile.

Backups are restored and taken away by root in folders that belong to pupils. A path can be turned
elsewhere between a look and a deed, by a link or a rename; an open folder cannot.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MOST_LINKS = 40
"""As many as Linux follows in one path."""


class PlaceError(Exception):
    """Something is in the way; says what and what to do. Nothing was changed."""


@dataclass(frozen=True)
class Reached:
    """How far a path is there.

    :ivar folder: the last folder that is there, open; its taker closes it.
    :ivar path: that folder's path without links.
    :ivar missing: the names after it.
    """

    folder: int
    path: str
    missing: tuple[str, ...]


def names_of(path: str) -> list[str]:
    """Give the names that a whole path is made of."""
    return [name for name in path.split("/") if name]


def reach(path: str) -> Reached:
    """Open the folders of a whole path as far as they are there.

    Links are followed only where root made them and nobody else can put others in their place.

    :raises PlaceError: if a folder is somebody else's link, or no folder.
    """
    folder, real, left, links = os.open("/", FOLDER), "/", names_of(path), 0
    try:
        while left:
            name, here = left[0], f"{real.rstrip('/')}/{left[0]}"
            try:
                found = os.stat(name, dir_fd=folder, follow_symlinks=False)
            except FileNotFoundError:
                break
            left = left[1:]
            if stat.S_ISLNK(found.st_mode):
                links += 1
                if links > MOST_LINKS:
                    _refuse(here, "one of too many links")
                if found.st_uid != 0 or not _is_roots(folder):
                    _refuse(here, "a link that is not root's")
                target = os.readlink(name, dir_fd=folder)
                if ".." in target.split("/"):
                    _refuse(here, "a link with '..' in it")
                left = [one for one in names_of(target) if one != "."] + left
                if target.startswith("/"):
                    os.close(folder)
                    folder, real = os.open("/", FOLDER), "/"
                continue
            deeper = open_in(folder, name, here)
            os.close(folder)
            folder, real = deeper, here
    except BaseException:
        os.close(folder)
        raise
    return Reached(folder, real, tuple(left))


def open_in(folder: int, name: str, shown: str) -> int:
    """Open a folder in an open one; no link is followed.

    :param shown: its path, for a person.
    :raises PlaceError: if it is no folder.
    """
    try:
        return os.open(name, FOLDER, dir_fd=folder)
    except NotADirectoryError as error:
        raise PlaceError(f"{shown} is in the way: it is no folder") from error


@contextlib.contextmanager
def staged(folder: int, prefix: str) -> Iterator[int]:
    """Give a new folder of root's alone in an open one, itself open; it is gone afterwards.

    What a run that was killed has left there goes, too; one that is in use is locked.
    """
    _sweep(folder, prefix)
    name = f"{prefix}{secrets.token_hex(8)}"
    os.mkdir(name, 0o700, dir_fd=folder)
    own = os.open(name, FOLDER, dir_fd=folder)
    try:
        fcntl.flock(own, fcntl.LOCK_EX)
        yield own
    finally:
        try:
            empty(own)
            _away(folder, name, own)
        finally:
            os.close(own)


def empty(folder: int) -> None:
    """Take away all that is in an open folder."""
    for name in os.listdir(folder):
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
        if stat.S_ISDIR(found.st_mode):
            shutil.rmtree(f"{path_of(folder)}/{name}")
        else:
            os.unlink(name, dir_fd=folder)


def path_of(folder: int) -> str:
    """Give a path to an open folder that leads nowhere else, for a program that needs one."""
    return f"/proc/{os.getpid()}/fd/{folder}"


def _refuse(here: str, what: str) -> NoReturn:
    raise PlaceError(f"{here} is {what}; choose another place")


def _is_roots(folder: int) -> bool:
    found = os.fstat(folder)
    return found.st_uid == 0 and not (found.st_mode & 0o022 and not found.st_mode & stat.S_ISVTX)


def _sweep(folder: int, prefix: str) -> None:
    names = [one for one in os.listdir(folder) if one.startswith(prefix)]
    for name in names:
        try:
            left = os.open(name, FOLDER, dir_fd=folder)
        except OSError:  # somebody's own file or link of that name
            continue
        try:
            if os.fstat(left).st_uid == 0:
                fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
                empty(left)
                _away(folder, name, left)
        except BlockingIOError:  # another restore is at work in it
            continue
        finally:
            os.close(left)


def _away(folder: int, name: str, own: int) -> None:
    """Take an empty folder away, unless its parent's owner has moved it: then it is theirs."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        if os.path.samestat(os.stat(name, dir_fd=folder, follow_symlinks=False), os.fstat(own)):
            os.rmdir(name, dir_fd=folder)


def shown_size(path: Path) -> tuple[int, int]:
    """Give how many files there are below a path, and their bytes; no link is followed."""
    files, size = 0, 0
    for folder, names, others in os.walk(path):
        links = [name for name in names if Path(folder, name).is_symlink()]
        for name in (*others, *links):
            found = os.lstat(Path(folder, name))
            files += 1
            size += found.st_size if stat.S_ISREG(found.st_mode) else 0
    return files, size
