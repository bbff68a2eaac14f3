# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A second copy of a repository: a repository of its own, somewhere else."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.ictops.schools.plugins.module_utils.locks import when_free
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    Kept,
    snapshots,
)
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    run,
)

MISSING = (
    "unable to open config file",
    "is there a repository at the following location",
)
"""What restic says where nothing is yet; it has no exit code of its own for it before 0.17."""


def bring_up_to_date(one: Kept) -> dict[str, int]:
    """Copy the snapshots that are not there yet, and tell how many that were, and are there now.

    One that was cut off in the middle is copied again; what it had brought is not sent twice.

    :raises ResticError: if that fails, or there is to be no copy.
    """
    here, there = one.own, one.copy
    if there is None:
        raise ResticError(0, "it is to have no second copy")
    source = ("--from-repo", here.url)
    password = Path(here.password_file).read_text(encoding="utf-8").strip("\n")
    secret = {"RESTIC_FROM_PASSWORD": password}
    if not is_there(there):
        run(there, "init", *source, "--copy-chunker-params", environment=secret)
    before = {each.id for each in snapshots(there)}
    when_free(there, "copy", *source, patience=one.patience, also=here, environment=secret)
    after = {each.id for each in snapshots(there)}
    return {"copied": len(after - before), "snapshots": len(after)}


def is_there(repository: Repository) -> bool:
    """Say whether there is a repository.

    :raises ResticError: if that cannot be told, such as when it is out of reach.
    """
    try:
        run(repository, "cat", "--no-lock", "config")
    except ResticError as error:
        if any(one in str(error).lower() for one in MISSING):
            return False
        raise
    return True
