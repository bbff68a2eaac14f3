# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deleting an archive whose time has come, here and in the second copy."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from ansible_collections.ictops.schools.plugins.module_utils.copied import is_there
from ansible_collections.ictops.schools.plugins.module_utils.locks import when_free
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    NAME,
    Kept,
    snapshots,
)
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository

ID = re.compile(r"[0-9a-f]{8,64}")


class Refused(Exception):
    """What is to be deleted is not of the archive; says what. Nothing was deleted."""


def delete(
    one: Kept, archive: str, ids: Sequence[str], gone: Callable[[str, list[str]], object]
) -> bool:
    """Delete these snapshots of an archive, and every byte that only they had.

    What is not there any more is deleted, so that it can be done again where it failed halfway.

    :param ids: as the repository knows them.
    :param gone: is told ``copy_removed`` or ``removed``, and which of the ids, as soon as it is so;
        of the copy only what was there, as not everything need have been copied.
    :returns: whether something was there.
    :raises Refused: if one of them is none of the archive; nothing is deleted then.
    :raises ResticError: if restic fails.
    """
    if not NAME.fullmatch(archive):
        raise Refused(f"{archive!r} cannot be an archive's name")
    if not ids or not all(ID.fullmatch(name) for name in ids):
        raise Refused("a snapshot's id has 8 to 64 of the letters 0-9 and a-f")
    places = [("removed", one.own)]
    if one.copy is not None and one.copy_forgets and is_there(one.copy):
        # It goes first: as long as the repository has it, this can be done again.
        places.insert(0, ("copy_removed", one.copy))
    chosen = {key: _of_archive(place, archive, ids) for key, place in places}
    found = any(chosen.values())
    for key, place in places:
        if chosen[key]:
            when_free(place, "forget", *chosen[key].values(), patience=one.patience)
        # Always, as an earlier one may have been killed between the two; and all of it, where
        # restic would leave what shares a file with something that is kept.
        when_free(place, "prune", "--max-unused", "0", patience=one.patience)
        there = chosen[key]
        gone(key, list(ids) if key == "removed" else [each for each in ids if each in there])
    return found


def _of_archive(place: Repository, archive: str, ids: Sequence[str]) -> dict[str, str]:
    """Give the ids that these snapshots have in a repository; those of a copy are its own."""
    chosen = {}
    for one in snapshots(place):
        for name in ids:
            if one.id.startswith(name) or one.original.startswith(name):
                if one.archive != archive:
                    raise Refused(
                        f"nothing was deleted: snapshot {name[:8]} is not of the archive "
                        f"{archive}, but of {one.archive or 'none'}"
                    )
                chosen[name] = one.id
    return chosen
