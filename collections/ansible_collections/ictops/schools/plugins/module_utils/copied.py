# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A second copy of a repository: a repository of its own, somewhere else."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.ictops.schools.plugins.module_utils.repositories import snapshots, unlock
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


def bring_up_to_date(here: Repository, there: Repository) -> int:
    """Copy the snapshots that are not there yet, and give how many that were.

    One that was cut off in the middle is copied again; what it had brought is not sent twice.

    :raises ResticError: if that fails.
    """
    source = ("--from-repo", here.url)
    password = Path(here.password_file).read_text(encoding="utf-8").strip("\n")
    secret = {"RESTIC_FROM_PASSWORD": password}
    if not _is_there(there):
        run(there, "init", *source, "--copy-chunker-params", environment=secret)
    unlock(there)
    before = len(snapshots(there))
    run(there, "copy", *source, environment=secret)
    return len(snapshots(there)) - before


def _is_there(repository: Repository) -> bool:
    try:
        run(repository, "cat", "--no-lock", "config")
    except ResticError as error:
        if any(one in str(error).lower() for one in MISSING):
            return False
        raise
    return True
