"""Starting and ending a farm from another program."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ictops.errors import LabError
from ictops.lab.farm.control import Control
from ictops.lab.farm.files import LISTENING, PID
from ictops.lab.farm.model import FILE, FarmModel

START_SECONDS = 60.0
STOP_SECONDS = 10.0
_MODULE = "ictops.lab.farm"


@dataclass(frozen=True, slots=True)
class Farm:
    """A farm that runs."""

    folder: Path
    pid: int
    places: dict[str, tuple[str, int]]
    """Each switch's address and port."""

    @property
    def control(self) -> Control:
        """What steers it."""
        return Control(self.folder)

    @property
    def known_hosts(self) -> Path:
        """The file that holds all its host keys."""
        return self.folder / "known_hosts"


def write_farm(folder: Path, model: FarmModel) -> None:
    """Write a farm's ``farm.json``, which holds passwords, for its owner alone."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / FILE
    path.touch(mode=0o600)
    path.write_text(model.model_dump_json(exclude_defaults=True), encoding="utf-8")


def start(folder: Path, seconds: float = START_SECONDS, within: Sequence[str] = ()) -> Farm:
    """Start the farm of a folder and wait until all its switches listen.

    :param within: the words of a program that becomes the farm, such as one that enters a
        network namespace first.
    :raises LabError: with what it said, if it ends or is too slow; or if it runs already.
    """
    if _running(folder) is not None:
        raise LabError("this farm runs already", where=str(folder), do="Stop it first")
    (folder / PID).unlink(missing_ok=True)
    said = folder / "log"
    with said.open("wb") as log:
        process = subprocess.Popen(
            [*within, sys.executable, "-m", _MODULE, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    deadline = time.monotonic() + seconds
    while not (folder / PID).exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            words = said.read_text(errors="replace").strip()
            raise LabError(f"the farm did not start: {words}", where=str(folder))
        time.sleep(0.02)
    places = json.loads((folder / LISTENING).read_text())
    return Farm(folder, process.pid, {name: (str(a), int(p)) for name, (a, p) in places.items()})


def stop(folder: Path, seconds: float = STOP_SECONDS) -> bool:
    """End the farm of a folder; give whether one ran.

    :raises LabError: if it does not end.
    """
    pid = _running(folder)
    if pid is None:
        return False
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while _is_ours(pid, folder):
        if time.monotonic() > deadline:
            raise LabError(f"process {pid} does not end", where=str(folder))
        time.sleep(0.02)
    return True


def _running(folder: Path) -> int | None:
    """Give the farm's process; a number that another process has by now is none."""
    try:
        pid = int((folder / PID).read_text())
    except (FileNotFoundError, ValueError):
        return None
    return pid if _is_ours(pid, folder) else None


def _is_ours(pid: int, folder: Path) -> bool:
    with contextlib.suppress(ChildProcessError):  # it is somebody else's
        os.waitpid(pid, os.WNOHANG)  # so that a child of ours that ended is gone
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return _MODULE.encode() in words and os.fsencode(folder) in words
