"""The PC that the agent runs on: all that needs a real one."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ictops.imaging.agent.boot import EfiEntries, Entries, NoEntries
from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.hardware import hardware, memory, uuid
from ictops.imaging.wire.said import Hardware

_LIBC = ctypes.CDLL(None, use_errno=True)
_COMMANDS = {"reboot": 0x01234567, "poweroff": 0x4321FEDC}
"""See reboot(2)."""


def _leave(then: Literal["reboot", "poweroff"]) -> None:
    os.sync()
    _LIBC.reboot(_COMMANDS[then])


def _show(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the screen of the PC


@dataclass(frozen=True)
class Machine:
    """A PC."""

    mac: str
    uuid: str
    hardware: Hardware
    entries: Entries = field(default_factory=NoEntries)
    open_disk: Callable[[Path], Disk] = Disk
    free_memory: Callable[[], int] = lambda: memory("MemAvailable")
    leave: Callable[[Literal["reboot", "poweroff"]], None] = _leave
    show: Callable[[str], None] = _show


def this_pc(mac: str) -> Machine:
    """Give the PC that this runs on.

    :param mac: of the card that it booted from; with none, its first card's.
    """
    found = hardware()
    mac = mac or next(iter(found.macs), "")
    entries = EfiEntries() if found.firmware == "uefi" else NoEntries()
    return Machine(mac, uuid(mac), found, entries)
