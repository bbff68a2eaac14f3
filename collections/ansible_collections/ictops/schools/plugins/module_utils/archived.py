# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An archive: backed up, restored, compared, and only then taken away."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ansible_collections.ictops.schools.plugins.module_utils.drilled import hash_of
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    answer,
    run,
)

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
SHOWN = 3


class ArchiveError(Exception):
    """It is not archived, or not taken away; says why. Nothing was removed that is not kept."""


def archive(
    repository: Repository,
    host: str,
    name: str,
    paths: Sequence[str],
    *,
    remove: bool = False,
    scratch: str,
) -> dict[str, Any]:
    """Archive paths, and tell of the snapshot.

    :param host: as the inventory calls it.
    :param remove: whether they are taken away from the host afterwards.
    :raises ArchiveError: if they are not there, or what was restored is not the same.
    :raises ResticError: if restic fails.
    """
    if not NAME.fullmatch(name):
        raise ArchiveError(f"{name!r} cannot be an archive's name")
    for path in paths:
        _see(path)
    tags = (f"archive={name}", f"set={name}", "class=archive", "kind=folders")
    said = [word for tag in tags for word in ("--tag", tag)]
    text = run(repository, "backup", "--json", "--host", host, *said, "--", *paths)
    lines = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    summary = next((one for one in lines if one.get("message_type") == "summary"), None)
    if summary is None:
        raise ResticError(0, "restic told of no snapshot")
    (snapshot,) = answer(repository, "snapshots", "--no-lock", summary["snapshot_id"])
    with tempfile.TemporaryDirectory(prefix="ictops-archive-", dir=scratch) as folder:
        run(repository, "restore", "--no-lock", snapshot["id"], "--target", folder)
        seen: dict[str, tuple[int, ...]] = {}
        for path in paths:
            seen.update(_same(path, folder + path))
    if remove:
        for path in paths:
            _unchanged(path, seen)
        for path in paths:
            _remove(path)
    return {
        "snapshot": snapshot["id"], "files": summary["total_files_processed"],
        "bytes": summary["total_bytes_processed"], "verified": True,
        "removed": list(paths) if remove else [],
    }  # fmt: skip


def _see(path: str) -> None:
    if not path.startswith("/") or os.path.normpath(path) != path or path == "/":
        raise ArchiveError(f"{path!r} is no whole path of a folder or file")
    if not os.path.lexists(path):
        raise ArchiveError(f"{path} is not there")
    if os.path.ismount(path):
        raise ArchiveError(f"{path} is a file system of its own, and is not taken away")


def _walk(path: str) -> list[str]:
    """Give a path and all that is below it; no link is followed."""
    found = [path]
    if Path(path).is_dir() and not Path(path).is_symlink():
        for folder, names, files in os.walk(path):
            found += [f"{folder}/{name}" for name in (*names, *files)]
    return found


def _same(path: str, copy: str) -> dict[str, tuple[int, ...]]:
    """Compare all of a path with its copy, and give the state in which each was compared."""
    here = _walk(path)
    there = {one[len(copy) :] for one in _walk(copy)}
    wrong = [one for one in here if one[len(path) :] not in there]
    states = {}
    for one in here:
        if one in wrong:
            continue
        states[one] = _state(one)
        if not _alike(one, copy + one[len(path) :]):
            wrong.append(one)
    if wrong:
        more = f" and {len(wrong) - SHOWN} more" if wrong[SHOWN:] else ""
        raise ArchiveError(
            f"what was archived is not what is there, perhaps as somebody is at work in it: "
            f"{', '.join(wrong[:SHOWN])}{more}. Nothing was removed; do it again later"
        )
    return states


def _alike(one: str, copy: str) -> bool:
    here, there = os.lstat(one), os.lstat(copy)
    if (here.st_mode, here.st_uid, here.st_gid) != (there.st_mode, there.st_uid, there.st_gid):
        return False
    if stat.S_ISLNK(here.st_mode):
        return Path(one).readlink() == Path(copy).readlink()
    if stat.S_ISREG(here.st_mode):
        return here.st_size == there.st_size and hash_of(Path(one)) == hash_of(Path(copy))
    return True


def _state(path: str) -> tuple[int, ...]:
    found = os.lstat(path)
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _unchanged(path: str, seen: dict[str, tuple[int, ...]]) -> None:
    """See that nothing has changed, or come, since it was compared."""
    changed = [one for one in _walk(path) if one not in seen or _state(one) != seen[one]]
    if changed:
        raise ArchiveError(f"changed meanwhile: {changed[0]}. Nothing was removed; do it again")


def _remove(path: str) -> None:
    if Path(path).is_dir() and not Path(path).is_symlink():
        shutil.rmtree(path)
    else:
        Path(path).unlink()
