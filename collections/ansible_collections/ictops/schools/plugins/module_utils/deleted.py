# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deleting an archive whose time has come."""

from __future__ import annotations

from collections.abc import Sequence

from ansible_collections.ictops.schools.plugins.module_utils.repositories import snapshots, unlock
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, run


class Refused(Exception):
    """What is to be deleted is not of the archive; says what."""


def delete(repository: Repository, archive: str, ids: Sequence[str]) -> list[str]:
    """Delete these snapshots of an archive, and what only they had; give the ids that were.

    One that is not there any more is passed over: it was deleted before.

    :param ids: as the repository knows them, or that which it is a copy of.
    :raises Refused: if one of them is none of the archive; nothing is deleted then.
    :raises ResticError: if restic fails.
    """
    wanted = {one for one in ids if one}
    chosen = [
        one
        for one in snapshots(repository)
        if any(given in (one.id[: len(given)], one.original[: len(given)]) for given in wanted)
    ]
    for one in chosen:
        if not archive or one.archive != archive:
            raise Refused(f"snapshot {one.id[:8]} is not of the archive {archive}")
    unlock(repository)
    if chosen:
        run(repository, "forget", *[one.id for one in chosen])
    # Always: an earlier one may have been killed between the two.
    run(repository, "prune")
    return [one.id for one in chosen]
