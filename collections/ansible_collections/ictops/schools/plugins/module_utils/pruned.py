# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Forgetting snapshots by the class of what they hold."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from ansible_collections.ictops.schools.plugins.module_utils.repositories import Snapshot
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    answer,
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


def rules_of(retention: Mapping[str, Mapping[str, object]]) -> dict[str, list[str]]:
    """Give restic's words by class.

    :raises ValueError: if a rule cannot be understood, or would keep nothing.
    """
    rules = {}
    for name, kept in retention.items():
        if not CLASS.fullmatch(name):
            raise ValueError(f"{name!r} cannot be a class")
        words = []
        for key, value in kept.items():
            if key not in KEEPING or not re.fullmatch(KEEPING[key], str(value)):
                known = ", ".join(KEEPING)
                raise ValueError(f"{name}: {key}: {value} cannot be; there are {known}")
            words += [f"--{key.replace('_', '-')}", str(value)]
        if not words:
            raise ValueError(f"{name}: nothing of it would be kept; leave the class out instead")
        rules[name] = words
    return rules


def refuse_the_future(found: Sequence[Snapshot], now: datetime) -> None:
    """See that no snapshot is dated in the future.

    The age of all others is counted from the newest one: a forged date would have them forgotten.

    :raises ResticError: naming it.
    """
    for one in found:
        at = datetime.fromisoformat(one.at[:19] + "+00:00")
        if at > now + AHEAD:
            raise ResticError(
                0,
                f"snapshot {one.id[:8]} of {one.host} is dated {one.at[:19]} UTC, which is "
                "yet to come: nothing is forgotten. Look at that host, then take the snapshot away "
                "with 'restic forget' on this server",
            )


def forget(repository: Repository, rules: Mapping[str, Sequence[str]]) -> list[str]:
    """Forget what is old enough, and give the ids of what was forgotten.

    Each host's sets are counted by themselves. What has no class with a rule stays.

    :raises ResticError: if that fails.
    """
    removed = []
    for name, words in rules.items():
        grouped = ("--group-by", "host,tags", "--tag", f"class={name}")
        for group in answer(repository, "forget", *grouped, *words) or ():
            removed += [one["id"] for one in group.get("remove") or ()]
    return removed
