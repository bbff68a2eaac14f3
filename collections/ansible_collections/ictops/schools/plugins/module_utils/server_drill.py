# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Drills: some files of a snapshot are restored to a scratch place, and compared.

What they are compared with was noted by their host while it read them itself, before restic did.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    NO_LOCK,
    ResticError,
    answer_lines,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_locks import when_free
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import (
    BackupFault,
    Kept,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_snapshots import (
    Snapshot,
    snapshots_of,
)

SHOWN = 5
"""How many files are named that are not as they should be."""
_IGNORED = re.compile(
    r"^(?:ignoring error for|error for) (?P<path>/.*?): (?P<why>.*)$", re.MULTILINE
)
_CHUNK = 1 << 20


def drill(
    one: Kept, scratch: Path, host: str, set_: str, snapshot: str, sample: list[dict]
) -> dict:
    """Restore a sample, and give what is said of it beside whose it is.

    :param scratch: a folder of nobody else's.
    :param sample: ``path``, ``size`` and ``sha256`` of each file.
    :raises BackupFault: if it cannot be tried.
    :raises ResticError: if the repository cannot be read.
    """
    named = [each for each in snapshots_of(one.repository) if each.is_called(snapshot)]
    if len(named) != 1:
        raise BackupFault("the snapshot is not in the repository")
    (which,) = named
    if (which.host, which.tags.get("set", "")) != (host, set_):
        raise BackupFault(f"the snapshot is of {which.host} and its set {which.tags.get('set')}")
    if not sample:
        return _without_sample(one, which)
    _see_room(scratch, sample)
    bad = _tried(one, scratch, which, sample, alone=False)
    if bad:
        # A prune beside it moves what it was to read: what is told was tried with nobody beside.
        bad = _tried(one, scratch, which, sample, alone=True)
    told = [f"{path}: {why}" for path, why in list(bad.items())[:SHOWN]]
    if len(bad) > SHOWN:
        told.append(f"and {len(bad) - SHOWN} more")
    message = f"{len(bad)} of {len(sample)} files: {'; '.join(told)}" if bad else ""
    right = [file for file in sample if file["path"] not in bad]
    size = sum(file["size"] for file in right)
    return {"files": len(right), "bytes": size, "good": not bad, "message": message}


@contextmanager
def scratch_of(folder: Path, account: str) -> Iterator[Path]:
    """Give a folder below this one that only root and the account can look into, while this lasts.

    What a drill left that was killed goes first.

    :raises BackupFault: if another drill is at work.
    """
    lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BackupFault(f"another drill is at work in {folder}") from error
        for left in folder.glob("drill-*"):
            shutil.rmtree(left)
        made = Path(tempfile.mkdtemp(prefix="drill-", dir=folder))
        try:
            if account:
                whose = pwd.getpwnam(account)
                os.chown(made, whose.pw_uid, whose.pw_gid)
            yield made
        finally:
            shutil.rmtree(made)
    finally:
        os.close(lock)


def literal(path: str) -> str:
    """Give the pattern that this very path fits, and no other (Go's ``path/filepath.Match``)."""
    return re.sub(r"([*?\[\\])", r"\\\1", path)


def _tried(
    one: Kept, scratch: Path, which: Snapshot, sample: list[dict], *, alone: bool
) -> dict[str, str]:
    """Restore the sample, and give what is wrong, by path."""
    target = scratch / ("again" if alone else "first")
    words = [
        "restore", which.id, "--target", str(target),
        *(word for file in sample for word in ("--include", literal(file["path"]))),
    ]  # fmt: skip
    try:
        when_free(one.repository, *words, *(() if alone else NO_LOCK), patience=one.patience)
        said = ""
    except ResticError as error:
        said = str(error)
    why = {found["path"]: found["why"] for found in _IGNORED.finditer(said)}
    bad = {}
    for file in sample:
        wrong = _wrong(target / file["path"].lstrip("/"), file)
        if wrong:
            reason = why.get(file["path"]) or (said if wrong == _NOT_THERE else "")
            bad[file["path"]] = f"{wrong} ({reason})" if reason else wrong
    shutil.rmtree(target, ignore_errors=True)  # the room is wanted; all goes at the end
    return bad


_NOT_THERE = "it could not be restored"


def _wrong(path: Path, file: dict) -> str:
    try:
        number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return _NOT_THERE
    with os.fdopen(number, "rb") as stream:
        state = os.fstat(number)
        if not stat.S_ISREG(state.st_mode):
            return "it is no file in the backup"
        if state.st_size != file["size"]:
            return f"it has {state.st_size} bytes in the backup, and had {file['size']}"
        digest = hashlib.sha256()
        for chunk in iter(lambda: stream.read(_CHUNK), b""):
            digest.update(chunk)
    return "" if digest.hexdigest() == file["sha256"] else "its content is another in the backup"


def _see_room(scratch: Path, sample: list[dict]) -> None:
    need, free = sum(file["size"] for file in sample), shutil.disk_usage(scratch).free
    if need > free:
        raise BackupFault(
            f"it was not tried: the sample has {need} bytes, and the disk of {scratch.parent} has "
            f"{free} left"
        )


def _without_sample(one: Kept, which: Snapshot) -> dict:
    """Look at a snapshot of which its host noted no file: perhaps it has none."""
    words = ("ls", *NO_LOCK, "--", which.id)
    files = sum(node.get("type") == "file" for node in answer_lines(one.repository, *words))
    if files:
        raise BackupFault(f"its host noted nothing of its {files} files that could be compared")
    return {"files": 0, "bytes": 0, "good": True, "message": "it has no files"}
