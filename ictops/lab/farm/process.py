"""Starting and ending a farm from another program."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ictops.errors import LabError
from ictops.lab.farm.control import Control
from ictops.lab.farm.ending import MODULE, running, stop
from ictops.lab.farm.files import LISTENING, PID, put
from ictops.lab.farm.model import FILE, FarmModel

__all__ = ["Farm", "running", "running_farm", "start", "stop", "write_farm"]

START_SECONDS = 60.0


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
    put(folder / FILE, model.model_dump_json(exclude_defaults=True), mode=0o600)


def start(
    folder: Path,
    seconds: float = START_SECONDS,
    within: Sequence[str] = (),
    *,
    user: tuple[int, int] | None = None,
) -> Farm:
    """Start the farm of a folder and wait until all its switches listen.

    :param within: the words of a program that becomes the farm, such as one that enters a
        network namespace first.
    :param user: the user and group that it runs as; those of this process if None.
    :raises LabError: with what it said, if it ends or is too slow; or if it runs already.
    """
    if running(folder) is not None:
        raise LabError("this farm runs already", where=str(folder), do="Stop it first")
    (folder / PID).unlink(missing_ok=True)
    said = folder / "log"
    uid, gid = user or (None, None)
    with said.open("wb") as log:
        process = subprocess.Popen(
            [*within, sys.executable, "-m", MODULE, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=uid,
            group=gid,
            extra_groups=None if user is None else [],
        )
    deadline = time.monotonic() + seconds
    while not (folder / PID).exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            words = said.read_text(errors="replace").strip()
            raise LabError(f"the farm did not start: {words}", where=str(folder))
        time.sleep(0.02)
    return _farm(folder, process.pid)


def running_farm(folder: Path) -> Farm | None:
    """Give the farm of a folder if it runs and all its switches listen."""
    pid = running(folder)
    if pid is None or not (folder / PID).exists():
        return None
    return _farm(folder, pid)


def _farm(folder: Path, pid: int) -> Farm:
    places = json.loads((folder / LISTENING).read_text())
    return Farm(folder, pid, {name: (str(a), int(p)) for name, (a, p) in places.items()})
