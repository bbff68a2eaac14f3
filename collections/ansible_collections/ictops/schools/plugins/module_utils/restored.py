# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bringing something back from a snapshot: beside its place first, and then into it by a rename."""

from __future__ import annotations

import difflib
import errno
import grp
import os
import posixpath
import pwd
import re
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.ictops.schools.plugins.module_utils.placed import put
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    NO_LOCK,
    Repository,
    ResticError,
    answer_lines,
    literal,
    run,
)
from ansible_collections.ictops.schools.plugins.module_utils.staging import (
    FOLDER,
    PlaceError,
    Reached,
    names_of,
    open_in,
    path_of,
    reach,
    shown_size,
    staged,
)

ID = re.compile(r"[0-9a-f]{8,64}")
NEAR = 3
"""Names that are told where one is not there."""
PREFIX = ".ictops-restore-"
DUMPS = ("postgresql", "mariadb", "samba")
"""Kinds of sets whose snapshots hold what was never a file of the host."""
UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""What restic says in its answers for each byte of a name that is no UTF-8."""
ODD = re.compile("[\udc80-\udcff]")
"""Such bytes in Python's own names."""


class RestoreError(Exception):
    """It cannot be brought back; says why. Nothing was changed."""


@dataclass(frozen=True)
class Held:
    """What a snapshot says of itself: its whole id, and the kind of its set."""

    id: str
    kind: str


def restore(
    repository: Repository, snapshot: str, path: str, to: str = "", overwrite: bool = False
) -> dict[str, Any]:
    """Bring a path of a snapshot back, and tell where it is.

    :param to: the folder below which it is put, with its whole path; empty for its own place.
    :raises RestoreError: if it is not in the snapshot, or there is no room for it.
    :raises PlaceError: if something is in its place.
    :raises ResticError: if restic fails; nothing was changed then.
    """
    if not ID.fullmatch(snapshot):
        raise RestoreError(f"{snapshot!r} is no snapshot's id")
    if not _is_plain(path) or path == "/":
        raise RestoreError(f"{path!r} is no whole path of a file or folder")
    if to and not _is_plain(to):
        raise RestoreError(f"{to!r} is no whole path of a folder")
    held = _look(repository, snapshot, path)
    if held.kind in DUMPS and not to:
        raise RestoreError(f"{path} is a dump, and was no file of the host: say where to put it")
    near = reach(to or posixpath.dirname(path))
    try:
        with staged(near.folder, PREFIX) as scratch:
            _fetch(repository, held.id, path, scratch, near.path)
            chosen = _choose(scratch, path)
            found = Path(path_of(scratch), *chosen)
            about = found.lstat()
            files, size = (1, about.st_size) if not _is_folder(found) else shown_size(found)
            place = (
                _put_below(scratch, near, to, chosen, overwrite)
                if to
                else _put_back(scratch, chosen, overwrite)
            )
    finally:
        os.close(near.folder)
    return {
        "snapshot": held.id, "path": path, "to": place, "files": files, "bytes": size,
        "verified": True, "owner": _owner(about),
    }  # fmt: skip


def _is_plain(path: str) -> bool:
    return (
        path.startswith("/") and posixpath.normpath(path) == path and not path.startswith("//")
        and "\0" not in path
    )  # fmt: skip


def _is_folder(found: Path) -> bool:
    return found.is_dir() and not found.is_symlink()


def _look(repository: Repository, snapshot: str, path: str) -> Held:
    """See that a path is in a snapshot.

    :raises RestoreError: if it is not, with the names that come near to it.
    """
    above = posixpath.dirname(path)
    said, nodes = _listed(repository, snapshot, above)
    held = Held(said["id"], _kind(said))
    asked = _said(path)
    if asked in nodes or UNKNOWN in _said(above):  # restic knows its bytes alone
        return held
    while not nodes and above != "/":
        above, path = posixpath.dirname(above), above
        _, nodes = _listed(repository, snapshot, above)
    near = difflib.get_close_matches(_said(path), nodes, n=NEAR, cutoff=0.0)
    text = f"{asked!r} is not in snapshot {snapshot[:8]}"
    names = ", ".join(repr(one) for one in near)
    raise RestoreError(f"{text}; nearest to it: {names}" if near else f"{text}, which has nothing")


def _listed(repository: Repository, snapshot: str, folder: str) -> tuple[dict[str, Any], list[str]]:
    """Give what a snapshot says of itself, and the paths in a folder of it."""
    told = answer_lines(repository, "ls", *NO_LOCK, "--", snapshot, folder)
    if not told:  # restic 0.14 says so on its error output, and ends as if all were well
        raise RestoreError(f"there is no snapshot {snapshot[:8]}")
    said, *nodes = told
    paths = [str(one["path"]) for one in nodes]
    return said, [one for one in paths if posixpath.dirname(one) == _said(folder)]


