# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deleting an archive for good, here and in the second copy."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository
from ansible_collections.ictops.schools.plugins.module_utils.server_copy import is_there
from ansible_collections.ictops.schools.plugins.module_utils.server_locks import when_free
from ansible_collections.ictops.schools.plugins.module_utils.server_prune import give_room_back
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import (
    NAME,
    BackupFault,
    Kept,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_snapshots import (
    Snapshot,
    snapshots_of,
)

_ID = re.compile(r"^[0-9a-f]{8,64}\Z")


def delete(
    one: Kept,
    archive: str,
    ids: Sequence[str],
    gone: Callable[[str, list[str]], None],
    *,
    do_it: bool,
) -> None:
    """Delete an archive's snapshots, and their data.

    What is not there any more counts as deleted: so it can be done again where it failed halfway.

    :param ids: the snapshots of the first repository.
    :param gone: is told ``copy_removed`` or ``removed``, and which ids, as soon as it is so.
    :raises BackupFault: if one of them is no snapshot of that archive; then nothing is deleted.
    :raises ResticError: if one of the repositories fails.
    """
    if not NAME.match(archive):
        raise BackupFault(f"{archive!r} is no archive's name")
    if not all(_ID.match(name) for name in ids):
        raise BackupFault("a snapshot's id is 8 to 64 of 0 to 9 and a to f")
    places = [("removed", one.repository)]
    if one.copy is not None and is_there(one.copy):
        # First the one that may be out of reach.
        places.insert(0, ("copy_removed", one.copy))
    found = {where: _of_archive(place, archive, ids) for where, place in places}
    if not do_it:
        return
    for where, place in places:
        snapshots = [each.id for each in found[where].values() if each is not None]
        if snapshots:
            when_free(place, "forget", *snapshots, patience=one.patience)
        give_room_back(place, one.patience, whole=True)
        # Of the copy only what was there: not everything need have been copied.
        gone(where, [name for name in ids if where == "removed" or found[where][name] is not None])


def _of_archive(place: Repository, archive: str, ids: Sequence[str]) -> dict[str, Snapshot | None]:
    there = snapshots_of(place)
    found: dict[str, Snapshot | None] = {}
    for name in ids:
        named = [each for each in there if each.is_called(name)]
        if len(named) > 1:
            raise BackupFault(f"nothing was deleted: {name} can be {len(named)} snapshots")
        for each in named:
            if each.archive != archive:
                raise BackupFault(
                    f"nothing was deleted: snapshot {name} is not of the archive {archive}, but "
                    f"{'of ' + each.archive if each.archive else 'of no archive'}"
                )
        found[name] = named[0] if named else None
    return found
