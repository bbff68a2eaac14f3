# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A drill: files are restored to a scratch folder, and compared with what they were."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.ictops.schools.plugins.module_utils.repositories import said_of
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    literal,
    run,
)

ID = re.compile(r"[0-9a-f]{8,64}")
BLOCK = 1 << 20
NAMED = 3
"""Files that are named in a complaint."""


def drill(
    known: Mapping[str, Repository], wanted: Mapping[str, Any], scratch: str
) -> dict[str, Any]:
    """Try one snapshot, and give what came of it.

    :param known: the repositories by their names.
    :param wanted: ``repository``, ``host``, ``set``, ``snapshot``, and as ``sample`` the files,
        with ``path``, ``size`` (bytes) and ``sha256``.
    """
    files = wanted["sample"]
    told = {name: wanted[name] for name in ("repository", "host", "set", "snapshot")}
    told |= {"files": len(files), "bytes": sum(int(one["size"]) for one in files)}
    try:
        bad = _compare(known[wanted["repository"]], wanted["snapshot"], files, scratch)
    except KeyError:
        return {**told, "good": False, "message": "this server has no such repository"}
    except (ResticError, OSError, ValueError) as error:
        return {**told, "good": False, "message": said_of(error)}
    return {**told, "good": not bad, "message": bad}


def _compare(
    repository: Repository, snapshot: str, files: list[Mapping[str, Any]], scratch: str
) -> str:
    """Restore files, and say what is wrong with them; nothing if they are right."""
    if not ID.fullmatch(snapshot) or not files:
        raise ValueError("there is nothing that could be tried")
    included = [word for one in files for word in ("--include", literal(one["path"]))]
    with tempfile.TemporaryDirectory(prefix="drill-", dir=scratch) as folder:
        repository.give(folder)
        complaint = ""
        try:
            run(repository, "restore", "--no-lock", snapshot, "--target", folder, *included)
        except ResticError as error:
            complaint = str(error)  # what could be restored is compared all the same
        wrong = [
            str(one["path"])
            for one in files
            if not _is_right(Path(folder + one["path"]), int(one["size"]), one["sha256"])
        ]
    if not wrong:
        return complaint
    named = ", ".join(wrong[:NAMED]) + (f" and {len(wrong) - NAMED} more" if wrong[NAMED:] else "")
    return f"not as it was backed up: {named}" + (f" ({complaint})" if complaint else "")


def hash_of(path: Path) -> str:
    """Give a file's SHA-256 in hexadecimal."""
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        while data := file.read(BLOCK):
            hashed.update(data)
    return hashed.hexdigest()


def _is_right(path: Path, size: int, sha256: str) -> bool:
    try:
        if path.is_symlink() or path.stat().st_size != size:
            return False
        return hash_of(path) == sha256
    except OSError:
        return False
