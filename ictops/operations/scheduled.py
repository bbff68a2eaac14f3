"""What a schedule may begin: operations that write a run down, and the words they are said by."""

from __future__ import annotations

import getopt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ictops.errors import ScheduleError
from ictops.operations.backup import begin_backup
from ictops.operations.backup_care import begin_check, begin_copy, begin_prune
from ictops.operations.backup_drill import begin_drill
from ictops.operations.backup_find import begin_list
from ictops.operations.drift import begin_switch_drift
from ictops.operations.drift_check import begin_drift_check
from ictops.operations.switches import begin_backup as begin_switch_backup
from ictops.settings import Settings
from ictops.store.journal import Journal
from ictops.store.records import Scheduled, ScheduleRecord


@dataclass(frozen=True, slots=True)
class Operation:
    """An operation that a schedule may begin.

    :ivar begin: writes a run down and gives its id. It is called with the journal, the settings
        and the keywords ``sites``, ``limit`` and ``scheduled``, and hands ``scheduled`` on to
        :func:`ictops.operations.apply.create_run`; what it is given of ``options`` comes as
        keywords too.
    :ivar options: what it takes beside ``--site`` and ``--limit``: ``full`` is a flag, ``sample=``
        has a value. Its keyword has ``_`` for ``-``.
    """

    begin: Callable[..., str]
    options: tuple[str, ...] = ()


def _drift_check(journal: Journal, settings: Settings, **how: Any) -> str:
    return begin_drift_check(journal, settings, **how).run_id


def _backup_run(journal: Journal, settings: Settings, **how: Any) -> str:
    return begin_backup(journal, settings, sets=how.pop("set", ()), **how)


OPERATIONS: dict[str, Operation] = {
    "backup run": Operation(_backup_run, options=("set=",)),
    "backup drill": Operation(begin_drill, options=("sample=",)),
    "backup check": Operation(begin_check, options=("parts=",)),
    "backup prune": Operation(begin_prune),
    "backup copy": Operation(begin_copy),
    "backup list": Operation(begin_list),
    "drift check": Operation(_drift_check, options=("full",)),
    "switch backup": Operation(begin_switch_backup),
    "switch drift": Operation(begin_switch_drift),
}
"""By the words of the command that does the same by hand."""


@dataclass(frozen=True, slots=True)
class Words:
    """What a schedule is to begin, understood."""

    operation: str
    sites: tuple[str, ...]
    limit: str | None
    options: dict[str, str | bool]


def understand(words: Sequence[str]) -> Words:
    """Understand the words of a command, such as "switch backup --site oakfield".

    :raises ScheduleError: if a schedule begins nothing of that name, or it has no such option.
    """
    said = " ".join(words)
    name = next((one for one in OPERATIONS if list(words[: one.count(" ") + 1]) == one.split()), "")
    if not name:
        raise ScheduleError(
            "a schedule cannot begin this",
            where=said or "nothing",
            do=f"It begins: {', '.join(OPERATIONS)}",
        )
    known = ("site=", "limit=", *OPERATIONS[name].options)
    try:
        pairs, rest = getopt.gnu_getopt(list(words[name.count(" ") + 1 :]), "", known)
    except getopt.GetoptError as error:
        raise ScheduleError(error.msg, where=said, do=_options(known)) from error
    if rest:
        raise ScheduleError(f"{rest[0]!r} is no option", where=said, do=_options(known))
    given: dict[str, str] = {}
    for option, value in pairs:
        key = option.removeprefix("--")
        if key in given and key != "site":
            raise ScheduleError(f"{option} is said twice", where=said)
        given[key] = f"{given[key]},{value}" if key in given else value
    sites = tuple(code.strip() for code in given.pop("site", "").split(",") if code.strip())
    limit = given.pop("limit", None)
    options = {key: value if f"{key}=" in known else True for key, value in given.items()}
    return Words(name, sites, limit or None, options)


def words_of(schedule: ScheduleRecord) -> str:
    """Give the command that does by hand what a schedule begins."""
    words = [schedule.operation]
    if schedule.sites:
        words.append(f"--site {','.join(schedule.sites)}")
    if schedule.limit:
        words.append(f"--limit {schedule.limit}")
    for key, value in schedule.options.items():
        words.append(f"--{key}" if value is True else f"--{key} {value}")
    return " ".join(words)


def begin(
    journal: Journal,
    settings: Settings,
    schedule: ScheduleRecord,
    sites: Sequence[str],
    scheduled: Scheduled,
) -> str:
    """Write the run down that a schedule asks for at these sites, and give its id.

    :raises NoHosts: if no host of them is for it.
    :raises ScheduleError: if this ictops does not know the operation.
    """
    operation = OPERATIONS.get(schedule.operation)
    if operation is None:
        raise ScheduleError(
            f"this ictops has no operation {schedule.operation!r}", where=schedule.name
        )
    options = {key.replace("-", "_"): value for key, value in schedule.options.items()}
    return operation.begin(
        journal, settings, sites=tuple(sites), limit=schedule.limit, scheduled=scheduled, **options
    )


def _options(known: Sequence[str]) -> str:
    return f"It takes {', '.join('--' + one.removesuffix('=') for one in known)}"
