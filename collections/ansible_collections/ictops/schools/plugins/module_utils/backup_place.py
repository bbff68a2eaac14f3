# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Putting what was restored into its place, over nothing and through nobody's links."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PREFIX = ".ictops-restore-"
"""Of the folder that things are restored to first."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
MOST_LINKS = 40


class PlaceError(Exception):
    """It cannot be put there; says why."""


@dataclass
class Placed:
    """What became of files. Sizes are bytes.

    :ivar kept: files that were there already, and are as they were.
    """

    files: int = 0
    bytes: int = 0
    kept: int = 0


def trusted(path: str) -> str:
    """Give the path without links, of which only root's are followed.

    Restoring goes on as root in folders that belong to others: a link of theirs would lead it to
    a place of their choice.

    :raises PlaceError: if one of the folders is somebody else's link, or is none.
    """
    real, rest, links = "/", [one for one in path.split("/") if one], 0
    while rest:
        name = rest.pop(0)
        step = str(Path(real, name))
        try:
            about = os.lstat(step)
        except FileNotFoundError:
            return str(Path(step, *rest))
        if stat.S_ISLNK(about.st_mode):
            links += 1
            if about.st_uid != 0 or links > MOST_LINKS:
                raise PlaceError(f"{step} is a link that is not root's; choose another place")
            target = str(Path(step).readlink())
            if target.startswith("/"):
                real = "/"
            rest = [one for one in target.split("/") if one not in ("", ".")] + rest
        elif name == "..":
            real = str(Path(real).parent)
        elif stat.S_ISDIR(about.st_mode):
            real = step
        else:
            raise PlaceError(f"{step} is no folder; choose another place")
    return real


@contextlib.contextmanager
def staging(place: str) -> Iterator[tuple[str, int]]:
    """Give a folder of root's alone, on the file system on which ``place`` is or will be.

    :return: the folder as a path that nobody can turn elsewhere, and its descriptor.
    """
    folder = Path(place)
    while not folder.is_dir():
        folder = folder.parent
    device = folder.stat().st_dev
    while folder.parent != folder and folder.parent.stat().st_dev == device:
        folder = folder.parent
    for left in folder.glob(f"{PREFIX}*"):  # of a restore that was ended in its middle
        if left.lstat().st_uid == 0:
            shutil.rmtree(left, ignore_errors=True)
    own = tempfile.mkdtemp(prefix=PREFIX, dir=folder)
    number = os.open(own, _FOLDER)
    try:
        yield f"/proc/{os.getpid()}/fd/{number}", number
    finally:
        os.close(number)
        shutil.rmtree(own, ignore_errors=True)


def folder_of(path: str, owner: tuple[int, int]) -> int:
    """Open a folder, which is made if it is not there; gives its descriptor.

    A new one is its owner's alone, as what comes into it may have been in a folder that was; those
    above it are root's, and others can pass through them.

    :param path: as :func:`trusted` gives it.
    :raises PlaceError: if somebody puts something else in its way.
    """
    number = os.open("/", _FOLDER)
    names = [one for one in path.split("/") if one]
    for at, name in enumerate(names):
        last = at == len(names) - 1
        made = True
        try:
            os.mkdir(name, 0o700, dir_fd=number)
        except FileExistsError:
            made = False
        deeper = _open(name, number, path)
        os.close(number)
        number = deeper
        if made and last:
            os.fchown(number, *owner)
        elif made:
            os.fchmod(number, 0o711)
    return number


def put(source: int, target: int, name: str, placed: Placed, *, overwrite: bool) -> None:
    """Move a file, or a folder with all in it, from one open folder to another.

    What is there already is kept unless ``overwrite``. Folders are merged.

    :raises PlaceError: if a folder is in the way of a file, or a file in the way of a folder.
    """
    about = os.stat(name, dir_fd=source, follow_symlinks=False)
    there = _there(name, target)
    if stat.S_ISDIR(about.st_mode):
        if there is None:
            _count(name, source, placed)
            os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)
            return
        inner, outer = _open(name, source, name), _open(name, target, name)
        try:
            for entry in sorted(os.listdir(inner)):  # noqa: PTH208  # an open folder
                put(inner, outer, entry, placed, overwrite=overwrite)
        finally:
            os.close(inner)
            os.close(outer)
        return
    if there is not None and stat.S_ISDIR(there.st_mode):
        raise PlaceError(f"a folder is where the file {name!r} was")
    if there is not None and not overwrite:
        placed.kept += 1
        return
    if there is not None:
        os.rename(name, name, src_dir_fd=source, dst_dir_fd=target)
    else:
        try:  # unlike a rename this is refused if somebody else was quicker
            os.link(name, name, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)
        except FileExistsError:
            placed.kept += 1
            return
        os.unlink(name, dir_fd=source)
    placed.files += 1
    placed.bytes += about.st_size if stat.S_ISREG(about.st_mode) else 0


def _there(name: str, folder: int) -> os.stat_result | None:
    try:
        return os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


def _open(name: str, folder: int, path: str) -> int:
    try:
        return os.open(name, _FOLDER, dir_fd=folder)
    except OSError as error:
        raise PlaceError(f"{path}: {name!r} is in the way, and is no folder") from error


def _count(name: str, folder: int, placed: Placed) -> None:
    for _, _, files, number in os.fwalk(name, dir_fd=folder):
        for file in files:
            about = os.stat(file, dir_fd=number, follow_symlinks=False)
            placed.files += 1
            placed.bytes += about.st_size if stat.S_ISREG(about.st_mode) else 0
