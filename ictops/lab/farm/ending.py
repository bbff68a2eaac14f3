"""Finding and ending the process of a farm, with nothing but Python's own library.

So ``make clean`` can take a lab away also where ictops' own needs are not installed any more.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from pathlib import Path

from ictops.errors import LabError

MODULE = "ictops.lab.farm"
STOP_SECONDS = 10.0


def running(folder: Path) -> int | None:
    """Give the process that is the farm of a folder, also one that is still starting."""
    for path in Path("/proc").glob("[0-9]*"):
        if _is_farm(int(path.name), folder):
            return int(path.name)
    return None


def stop(folder: Path, seconds: float = STOP_SECONDS) -> bool:
    """End the farm of a folder; give whether one ran.

    :raises LabError: if it does not end.
    """
    pid = running(folder)
    if pid is None:
        return False
    with contextlib.suppress(ProcessLookupError):  # it ended by itself meanwhile
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + seconds
    while _is_farm(pid, folder):
        if time.monotonic() > deadline:
            raise LabError(f"process {pid} does not end", where=str(folder))
        time.sleep(0.02)
    with contextlib.suppress(ChildProcessError):  # it is somebody else's
        os.waitpid(pid, os.WNOHANG)
    return True


def _is_farm(pid: int, folder: Path) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False  # it ended
    return MODULE.encode() in words and os.fsencode(folder) in words
