# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looking for a file in the snapshots of a repository."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from ansible_collections.ictops.schools.plugins.module_utils.moments import moment
from ansible_collections.ictops.schools.plugins.module_utils.repositories import Snapshot, snapshots
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, answer

MOST = 1000
"""Finds: more are no help to anybody, and a wide pattern would have millions."""
FIRST, TIMES = 8, 8
"""Snapshots that are looked through first, and how many times as many after each time.

Restic reads a folder that several snapshots share only once, but begins anew with each call, which
takes it a second; and a call that finds more than is wanted finds at most so many times as much.
"""


def find(
    repository: Repository,
    pattern: str,
    host: str = "",
    set: str = "",  # noqa: A002 - the field's own word
    after: datetime | None = None,
    before: datetime | None = None,
) -> tuple[list[dict[str, Any]], bool]:
    """Give what the pattern fits, of the newest snapshots first, and whether there is more.

    :param after: of snapshots of then or later, as ``before``; with a time zone.
    :raises ResticError: if the repository cannot be read.
    """
    words = (["--host", host] if host else []) + (["--tag", f"set={set}"] if set else [])
    left = [one for one in snapshots(repository, *words) if _between(one, after, before)]
    found: list[dict[str, Any]] = []
    many = FIRST
    while left and len(found) < MOST:
        now, left = left[:many], left[many:]
        found += _in(repository, pattern, now)
        many *= TIMES
    return found[:MOST], bool(left) or len(found) > MOST


def _in(repository: Repository, pattern: str, among: list[Snapshot]) -> list[dict[str, Any]]:
    chosen = [word for one in among for word in ("--snapshot", one.id)]
    hits = answer(repository, "find", "--no-lock", *chosen, "--", pattern) or ()
    by_id = {one["snapshot"]: one["matches"] or () for one in hits}
    return [
        {
            "snapshot": one.id, "host": one.host, "set": one.set, "at": one.at,
            "path": match["path"], "type": match["type"], "size": match.get("size") or 0,
            "mtime": match["mtime"],
        }
        for one in among
        for match in by_id.get(one.id, ())
    ]  # fmt: skip


def _between(one: Snapshot, after: datetime | None, before: datetime | None) -> bool:
    at = moment(one.at)
    return (after is None or at >= after) and (before is None or at <= before)
