# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A drill: files are restored to a scratch folder, and compared with what they were."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.ictops.schools.plugins.module_utils.hashed import sha256_of
from ansible_collections.ictops.schools.plugins.module_utils.locks import when_free
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    Kept,
    said_of,
    snapshots,
)
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    NO_LOCK,
    ResticError,
    literal,
    run,
)

ID = re.compile(r"[0-9a-f]{8,64}")
NAMED = 3
"""Files that are named in a complaint."""


def drill(known: Mapping[str, Kept], wanted: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    """Try one snapshot, and give what came of it.

    :param known: the repositories by their names.
    :param wanted: ``repository``, ``host``, ``set``, ``snapshot``, and as ``sample`` the files,
        with ``path``, ``size`` (bytes) and ``sha256``.
    :param scratch: a folder of this drill's own; see :func:`scratch_in`.
    """
    files = wanted["sample"]
    told = {name: wanted[name] for name in ("repository", "host", "set", "snapshot")}
    told |= {"files": len(files), "bytes": sum(int(one["size"]) for one in files)}
    one = known.get(wanted["repository"])
    if one is None:
        return {**told, "good": False, "message": "this server has no such repository"}
    try:
        _see(one, wanted)
        _see_room(scratch, told["bytes"])
        bad = _compare(one, wanted["snapshot"], files, scratch)
        if bad:
            # A prune beside it moves what it was to read: what is told was tried with none beside.
            bad = _compare(one, wanted["snapshot"], files, scratch, alone=True)
    except (ResticError, OSError, ValueError) as error:
        return {**told, "good": False, "message": said_of(error)}
    return {**told, "good": not bad, "message": bad}


@contextmanager
def scratch_in(folder: str) -> Iterator[Path]:
    """Give a folder that only root and the account can look into, and take it away afterwards.

    What a drill left that was killed goes first.

    :raises ValueError: if another drill is at work.
    """
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ValueError(f"another drill is at work in {folder}; try again later") from error
        for left in Path(folder).glob("drill-*"):
            shutil.rmtree(left)
        made = Path(tempfile.mkdtemp(prefix="drill-", dir=folder))
        try:
            yield made
        finally:
            shutil.rmtree(made)
    finally:
        os.close(lock)


def _see(one: Kept, wanted: Mapping[str, Any]) -> None:
    """See that the snapshot is whose it is said to be, and that there is something to try.

    :raises ValueError: if not.
    """
    if not ID.fullmatch(wanted["snapshot"]) or not wanted["sample"]:
        raise ValueError("there is nothing that could be tried")
    for path in (each["path"] for each in wanted["sample"]):
        if not path.startswith("/") or os.path.normpath(path) != path:
            raise ValueError(f"{path!r} is no whole path of a file")
    found = [each for each in snapshots(one.own) if each.id.startswith(wanted["snapshot"])]
    if not found:
        raise ValueError("the snapshot is not in the repository any more")
    of = (found[0].host, found[0].set)
    if of != (wanted["host"], wanted["set"]):
        raise ValueError(f"the snapshot is of {of[0]} and its set {of[1]}")


def _see_room(scratch: Path, need: int) -> None:
    """See that the disk is not filled: backups may be on the same one.

    :raises ValueError: if it would be.
    """
    free = shutil.disk_usage(scratch).free
    if need > free:
        raise ValueError(
            f"it was not tried: the files have {need} bytes, and the disk of {scratch.parent} has "
            f"{free} left"
        )


def _compare(
    one: Kept, snapshot: str, files: list[Mapping[str, Any]], scratch: Path, *, alone: bool = False
) -> str:
    """Restore files, and say what is wrong with them; nothing if they are right.

    :param alone: with no prune beside it.
    """
    included = [word for each in files for word in ("--include", literal(each["path"]))]
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        for place in (str(scratch), folder):
            one.own.give(place)
        words = ("restore", snapshot, "--target", folder, *included)
        complaint = ""
        try:
            if alone:
                when_free(one.own, *words, patience=one.patience)
            else:
                run(one.own, *words, *NO_LOCK)
        except ResticError as error:
            complaint = str(error)  # what could be restored is compared all the same
        bad = {each["path"]: _wrong(folder + each["path"], each) for each in files}
    bad = {path: why for path, why in bad.items() if why}
    if not bad:
        return ""  # restic may complain of owners and such: the files are what is asked about
    named = "; ".join(f"{path} {why}" for path, why in list(bad.items())[:NAMED])
    more = f"; and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
    said = f" ({complaint})" if complaint else ""
    return f"{len(bad)} of {len(files)} files: {named}{more}{said}"


def _wrong(path: str, wanted: Mapping[str, Any]) -> str:
    """Say what is wrong with a file that was restored, following no link that a host had there."""
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return "could not be restored"
    with os.fdopen(number, "rb") as file:
        state = os.fstat(number)
        if not stat.S_ISREG(state.st_mode):
            return "is no file in the backup"
        if state.st_size != int(wanted["size"]):
            return f"has {state.st_size} bytes in the backup, and had {wanted['size']}"
        return "" if sha256_of(file) == wanted["sha256"] else "has other content in the backup"
