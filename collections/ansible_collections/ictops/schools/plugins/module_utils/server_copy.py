# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The second copy of a repository, elsewhere."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    run,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_locks import when_free
from ansible_collections.ictops.schools.plugins.module_utils.server_notes import note, noted
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import (
    BackupFault,
    Kept,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_snapshots import snapshots_of

_NOBODY = ("unable to open config file", "Is there a repository at the following location?")
_SECRET = re.compile(r"//[^/@]*@")


def copy(one: Kept) -> dict:
    """Bring the second copy up to date, and give what is said of it.

    It is made if it is not there, cut into the same pieces as the first: so what is the same is
    kept once there too.

    :raises BackupFault: if it is to have none.
    :raises ResticError: if it fails.
    """
    second = one.copy
    if second is None:
        raise BackupFault("it has no second copy")
    first = _source(one.repository)
    if not is_there(second):
        words = ("init", "--from-repo", one.repository.url, "--copy-chunker-params")
        run(second, *words, environment=first)
    before = {each.id for each in snapshots_of(second)}
    words = ("copy", "--from-repo", one.repository.url)
    when_free(second, *words, patience=one.patience, also=one.repository, environment=first)
    there = {each.id for each in snapshots_of(second)}
    note(_note(one), {"to": _mark(second)})
    return {"to": shown(second.url), "copied": len(there - before), "snapshots": len(there)}


def is_copied(one: Kept) -> bool:
    """Tell whether all of it was once brought to where its copy is to be now."""
    return one.copy is not None and noted(_note(one)).get("to") == _mark(one.copy)


def shown(url: str) -> str:
    """Give an address without the name and password that may be in it."""
    return _SECRET.sub("//", url)


def is_there(second: Repository) -> bool:
    """Tell whether there is a repository.

    :raises ResticError: if that cannot be told.
    """
    try:
        run(second, "cat", "config", "--no-lock")
    except ResticError as error:
        if any(one in str(error) for one in _NOBODY):
            return False
        raise
    return True


def _source(first: Repository) -> dict[str, str]:
    password = Path(first.password_file).read_text(encoding="utf-8").strip("\n")
    return {"RESTIC_FROM_PASSWORD": password}


def _mark(second: Repository) -> str:
    return sha256(second.url.encode()).hexdigest()


def _note(one: Kept) -> Path:
    return one.state / "copies" / f"{one.name}.json"
