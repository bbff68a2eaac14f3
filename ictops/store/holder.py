"""Which process holds a run, told so that a later one can see whether it still lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Holder:
    """A process on a machine, from its boot to its end; process ids alone come back."""

    machine: str
    """Host name, boot and process namespace: processes can be looked up only inside one."""
    pid: int
    started: int
    """Clock ticks between boot and the start of the process (proc(5), field 22)."""

    def __str__(self) -> str:
        return f"{self.machine} {self.pid} {self.started}"

    @classmethod
    def parse(cls, text: str) -> Holder:
        machine, pid, started = text.rsplit(" ", 2)
        return cls(machine, int(pid), int(started))

    @classmethod
    def me(cls) -> Holder:
        return cls(_machine(), os.getpid(), _started(os.getpid()) or 0)

    def alive(self) -> bool | None:
        """Tell whether the process lives; None if that cannot be seen from here."""
        if self.machine != _machine():
            return None
        started = _started(self.pid)
        if started is None and _is_hidden(self.pid):
            return None
        return started == self.started


def _machine() -> str:
    boot = (PROC / "sys/kernel/random/boot_id").read_text().strip()
    namespace = os.stat(PROC / "self/ns/pid").st_ino  # noqa: PTH116 - follows the magic link
    return f"{socket.gethostname()}:{boot}:{namespace}"


def _is_hidden(pid: int) -> bool:
    """Tell whether it is another user's, and /proc shows only one's own (proc(5), hidepid)."""
    try:
        os.kill(pid, 0)
    except OSError as error:
        return isinstance(error, PermissionError)
    return False


def _started(pid: int) -> int | None:
    try:
        stat = (PROC / str(pid) / "stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(")")[2].split()  # the name before it may hold anything
    state, start = fields[0], fields[19]
    return None if state in "ZX" else int(start)
