# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Forgetting snapshots by the class of what they hold."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from ansible_collections.ictops.schools.plugins.module_utils.copied import is_there
from ansible_collections.ictops.schools.plugins.module_utils.locks import when_free
from ansible_collections.ictops.schools.plugins.module_utils.moments import moment
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    Kept,
    Snapshot,
    said_of,
    size_of,
    snapshots,
)
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    answer,
    is_full,
)

KEEPING = {
    "keep_last": r"[0-9]{1,6}",
    **dict.fromkeys(
        ("keep_within", "keep_within_hourly", "keep_within_daily", "keep_within_weekly",
         "keep_within_monthly", "keep_within_yearly"),
        r"([0-9]{1,4}[ymdh]){1,4}",
    ),
}  # fmt: skip
"""How long something may be kept, as restic says it (restic-forget(1)), and what it looks like.

The kinds that count days, such as ``--keep-daily``, are not among them: whoever may add snapshots
could add so many that the good ones are forgotten.
"""
CLASS = re.compile(r"[a-z]{1,16}")
AHEAD = timedelta(hours=1)
"""How far a clock may be wrong."""
AT_ONCE = 500
"""How many snapshots one restic is told to forget."""


def rules_of(retention: Mapping[str, Any]) -> dict[str, list[str]]:
    """Give restic's words by class.

    :raises ValueError: if a rule cannot be understood, or would keep nothing.
    """
    rules = {}
    for name, kept in retention.items():
        if not CLASS.fullmatch(str(name)):
            raise ValueError(f"{name!r} cannot be a class")
        words: list[str] = []
        for key, value in kept.items() if isinstance(kept, Mapping) else ():
            if key not in KEEPING or not re.fullmatch(KEEPING[key], str(value)):
                known = ", ".join(KEEPING)
                raise ValueError(f"{name}: {key}: {value} cannot be; there are {known}")
            words += [f"--{key.replace('_', '-')}", str(value)]
        if not any(value.strip("0ymdh") for value in words[1::2]):
            raise ValueError(f"{name}: nothing of it would be kept; leave the class out instead")
        rules[name] = words
    return rules


def prune(one: Kept, rules: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Forget what is old enough, here and in the second copy, and give its room back.

    :param rules: see :func:`rules_of`.
    :raises ResticError: if nothing was done; what failed later is told beside what was done.
    """
    before = size_of(one.folder)
    told: dict[str, Any] = {"removed": [], "copy_removed": []}
    _refuse_the_future(one.own)
    try:
        forget(one.own, rules, told["removed"].extend, one.patience)
        _give_room_back(one.own, one.patience)
        if one.copy is not None and one.copy_forgets and is_there(one.copy):
            forget(one.copy, rules, told["copy_removed"].extend, one.patience)
            _give_room_back(one.copy, one.patience)
    except ResticError as error:
        told |= {"good": False, "message": said_of(error)}
    freed = max(0, before - size_of(one.folder))
    return {**told, "kept": len(snapshots(one.own)), "bytes_freed": freed}


def refuse_the_future(found: Sequence[Snapshot], now: datetime) -> None:
    """See that no snapshot is dated in the future.

    The age of all others is counted from the newest one: a forged date would have them forgotten.

    :raises ResticError: naming each.
    """
    ahead = [one for one in found if moment(one.at) > now + AHEAD]
    if ahead:
        named = ", ".join(f"{one.id[:8]} of {one.host}, {one.at[:19]} UTC" for one in ahead)
        raise ResticError(
            0,
            f"nothing is forgotten, since this is dated in the future: {named}. Look at that "
            "host's clock, then take the snapshot away with 'restic forget' on this server",
        )


def old(
    repository: Repository, found: Sequence[Snapshot], rules: Mapping[str, Sequence[str]]
) -> list[str]:
    """Give the ids of what is old enough. Archives never are, whatever class they are of.

    Restic decides; each host's sets are counted by themselves. What has no class with a rule stays.

    :raises ResticError: if it cannot be told.
    """
    archives = {one.id for one in found if one.archive}
    ids: list[str] = []
    for name, words in rules.items():
        grouped = ("--group-by", "host,tags", "--tag", f"class={name}")
        said = answer(repository, "forget", "--dry-run", "--no-lock", *grouped, *words)
        ids += [each["id"] for group in said or () for each in group.get("remove") or ()]
    return [one for one in dict.fromkeys(ids) if one not in archives]


def forget(
    repository: Repository,
    rules: Mapping[str, Sequence[str]],
    gone: Callable[[Sequence[str]], object],
    patience: float,
) -> None:
    """Forget what is old enough.

    :param gone: is told what was forgotten, as soon as it is so.
    :param patience: seconds to wait for whoever is at work in the repository.
    :raises ResticError: if that fails.
    """
    ids = old(repository, snapshots(repository), rules)
    # Now, and not before: what came meanwhile may be what the ages were counted from.
    _refuse_the_future(repository)
    for begin in range(0, len(ids), AT_ONCE):
        part = ids[begin : begin + AT_ONCE]
        when_free(repository, "forget", *part, patience=patience)
        gone(part)


def _refuse_the_future(repository: Repository) -> None:
    now = datetime.now(timezone.utc)  # noqa: UP017 - for hosts with an older Python
    refuse_the_future(snapshots(repository), now)


def _give_room_back(repository: Repository, patience: float) -> None:
    """Delete what no snapshot needs; also what an earlier one left that was killed."""
    try:
        when_free(repository, "prune", patience=patience)
    except ResticError as error:
        if not is_full(str(error)):
            raise
        # It needs room to put together what is kept; none to delete files that are not needed.
        when_free(repository, "prune", "--max-repack-size", "0", patience=patience)
