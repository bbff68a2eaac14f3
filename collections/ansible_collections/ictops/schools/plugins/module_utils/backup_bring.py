# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bringing a file or a folder back out of a snapshot."""

from __future__ import annotations

import difflib
import os
import posixpath
import pwd
import re

from ansible_collections.ictops.schools.plugins.module_utils.backup_place import (
    Placed,
    PlaceError,
    folder_of,
    put,
    staging,
    trusted,
)
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    NO_LOCK,
    Repository,
    run,
)
from ansible_collections.ictops.schools.plugins.module_utils.snapshots import nodes

UNKNOWN = "\N{REPLACEMENT CHARACTER}"
"""Stands in restic's lists for a byte of a name that is no UTF-8."""
DUMPS = ("postgresql", "mariadb", "samba")
NEAREST = 3
_SIGNS = re.compile(r"([*?\[\]\\])")


class NotThereError(Exception):
    """A path is not in the snapshot; says what is near it."""


def bring(
    repository: Repository, snapshot: str, path: str, to: str, *, overwrite: bool
) -> dict[str, object]:
    """Bring a path back, and say what became of it.

    It is restored into a folder of root's alone and compared with the repository there. Only then
    it is moved to where it should be.

    :param to: the folder that it comes into; empty for where it was.
    :raises NotThereError: if the snapshot does not have it.
    :raises PlaceError: if it cannot be put there; then nothing was changed, or only what is told.
    :raises ResticError: if it cannot be restored; nothing was changed.
    """
    whole, node, kind = find(repository, snapshot, path)
    if not to and kind in DUMPS:
        raise PlaceError(f"{path} is a dump, which was nowhere on the host: say where to put it")
    place = trusted(to or posixpath.dirname(path))
    with staging(place) as (folder, number):
        words = ("restore", whole, "--verify", f"--target={folder}", f"--include={pattern(path)}")
        run(repository, *words, *NO_LOCK)
        placed = Placed()
        names = names_of(path)
        source = _down(number, names[:-1])
        owner = os.stat(_only(source, names[-1]), dir_fd=source, follow_symlinks=False)
        if to or place != posixpath.dirname(path):
            target = folder_of(place, (owner.st_uid, owner.st_gid))
            taken, which = source, names[-1]
        else:  # with the folders above it that are not there any more, as they were
            at = _missing(place)
            target = folder_of("/" + "/".join(names[:at]), (0, 0))
            taken, which = _down(number, names[:at]), names[at]
        for name in _all(taken, which):
            put(taken, target, name, placed, overwrite=overwrite)
    if not placed.files and placed.kept:
        raise PlaceError(
            f"{posixpath.join(place, names[-1])} is there already, and was left as it is: "
            "say that it may be overwritten, or choose another folder"
        )
    return {
        "snapshot": whole,
        "path": path,
        "to": posixpath.join(place, node["name"]),
        "files": placed.files,
        "bytes": placed.bytes,
        "kept": placed.kept,
        "owner": _owner(owner.st_uid),
        "verified": True,
    }


def find(repository: Repository, snapshot: str, path: str) -> tuple[str, dict, str]:
    """Give the snapshot's whole id, what it says of the path, and the kind of its set.

    :raises NotThereError: if it is not in it, with what is nearest.
    """
    said = list(nodes(repository, snapshot, path))
    tags = dict(tag.partition("=")[::2] for tag in said[0].get("tags") or [])
    if UNKNOWN in path:  # restic looks for the bytes, which nobody knows: they are found later
        return said[0]["id"], {"name": posixpath.basename(path)}, tags.get("kind", "")
    for node in said[1:]:
        if node["path"] == path:
            return said[0]["id"], node, tags.get("kind", "")
    above, wanted = posixpath.split(path)
    while True:
        listed = list(nodes(repository, snapshot, above))[1:]
        inside = [one["path"] for one in listed if posixpath.dirname(one["path"]) == above]
        if inside or above == "/":
            break
        above, wanted = posixpath.split(above)
    near = difflib.get_close_matches(posixpath.join(above, wanted), inside, NEAREST, cutoff=0.0)
    raise NotThereError(
        f"{path!r} is not in the snapshot {snapshot[:8]}; it has "
        + (", ".join(repr(one) for one in near) if near else "nothing near it")
    )


def pattern(path: str) -> str:
    """Give the pattern of restic's that fits this path, as far as it is known, and no other."""
    return _SIGNS.sub(r"\\\1", path).replace(UNKNOWN, "?")


def names_of(path: str) -> list[str]:
    """Give the names that a whole path is made of."""
    return [one for one in path.split("/") if one]


def _all(folder: int, name: str) -> list[str]:
    """Give the entries that are meant by a name in which bytes may be unknown."""
    if UNKNOWN not in name:
        return [name]
    fits = re.compile(re.escape(name).replace(UNKNOWN, "."), re.DOTALL)
    return [one for one in os.listdir(folder) if fits.fullmatch(one)]


def _only(folder: int, name: str) -> str:
    found = _all(folder, name)
    if len(found) != 1:
        raise PlaceError(
            f"{len(found)} files are called {name!r}, as far as it can be told: "
            "restore the folder that they are in"
        )
    return found[0]


def _down(number: int, names: list[str]) -> int:
    for name in names:
        number = os.open(
            _only(number, name), os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=number
        )
    return number


def _missing(place: str) -> int:
    """Give how many of the names of a folder are there."""
    names = names_of(place)
    at = 0
    while at < len(names) and os.path.lexists("/" + "/".join(names[: at + 1])):
        at += 1
    return at


def _owner(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
