# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An archive: backed up, restored, compared, and only then taken away."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.ictops.schools.plugins.module_utils.made import of_folders, whole_id
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    NO_LOCK,
    Repository,
    run,
)
from ansible_collections.ictops.schools.plugins.module_utils.staging import (
    FOLDER,
    Reached,
    path_of,
    reach,
    staged,
)
from ansible_collections.ictops.schools.plugins.module_utils.trees import (
    Changed,
    State,
    remove,
    seen_in,
)

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
PREFIX = ".ictops-archive-"
SHOWN = 3


class ArchiveError(Exception):
    """It is not archived, or not taken away; says why. Nothing was removed that is not kept."""


@dataclass(frozen=True)
class Place:
    """A path of the host, in an open folder."""

    path: str
    above: Reached

    @property
    def name(self) -> str:
        """Give its last part."""
        return posixpath.basename(self.path)


def archive(
    repository: Repository,
    host: str,
    name: str,
    paths: Sequence[str],
    told: MutableMapping[str, Any],
    *,
    away: bool = False,
    scratch: str,
) -> None:
    """Archive paths.

    :param host: as the inventory calls it.
    :param told: is given what came of it, also as far as it came if it failed: what is in the
        repository is to be deleted one day.
    :param away: whether they are taken away from the host afterwards.
    :param scratch: a folder with room for all of it.
    :raises ArchiveError: if they are not there, or what was restored is not the same.
    :raises PlaceError: if a link that is not root's leads to one.
    :raises ResticError: if restic fails.
    """
    if not NAME.fullmatch(name):
        raise ArchiveError(f"{name!r} cannot be an archive's name")
    with ExitStack() as opened:
        places = [_place(path, opened) for path in paths]
        if away:
            for one in places:
                _see_no_mounts(one.path)
        tags = (f"archive={name}", f"set={name}", "class=archive", "kind=folders")
        said = [word for tag in tags for word in ("--tag", tag)]
        made = of_folders(repository, ["backup", "--json", "--host", host, *said, "--", *paths])
        told |= {
            "snapshot": whole_id(repository, made.snapshot), "files": made.files,
            "bytes": made.bytes, "verified": False, "removed": [],
        }  # fmt: skip
        if made.unread:
            raise ArchiveError(f"could not be read: {_some(made.unread)}. Nothing was removed")
        try:
            states = _proved(repository, told["snapshot"], places, scratch)
            told["verified"] = True
            for one, state in zip(places, states) if away else ():  # noqa: B905 - Python 3.9
                remove(one.above.folder, one.name, state)
                told["removed"].append(one.path)
        except Changed as error:
            raise ArchiveError(
                f"{error}. What was removed is in the archive; do it again later"
            ) from error
        except RecursionError as error:
            raise ArchiveError("its folders are too deep in each other") from error


def _place(path: str, opened: ExitStack) -> Place:
    if not path.startswith("/") or os.path.normpath(path) != path or path in ("/", "//"):
        raise ArchiveError(f"{path!r} is no whole path of a folder or file")
    above = reach(posixpath.dirname(path))
    opened.callback(os.close, above.folder)
    if above.missing or not os.path.lexists(f"{path_of(above.folder)}/{posixpath.basename(path)}"):
        raise ArchiveError(f"{path} is not there")
    return Place(path, above)


def _see_no_mounts(path: str) -> None:
    """See that no other file system is mounted at a path or below it (proc_pid_mountinfo(5))."""
    real = os.fsencode(os.path.realpath(path))
    lines = Path("/proc/self/mountinfo").read_bytes().splitlines()
    mounted = [_plain(line.split()[4]) for line in lines]
    inside = [one for one in mounted if one == real or one.startswith(real + b"/")]
    if inside:
        raise ArchiveError(
            f"{os.fsdecode(inside[0])} is a file system of its own, and is not taken away: "
            f"unmount it, or archive {path} without '--remove'. Nothing was archived"
        )


def _plain(text: bytes) -> bytes:
    r"""Give a path of the kernel's, which writes blanks and such as \040."""
    return re.sub(rb"\\([0-7]{3})", lambda found: bytes([int(found[1], 8)]), text)


def _proved(
    repository: Repository, snapshot: str, places: Sequence[Place], scratch: str
) -> list[Mapping[str, State]]:
    """Restore all of it, compare it, and give the state in which each thing was compared."""
    near = reach(scratch)
    try:
        with staged(near.folder, PREFIX) as folder:
            run(repository, "restore", *NO_LOCK, "--target", path_of(folder), "--", snapshot)
            return [_same(one, path_of(folder)) for one in places]
    finally:
        os.close(near.folder)


def _same(one: Place, copies: str) -> Mapping[str, State]:
    here = {each.path: each for each in seen_in(one.above.folder, one.name)}
    copy = os.open(copies + posixpath.dirname(one.path), FOLDER)
    try:
        there = {each.path: each.what for each in seen_in(copy, one.name)}
    finally:
        os.close(copy)
    wrong = [path for path, each in here.items() if each.is_kept and there.get(path) != each.what]
    if wrong:
        raise ArchiveError(
            "what was archived is not what is there, perhaps as somebody is at work in it: "
            f"{_some([one.path + path for path in wrong])}. Nothing was removed; do it again later"
        )
    return {path: each.state for path, each in here.items()}


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if names[SHOWN:] else ""
    return ", ".join(names[:SHOWN]) + more
