# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bringing something back from a snapshot: beside its place first, and then into it by a rename."""

from __future__ import annotations

import difflib
import grp
import os
import posixpath
import pwd
import re
import shutil
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    answer_lines,
    literal,
    run,
)

ID = re.compile(r"[0-9a-f]{8,64}")
NEAR = 3
"""Names that are told where one is not there."""


class RestoreError(Exception):
    """It cannot be brought back; says why. Nothing was changed."""


def restore(
    repository: Repository, snapshot: str, path: str, to: str = "", overwrite: bool = False
) -> dict[str, Any]:
    """Bring a path of a snapshot back, and tell where it is.

    :param to: the folder below which it is put, with its whole path; empty for its own place.
    :raises RestoreError: if it is not in the snapshot, or something is in its place.
    :raises ResticError: if restic fails; nothing was changed then.
    """
    if not ID.fullmatch(snapshot):
        raise RestoreError(f"{snapshot!r} is no snapshot's id")
    if not _is_plain(path) or path == "/":
        raise RestoreError(f"{path!r} is no whole path of a file or folder")
    if to and not _is_plain(to):
        raise RestoreError(f"{to!r} is no whole path of a folder")
    place = Path(to + path if to else path)
    _see_place(place, to, overwrite)
    near = _nearest(place.parent)
    with tempfile.TemporaryDirectory(prefix=".ictops-restore-", dir=near) as scratch:
        _fetch(repository, snapshot, path, scratch)
        found = Path(scratch + path)
        if not os.path.lexists(found):
            raise RestoreError(_not_there(repository, snapshot, path))
        files, size = _measure(found)
        _make_parents(place.parent, to, scratch)
        _put(found, place, scratch)
    return {
        "snapshot": snapshot, "path": path, "to": str(place), "files": files, "bytes": size,
        "verified": True, "owner": _owner(place),
    }  # fmt: skip


def _is_plain(path: str) -> bool:
    return path.startswith("/") and posixpath.normpath(path) == path and not path.startswith("//")


def _see_place(place: Path, to: str, overwrite: bool) -> None:
    if os.path.lexists(place) and not overwrite:
        raise RestoreError(f"{place} is there, and is not overwritten unless that is asked for")
    near = _nearest(place.parent)
    if to and Path(to).exists() and not os.path.realpath(near).startswith(os.path.realpath(to)):
        # A link in the folder would lead out of it.
        raise RestoreError(f"{near} leads out of {to}")


def _nearest(folder: Path) -> Path:
    """Give the folder itself, or the nearest one above it that is there: the same file system."""
    while not folder.is_dir():
        if os.path.lexists(folder):
            raise RestoreError(f"{folder} is no folder")
        folder = folder.parent
    return folder


def _fetch(repository: Repository, snapshot: str, path: str, scratch: str) -> None:
    """Restore into a folder, and have restic read it back."""
    words = ("restore", "--no-lock", snapshot, "--target", scratch, "--include", literal(path))
    run(repository, *words, "--verify")


def _not_there(repository: Repository, snapshot: str, path: str) -> str:
    """Say that a path is not in a snapshot, and what comes near to it."""
    said = f"{path} is not in snapshot {snapshot[:8]}"
    names: list[str] = []
    with suppress(ResticError):
        listed = answer_lines(repository, "ls", "--no-lock", snapshot, posixpath.dirname(path))
        names = [str(one["path"]) for one in listed if one.get("struct_type") == "node"]
    near = difflib.get_close_matches(path, names, n=NEAR)
    return f"{said}; near to it: {', '.join(near)}" if near else said


def _measure(found: Path) -> tuple[int, int]:
    """Give how many files there are, and their bytes."""
    if found.is_symlink() or not found.is_dir():
        return 1, found.lstat().st_size
    files, size = 0, 0
    for folder, _, names in os.walk(found):
        files += len(names)
        size += sum(Path(folder, name).lstat().st_size for name in names)
    return files, size


def _make_parents(folder: Path, to: str, scratch: str) -> None:
    """Make the folders that are missing: as they were backed up, below one that is root's alone."""
    missing = []
    while not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        one.mkdir(mode=0o700)
        inside = str(one)[len(to) :] if to else str(one)
        source = Path(scratch + inside)
        if str(one).startswith(to) and inside and source.is_dir():
            was = source.stat()
            os.chown(one, was.st_uid, was.st_gid)
            one.chmod(stat.S_IMODE(was.st_mode))


def _put(found: Path, place: Path, scratch: str) -> None:
    """Rename what was restored into its place; what is there goes when the new one has come."""
    if not os.path.lexists(place):
        found.rename(place)
        return
    if place.is_dir() and not place.is_symlink():
        old = Path(scratch, ".old")
        place.rename(old)
        try:
            found.rename(place)
        except OSError:
            old.rename(place)
            raise
        shutil.rmtree(old)
    else:
        found.replace(place)


def _owner(place: Path) -> str:
    found = place.lstat()
    user, group = str(found.st_uid), str(found.st_gid)
    with suppress(KeyError):
        user = pwd.getpwuid(found.st_uid).pw_name
    with suppress(KeyError):
        group = grp.getgrgid(found.st_gid).gr_name
    return f"{user}:{group}"
