# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Comparing all of a snapshot with what is there, by hash, and taking that away."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    NO_LOCK,
    SHOWN,
    Repository,
    ResticError,
)

PIECE = 1024 * 1024
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
TOLD = 5
"""Differences that are named."""


@dataclass
class Compared:
    """What is there, as it is in the snapshot too. Sizes are bytes.

    :ivar states: of each path, by which a change since then is noticed.
    """

    files: int = 0
    bytes: int = 0
    states: dict[str, tuple[int, ...]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)


def restored(repository: Repository, snapshot: str) -> dict[str, tuple[str, ...]]:
    """Restore all of a snapshot, and give what it has: by path its type and hash, or target.

    It is read from the repository and written nowhere, so no second room is needed for it.

    :raises ResticError: if any of it cannot be read.
    """
    found: dict[str, tuple[str, ...]] = {}
    with tempfile.TemporaryFile() as complained:
        restic = subprocess.Popen(
            repository.words("dump", *NO_LOCK, "--", snapshot, "/"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=complained,
            **repository.process(),
        )
        broken = ""
        try:
            with tarfile.open(fileobj=restic.stdout, mode="r|", errors="surrogateescape") as tar:
                for one in tar:
                    found["/" + one.name.strip("/")] = _entry(tar, one)
        except tarfile.TarError as error:
            broken = f"what restic gives cannot be read: {error}"
            restic.kill()
        finally:
            restic.stdout.close()
            code = restic.wait()
        if code != 0 or broken:
            complained.seek(0)
            said = complained.read().decode("utf-8", "replace").strip()[-SHOWN:]
            raise ResticError(code, broken or said or "restic said nothing")
    return found


def compare(paths: list[str], there: dict[str, tuple[str, ...]]) -> Compared:
    """Compare what is at these paths with what was restored.

    Sockets, pipes and devices hold nothing that could be lost.
    """
    compared = Compared()
    for path in paths:
        above = os.open(Path(path).parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _compare(path, Path(path).name, above, there, compared)
        finally:
            os.close(above)
    return compared


def take_away(path: str, states: dict[str, tuple[int, ...]]) -> list[str]:
    """Take away what was compared and has not changed since; give what is left."""
    above = os.open(Path(path).parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    left: list[str] = []
    try:
        _take_away(path, Path(path).name, above, states, left, set())
    finally:
        os.close(above)
    return left


def _entry(tar: tarfile.TarFile, one: tarfile.TarInfo) -> tuple[str, ...]:
    if one.isreg():
        digest = hashlib.sha256()
        with contextlib.closing(tar.extractfile(one)) as file:
            while piece := file.read(PIECE):
                digest.update(piece)
        return ("file", digest.hexdigest())
    if one.issym():
        return ("link", one.linkname)
    return ("folder",) if one.isdir() else ("other",)


def _compare(
    path: str,
    name: str,
    folder: int,
    there: dict[str, tuple[str, ...]],
    compared: Compared,
) -> None:
    about = os.stat(name, dir_fd=folder, follow_symlinks=False)
    compared.states[path] = _state(about)
    if stat.S_ISDIR(about.st_mode):
        if there.get(path) != ("folder",):
            compared.differences.append(path)
        number = os.open(name, _FOLDER, dir_fd=folder)
        try:
            for entry in sorted(os.listdir(number)):  # noqa: PTH208  # an open folder
                _compare(f"{path}/{entry}", entry, number, there, compared)
        finally:
            os.close(number)
    elif stat.S_ISREG(about.st_mode):
        compared.files += 1
        compared.bytes += about.st_size
        if there.get(path) != ("file", _hash(name, folder)):
            compared.differences.append(path)
    elif stat.S_ISLNK(about.st_mode):
        compared.files += 1
        if there.get(path) != ("link", os.readlink(name, dir_fd=folder)):
            compared.differences.append(path)


def _take_away(
    path: str,
    name: str,
    folder: int,
    states: dict[str, tuple[int, ...]],
    left: list[str],
    unlinked: set[tuple[int, ...]],
) -> None:
    about = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISDIR(about.st_mode):
        if states.get(path, (0, 0))[:2] != _state(about)[:2]:
            left.append(path)
            return
        number = os.open(name, _FOLDER, dir_fd=folder)
        try:
            for entry in os.listdir(number):  # noqa: PTH208  # an open folder
                _take_away(f"{path}/{entry}", entry, number, states, left, unlinked)
        finally:
            os.close(number)
        try:
            os.rmdir(name, dir_fd=folder)
        except OSError:
            left.append(path)
        return
    was, now = states.get(path), _state(about)
    if was is not None and now[:2] in unlinked:  # the time of its change is of our own doing
        was, now = was[:-1], now[:-1]
    if was == now:
        os.unlink(name, dir_fd=folder)
        unlinked.add(now[:2])
    else:
        left.append(path)


def _hash(name: str, folder: int) -> str:
    digest = hashlib.sha256()
    with os.fdopen(os.open(name, _FILE, dir_fd=folder), "rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _state(about: os.stat_result) -> tuple[int, ...]:
    return (
        about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns,
    )  # fmt: skip