def _kind(said: dict[str, Any]) -> str:
    tags = dict(tag.partition("=")[::2] for tag in said.get("tags") or ())
    return str(tags.get("kind", ""))


def _said(path: str) -> str:
    """Give a path as restic says it."""
    return ODD.sub(UNKNOWN, path)


def _fetch(repository: Repository, snapshot: str, path: str, scratch: int, shown: str) -> None:
    """Restore into an open folder, and have restic read it back."""
    target = path_of(scratch)
    pattern = literal(path).replace(UNKNOWN, "?")
    words = ("restore", *NO_LOCK, "--verify", f"--target={target}", f"--include={pattern}")
    try:
        run(repository, *words, "--", snapshot)
    except ResticError as error:
        said = str(error).replace(target, "")
        if os.strerror(errno.ENOSPC).lower() in said.lower():
            raise RestoreError(
                f"there is no room for it on the disk of this host that has {shown}. Make some, "
                "or choose a folder on another disk; nothing was changed"
            ) from error
        raise ResticError(error.code, said) from error


def _choose(scratch: int, path: str) -> list[str]:
    """Give the names of a restored path as they are; what else fitted the pattern goes.

    :raises RestoreError: if none is there, or several could be meant.
    """
    chosen: list[str] = []
    for name in names_of(path):
        folder = Path(path_of(scratch), *chosen)
        there = [one.name for one in folder.iterdir()]
        meant = [one for one in there if one == name] or [
            one for one in there if _said(one) == _said(name)
        ]
        if not meant:
            raise RestoreError(f"{_said(path)!r} is not in the snapshot")
        if len(meant) > 1:
            raise RestoreError(
                f"{len(meant)} files are called {name!r}, as far as can be told: bring the folder "
                f"back that they are in, {_said(posixpath.dirname(path))!r}"
            )
        for other in set(there) - set(meant):
            beside = folder / other
            shutil.rmtree(beside) if _is_folder(beside) else beside.unlink()
        chosen += meant
    return chosen


def _put_back(scratch: int, chosen: list[str], overwrite: bool) -> str:
    """Put it where it was, with the folders above it that are gone, as they were."""
    near = reach("/" + "/".join(chosen[:-1]))
    source = -1
    try:
        at = len(chosen) - 1 - len(near.missing)
        if at < 0 or tuple(chosen[at:-1]) != near.missing:
            raise PlaceError(f"a link leads from its place to {near.path}, where more is missing")
        source = _down(scratch, chosen[:at])
        shown = posixpath.join(near.path, chosen[at])
        put(source, near.folder, chosen[at], shown, overwrite=overwrite)
    finally:
        for folder in (source, near.folder):
            if folder >= 0:
                os.close(folder)
    return "/" + "/".join(chosen)


def _put_below(scratch: int, near: Reached, to: str, chosen: list[str], overwrite: bool) -> str:
    """Put it below a folder with its whole path; no link in that folder is followed."""
    source, target, shown = os.dup(scratch), os.dup(near.folder), near.path
    try:
        for name in near.missing:
            shown = posixpath.join(shown, name)
            os.mkdir(name, 0o700, dir_fd=target)
            target = _deeper(target, name, shown)
        shown = to
        for name in chosen[:-1]:
            shown = posixpath.join(shown, name)
            try:
                target = _deeper(target, name, shown)
            except FileNotFoundError:
                put(source, target, name, shown, overwrite=False)
                break
            source = _deeper(source, name, shown)
        else:
            shown = posixpath.join(shown, chosen[-1])
            put(source, target, chosen[-1], shown, overwrite=overwrite)
    finally:
        os.close(source)
        os.close(target)
    return posixpath.join(to, *chosen)


def _deeper(folder: int, name: str, shown: str) -> int:
    """Open a folder in an open one, which is closed then."""
    deeper = open_in(folder, name, shown)
    os.close(folder)
    return deeper


def _down(folder: int, names: list[str]) -> int:
    return os.open(Path(path_of(folder), *names), FOLDER)


def _owner(found: os.stat_result) -> str:
    user, group = str(found.st_uid), str(found.st_gid)
    with suppress(KeyError):
        user = pwd.getpwuid(found.st_uid).pw_name
    with suppress(KeyError):
        group = grp.getgrgid(found.st_gid).gr_name
    return f"{user}:{group}"


__all__ = ["PlaceError", "RestoreError", "restore"]
