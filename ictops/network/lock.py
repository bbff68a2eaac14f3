"""One change at a time of one switch, by whatever process."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from ictops.errors import SwitchError
from ictops.settings import make_private


@dataclass(frozen=True, slots=True)
class Lock:
    """The right to change one switch; others read in its file who has it."""

    _file: TextIO

    def note(self, *, armed_until: float | None = None) -> None:
        """Write down who changes the switch, and until when its dead-man switch may act.

        :param armed_until: seconds since the epoch; None where nothing waits.
        """
        said = {"pid": os.getpid(), "since": _at(time.time())}
        self._write(said if armed_until is None else {**said, "armed_until": armed_until})

    def clear(self) -> None:
        """Write that the change is over, and nothing waits."""
        self._write({})

    def _write(self, said: dict[str, Any]) -> None:
        self._file.seek(0)
        self._file.truncate()
        json.dump(said, self._file)
        self._file.flush()
        os.fsync(self._file.fileno())


@contextmanager
def locked(folder: Path, site: str, host: str) -> Iterator[Lock]:
    """Be the only one who changes this switch while this lasts.

    The kernel gives the lock back when a process ends, however that comes about. What it left
    armed is then known by its note.

    :param folder: where the locks lie; the names must have been checked by now.
    :raises SwitchError: if somebody else changes it, or did and the switch may still take that
        change back.
    """
    place = folder / site
    make_private(folder)
    make_private(place)
    where = f"{site}/{host}"
    with (place / f"{host}.lock").open("a+", encoding="utf-8") as file:
        file.seek(0)
        said = _read(file.read())
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            who = f"process {said['pid']}, since {said['since']}" if "pid" in said else "another"
            raise SwitchError(
                f"it is being changed by somebody else just now: {who}",
                where=where,
                do="Wait until that run is through",
            ) from error
        file.seek(0)
        until = _read(file.read()).get("armed_until")
        if isinstance(until, int | float) and until > time.time():
            raise SwitchError(
                "a change of it was broken off, and its dead-man switch has not run out",
                where=where,
                do=f"Wait until {_at(until)}",
            )
        lock = Lock(file)
        lock.note()
        yield lock
        # Only here: after an error that nobody foresaw, the note tells what may be armed.
        lock.clear()


def _read(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text)
    except ValueError:  # new, or cut off as its writer was killed
        return {}
    return said if isinstance(said, dict) else {}


def _at(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
