"""Switching virtual PCs on and off, and what befalls them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from pathlib import Path

from ictops.errors import LabError
from ictops.lab.pcs.machine import PID, SERIAL, assemble, command
from ictops.lab.pcs.model import Kernel, Pc, Room
from ictops.lab.pcs.network import make_network, plug_in, within
from ictops.lab.pcs.qmp import ask

OFF_SECONDS = 10.0


def power_on(room: Room, pc: Pc, kernel: Kernel | None = None) -> None:
    """Switch a PC on, if it is off; what it needs is made.

    :param kernel: is started at once, and again whenever the PC restarts.
    :raises LabError: with QEMU's own words if it does not start.
    """
    if running(room, pc) is not None:
        return
    make_network(room)
    plug_in(room, pc)
    assemble(room, pc)
    done = subprocess.run(
        within(room, *command(room, pc, kernel)), cwd=room.of(pc), check=False,
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise LabError(f"the virtual PC does not start: {done.stderr.strip()}", where=pc.name)


def power_off(room: Room, pc: Pc) -> None:
    """Pull a PC's plug, if it is on.

    :raises LabError: if it does not end.
    """
    end(room.of(pc) / PID)


def end(pid_file: Path) -> None:
    """End the QEMU that has a file for its process id, if it runs.

    :raises LabError: if it does not end.
    """
    deadline = time.monotonic() + OFF_SECONDS
    pid = process_with(os.fsencode(pid_file))
    if pid is None:
        return
    with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
        os.kill(pid, signal.SIGKILL)
    while _holds_anything(pid):
        if time.monotonic() > deadline:
            raise LabError(f"process {pid} does not end", where=pid_file.parent.name)
        time.sleep(0.02)


def _holds_anything(pid: int) -> bool:
    """Say whether a process still has files open, such as a disk; a zombie has none (proc(5)).

    Its first thread may be one while another still ends.
    """
    for thread in Path(f"/proc/{pid}/task").glob("*"):
        with contextlib.suppress(OSError):  # it ended
            if (thread / "stat").read_text().rpartition(")")[2].split()[0] not in {"Z", "X"}:
                return True
    return False


def shut_down(room: Room, pc: Pc) -> None:
    """Press a PC's power button; its system does the rest."""
    ask(room.of(pc), "system_powerdown")


def reset(room: Room, pc: Pc) -> None:
    """Press a PC's reset button."""
    ask(room.of(pc), "system_reset")


def set_cable(room: Room, pc: Pc, *, plugged: bool) -> None:
    """Pull a running PC's network cable, or plug it in again."""
    ask(room.of(pc), "set_link", name="card", up=plugged)


def serial(room: Room, pc: Pc) -> str:
    """Give all that a PC said on its serial line since its disk is new."""
    path = room.of(pc) / SERIAL
    return path.read_text(errors="replace") if path.exists() else ""


def running(room: Room, pc: Pc) -> int | None:
    """Give the process that is a PC; None if it is off."""
    return process_with(os.fsencode(room.of(pc) / PID))


def process_with(word: bytes) -> int | None:
    """Give a process by a word of its command line that no other has.

    A number that was written down may be another process by now.
    """
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it ended
            if word in (path / "cmdline").read_bytes().split(b"\0"):
                return int(path.name)
    return None
