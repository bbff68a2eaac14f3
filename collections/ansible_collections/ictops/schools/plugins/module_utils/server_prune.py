# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Deleting what need not be kept: which snapshots that are, and the room that they take."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone

from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    NO_LOCK,
    Repository,
    ResticError,
    answer,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_copy import is_there
from ansible_collections.ictops.schools.plugins.module_utils.server_locks import when_free
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import (
    BackupFault,
    Kept,
    in_words,
    is_full,
    size_of,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_snapshots import (
    Snapshot,
    snapshots_of,
)

AHEAD = timedelta(hours=1)
"""How far a host's clock may be ahead: what is newest decides what is old."""
AT_ONCE = 500
"""How many snapshots one restic is told to forget."""
SINGLE = ("folders", "samba", "sqlite")
"""Kinds of which a backup makes one snapshot; of the others one a database."""
_NUMBER = re.compile(r"^[0-9]{1,5}\Z")
_TIME = re.compile(r"^([0-9]{1,5}[ymdh])+\Z")
_RULES = {"keep_last": _NUMBER} | {
    f"keep_within{one}": _TIME
    for one in ("", "_hourly", "_daily", "_weekly", "_monthly", "_yearly")
}


def prune(one: Kept, retention: dict[str, dict]) -> dict:
    """Delete what need not be kept, here and in the second copy, and give what is said of it.

    :param retention: by class, what is kept; see :func:`rules`.
    :raises BackupFault: if it cannot be told what is old, or what is kept is not said rightly.
    :raises ResticError: if the repository cannot be read.
    """
    of_class = {name: rules(name, said) for name, said in retention.items()}
    here = snapshots_of(one.repository)
    _see_clocks(here)
    before = size_of(one.folder)
    removed: list[str] = []
    said = {"removed": removed, "kept": len(here), "bytes_freed": 0}
    notes = [_unknown(here, of_class)]
    try:
        for these in _in_parts(old(one.repository, here, of_class)):
            when_free(one.repository, "forget", *these, patience=one.patience)
            removed += these
            said["kept"] = len(here) - len(removed)
        give_room_back(one.repository, one.patience)
    except ResticError as error:
        return {**said, "good": False, "message": in_words(error)}
    said["bytes_freed"] = max(0, before - size_of(one.folder))
    try:
        _prune_copy(one, of_class)
    except ResticError as error:
        return {**said, "good": False, "message": f"its second copy: {in_words(error)}"}
    return {**said, "message": "; ".join(filter(None, notes))}


def rules(name: str, said: dict) -> list[str]:
    """Give what is kept of a class as restic takes it.

    :param said: ``keep_last``, a number, and ``keep_within`` with ``_hourly`` to ``_yearly`` behind
        it or nothing: times such as ``1y6m14d``, before the newest of the same set.
    :raises BackupFault: if it says something else, or that nothing is kept.
    """
    words = []
    for rule, value in said.items():
        if rule not in _RULES or not _RULES[rule].match(str(value)):
            raise BackupFault(
                f"backup_server_retention of {name} has {rule}: {value}; there are keep_last, a "
                "number, and keep_within, keep_within_daily and so on, such as 1y6m14d"
            )
        words += [f"--{rule.replace('_', '-')}", str(value)]
    if not any(value.strip("0ymdh") for value in words[1::2]):
        raise BackupFault(f"backup_server_retention of {name} would keep nothing")
    return words


def old(
    repository: Repository, snapshots: Sequence[Snapshot], of_class: dict[str, list[str]]
) -> list[str]:
    """Give the ids of the snapshots that need not be kept. Archives are never among them.

    Restic decides; asked for each class and kind, since only a set's snapshots are compared with
    each other, and of a database server's those of each database.
    """
    archives = {each.id for each in snapshots if each.archive}
    found: list[str] = []
    for name, words in of_class.items():
        kinds = {each.tags.get("kind", "") for each in snapshots if each.tags.get("class") == name}
        for kind in sorted(kinds):
            if not re.match(r"^[a-z]{1,16}\Z", kind):
                continue  # nobody of ours calls one so
            group = "host,tags" if kind in SINGLE else "host,tags,paths"
            said = answer(
                repository,
                *("forget", "--dry-run", *NO_LOCK),
                *("--tag", f"class={name},kind={kind}", "--group-by", group, *words),
            )
            found += [each["id"] for part in said or () for each in part.get("remove") or ()]
    return [each for each in found if each not in archives]


def give_room_back(repository: Repository, patience: float, *, whole: bool = False) -> None:
    """Delete the data that no snapshot has any more.

    :param whole: all of it; else restic leaves a little where it shares a file with what is kept.
    :raises ResticError: if that fails. Nothing is lost then: restic deletes nothing before what is
        kept is written, and named in the index.
    """
    words = ("prune", "--max-unused", "0") if whole else ("prune",)
    try:
        when_free(repository, *words, patience=patience)
    except ResticError as error:
        if whole or not is_full(str(error)):
            raise
        # It needs room to put what is kept together; none for what nobody needs a byte of.
        when_free(repository, "prune", "--max-repack-size", "0", patience=patience)


def _prune_copy(one: Kept, of_class: dict[str, list[str]]) -> None:
    if one.copy is None or not one.forget_in_copy or not is_there(one.copy):
        return
    there = snapshots_of(one.copy)
    for these in _in_parts(old(one.copy, there, of_class)):
        when_free(one.copy, "forget", *these, patience=one.patience)
    give_room_back(one.copy, one.patience)


def _see_clocks(snapshots: Iterable[Snapshot]) -> None:
    now = datetime.now(timezone.utc)  # noqa: UP017 - Python 3.10 knows no other name
    ahead = [each for each in snapshots if each.at > now + AHEAD]
    if ahead:
        told = ", ".join(
            f"{each.id[:8]} of {each.host}, {each.at:%Y-%m-%d %H:%M}" for each in ahead
        )
        raise BackupFault(
            f"nothing was deleted: {len(ahead)} snapshots are dated in the future ({told}), and "
            "what is newest decides what is old. Put the host's clock right; then delete them on "
            "the server: 'restic forget ID'"
        )


def _unknown(snapshots: Iterable[Snapshot], of_class: dict[str, list[str]]) -> str:
    names = [each.tags.get("class", "") for each in snapshots if not each.archive]
    unknown = [name for name in names if name not in of_class]
    if not unknown:
        return ""
    classes = ", ".join(sorted({name or "none" for name in unknown}))
    return f"{len(unknown)} snapshots are kept for ever: nobody says what is of class {classes}"


def _in_parts(ids: Sequence[str]) -> Iterable[list[str]]:
    return (list(ids[at : at + AT_ONCE]) for at in range(0, len(ids), AT_ONCE))
