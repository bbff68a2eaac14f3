# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looking for damage in a repository: its structure, and a part of all its data."""

from __future__ import annotations

import re

from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    NO_LOCK,
    ResticError,
    run,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_locks import when_free
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import Kept

_PACK = re.compile(r"\b(?:pack:?|pack ID does not match, want) ([0-9a-f]{8,64})\b", re.IGNORECASE)
_SHOWN = 5
_HARMLESS = ("using temporary cache", "repository contains errors", "not referenced in any index")


def check(one: Kept, part: int, parts: int) -> str:
    """Read a part of the data and all of the structure; give what is damaged, in words.

    The first look needs no lock: it may take hours, and backups go on beside it. What they change
    meanwhile may look like damage, so what is found is looked at again with nobody beside.

    :param part: which of ``parts``, from 1; restic puts each pack into the same part every time.
    :returns: nothing if there is no damage.
    """
    words = ("check", f"--read-data-subset={part}/{parts}")
    try:
        run(one.repository, *words, *NO_LOCK)
    except ResticError:
        try:
            when_free(one.repository, *words, patience=one.patience)
        except ResticError as error:
            return damage(str(error))
    return ""


def damage(said: str) -> str:
    """Give what restic complains of in a few words, and which packs it names."""
    lines = [
        line.strip()
        for line in said.splitlines()
        if line.strip() and not any(one in line for one in _HARMLESS)
    ]
    packs = list(dict.fromkeys(one[:8] for one in _PACK.findall(said)))
    told = "; ".join(dict.fromkeys(lines[:_SHOWN]))
    more = f"; and {len(lines) - _SHOWN} lines more" if len(lines) > _SHOWN else ""
    number = "a pack" if len(packs) == 1 else f"{len(packs)} packs"
    where = f"damage in {number} ({', '.join(packs[:_SHOWN])}): " if packs else ""
    return f"{where}{told}{more}" or said
