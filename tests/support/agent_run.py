"""Run the agent in a process of its own that is killed at some write: ``python -m``.

Takes one argument, JSON: see :class:`Cut`.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ictops.imaging.agent import linux
from ictops.imaging.agent.boot import NoEntries
from ictops.imaging.agent.disk import Disk, Part
from ictops.imaging.agent.fetch import Patience
from ictops.imaging.agent.machine import Machine
from ictops.imaging.agent.main import Options, work_once
from ictops.imaging.wire import said
from ictops.imaging.wire.job import Adapt


@dataclass(frozen=True)
class Cut:
    """Where everything is, and when the process is killed."""

    server: str
    bulk: str
    ca: str
    allowed: str
    disk: str
    mac: str
    uuid: str
    at: int
    """In the middle of which write; the first is 0, and -1 is once the system is adapted."""


class _Counting(Disk):
    def __init__(self, path: Path, at: int) -> None:
        super().__init__(path)
        self._left = at
        self._lock = threading.Lock()

    def write(self, offset: int, parts: Sequence[Part]) -> None:
        with self._lock:
            if self._left == 0:
                half = memoryview(b"".join(parts))
                super().write(offset, [half[: len(half) // 2]])
                os.kill(os.getpid(), signal.SIGKILL)
            self._left -= 1
        super().write(offset, parts)


def _run(cut: Cut) -> None:
    if cut.at < 0:
        adapt = linux.adapt

        def adapt_and_die(root: Path, wanted: Adapt, secret: str) -> tuple[str, ...]:
            adapt(root, wanted, secret)
            os.kill(os.getpid(), signal.SIGKILL)
            return ()

        linux.adapt = adapt_and_die
    disk = Path(cut.disk)
    has = said.Disk(cut.disk, "S1", "file", disk.stat().st_size, "", False, False)
    hardware = said.Hardware("ictops", "test", "1", "uefi", True, 2**30, (has,), (cut.mac,))
    machine = Machine(
        cut.mac, cut.uuid, hardware, NoEntries(), lambda path: _Counting(path, cut.at)
    )
    options = Options(
        cut.server, cut.bulk, Path(cut.ca), Path(cut.allowed), patience=Patience(gone=20.0)
    )
    end, _ = work_once(options, machine)
    sys.exit(f"nobody stopped it: {end}")


if __name__ == "__main__":
    _run(Cut(**json.loads(sys.argv[1])))
