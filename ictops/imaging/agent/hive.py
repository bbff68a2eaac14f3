"""A registry hive of a Windows that does not run, by hivex.

Exit codes of such tools say little, so what was set is read back. A hive whose last change lies
only in its log is not touched: Windows would play the log over what was set.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from pathlib import Path

from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.tools import ToolFailed, run

_HEAD = struct.Struct("<4sII")
_WORD = re.compile(r"[\x20-\x7e]*")
"""What hivexsh takes as a string: 7 bits; a line break would be a command."""


def check(hive: Path) -> None:
    """Look whether a hive can be read and was written to its end.

    :raises JobFailed: ``image-damaged``.
    """
    try:
        with hive.open("rb") as file:
            head = file.read(_HEAD.size)
        magic, first, second = _HEAD.unpack(head)
    except (OSError, struct.error) as error:
        raise _damaged(hive, "it cannot be read") from error
    if magic != b"regf":
        raise _damaged(hive, "it is no registry hive")
    if first != second:
        raise _damaged(hive, "its last change was not finished")
    try:
        run("hivexsh", str(hive), given="ls\n")
    except ToolFailed as error:
        raise _damaged(hive, str(error)) from error


def get(hive: Path, key: str, name: str) -> str | None:
    """Give a value as text, or nothing if there is no such key or value.

    :raises JobFailed: ``image-damaged`` if the hive cannot be read.
    """
    check(hive)
    try:
        return run("hivexsh", str(hive), given=f"cd {key}\nlsval {name}\n").rstrip("\n")
    except ToolFailed:
        return None  # it can be read, as was just seen: so it has no such key or value


def put(hive: Path, key: str, values: Mapping[str, str]) -> None:
    """Set all values of a key of our own below the hive's root, and read them back.

    :raises JobFailed: ``image-damaged`` if the hive cannot be changed.
    """
    for word in (key, *values, *values.values()):
        if not _WORD.fullmatch(word):
            raise JobFailed("job-refused", f"{word!r} is nothing for the registry")
    check(hive)
    lines = [f"cd \\{key}", f"setval {len(values)}"]
    for name, value in values.items():
        lines += [name, f"string:{value}"]
    lines.append("commit")
    if not _has(hive, key):
        lines.insert(0, f"add {key}")
    try:
        run("hivexsh", "-w", str(hive), given="\n".join(lines) + "\n")
    except ToolFailed as error:
        raise _damaged(hive, str(error)) from error
    for name, value in values.items():
        if (found := get(hive, key, name)) != value:
            raise _damaged(hive, f"{name} was set to {value!r} and is {found!r}")


def _has(hive: Path, key: str) -> bool:
    names = run("hivexsh", str(hive), given="ls\n").splitlines()
    return key.casefold() in {name.casefold() for name in names}


def _damaged(hive: Path, why: str) -> JobFailed:
    return JobFailed(
        "image-damaged",
        f"the registry hive {hive.name} cannot be used: {why}",
        do="Shut the reference PC down by sysprep, and capture it again",
    )
