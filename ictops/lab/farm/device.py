"""A simulated switch as it is now: its configurations, its timers, who is logged in."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Protocol

from ictops.lab.farm.carried import reachable
from ictops.lab.farm.config import Lines
from ictops.lab.farm.kind import Kind, load_kind
from ictops.lab.farm.model import DeviceModel, Faults
from ictops.lab.farm.plane import Bridge
from ictops.lab.farm.trees import read_config

LOG_LINES = 10_000
"""Of the lines that a switch was given, so many are kept."""


class Terminal(Protocol):
    """A session, as the switch sees it."""

    def resume(self) -> None:
        """Go on after a silence."""

    def drop(self) -> None:
        """End at once, without a word."""


@dataclass(frozen=True, slots=True)
class Logged:
    """A line that a switch was given."""

    at: datetime
    session: int
    mode: str
    line: str


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the clock of a farm's switches runs."""

    time_scale: float
    boot_seconds: float


class Device:
    """A simulated switch."""

    def __init__(self, model: DeviceModel, pace: Pace) -> None:
        """Switch it on; it runs what ``model.running`` says, and starts with its startup.

        :raises LabError: if there is none of its kind, or its data plane is not there.
        """
        self.model = model
        self.kind: Kind = load_kind(model.platform)
        self.pace = pace
        self.running: Lines = read_config(self.kind, model.running)
        self.startup: Lines = (
            self.running if model.startup is None else read_config(self.kind, model.startup)
        )
        self.faults: Faults = model.faults
        self.sessions: set[Terminal] = set()
        self.log: deque[Logged] = deque(maxlen=LOG_LINES)
        self.logins = 0
        self.boots = 1
        self.down = False
        self.unplugged = False
        self.changed_by = model.user
        self.changed_at = self.saved_at = self.booted_at = datetime.now(UTC)
        self.checkpoints: dict[str, Lines] = {}
        self.candidates: dict[str, Lines] = {}
        """Configurations that are being written and do not run yet, by name."""
        self.history: deque[Lines] = deque(maxlen=50)
        """What ran before, the latest first, where the switch keeps that."""
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._lines_to_drop = model.faults.drop_at_line
        self._original = self.running
        self._bridge = (
            None
            if model.plane is None
            else Bridge(model.name, self.kind, model.plane, self._original)
        )
        self._reached = self._carries()

    @property
    def name(self) -> str:
        """Its name in the farm; its own hostname may be another."""
        return self.model.name

    @cached_property
    def serial(self) -> str:
        """A serial number, always the same for the same name."""
        return "SIM" + hashlib.sha256(self.name.encode()).hexdigest()[:8].upper()

    @cached_property
    def mac(self) -> str:
        """A locally administered MAC address, always the same for the same name."""
        digest = hashlib.sha256(self.name.encode()).hexdigest()
        return ":".join(["02", *(digest[at : at + 2] for at in range(0, 10, 2))])

    @property
    def latency(self) -> float:
        """Seconds before each answer."""
        return self.model.latency if self.faults.latency is None else self.faults.latency

    @property
    def silent(self) -> bool:
        """Whether nothing gets through to it, though it runs."""
        return self.faults.hang or not self._reached

    @property
    def pending(self) -> list[str]:
        """What its clock will do: ``revert``, ``reload``."""
        return sorted(self._timers)

    def set_running(self, lines: Lines, by: str) -> None:
        """Run another configuration from now on."""
        if lines == self.running:
            return
        self.running = lines
        self.changed_at = datetime.now(UTC)
        self.changed_by = by
        was_silent = self.silent
        self._reached = self._carries()
        self._wake(was_silent)

    def save(self) -> None:
        """Store the running configuration as the one to start with."""
        self.startup = self.running
        self.saved_at = datetime.now(UTC)

    def set_faults(self, faults: Faults) -> None:
        """Have these faults from now on and no others."""
        was_silent = self.silent
        if faults.drop_at_line != self.faults.drop_at_line or self._lines_to_drop is None:
            self._lines_to_drop = faults.drop_at_line
        self.faults = faults
        self._wake(was_silent)

    def ends_session(self) -> bool:
        """Count a line of configuration; give whether a session ends with it."""
        if self._lines_to_drop is None:
            return False
        self._lines_to_drop -= 1
        if self._lines_to_drop > 0:
            return False
        self._lines_to_drop = None
        self.faults = self.faults.model_copy(update={"drop_at_line": None})
        return True

    def drops_at(self, line: str) -> bool:
        """Give whether a session ends with this line, of whatever mode; that is over then."""
        wanted = self.faults.drop_at
        if wanted is None or re.search(wanted, line) is None:
            return False
        self.faults = self.faults.model_copy(update={"drop_at": None})
        return True

    def arm(self, name: str, seconds: float, then: Callable[[], None]) -> None:
        """Do something later by the switch's clock; what had that name before is forgotten."""
        self.disarm(name)

        def due() -> None:
            self._timers.pop(name, None)
            then()

        loop = asyncio.get_running_loop()
        self._timers[name] = loop.call_later(seconds * self.pace.time_scale, due)

    def disarm(self, name: str) -> bool:
        """Forget what was to be done; give whether there was something."""
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()
        return timer is not None

    def unplug(self) -> None:
        """Take the power away; what runs and is not stored is lost."""
        if self._bridge is not None:
            self._bridge.go_dark()
        self.off()
        self.down = self.unplugged = True

    def plug_in(self) -> None:
        """Have it run what it has stored, at once, if it is without power or reboots."""
        if self.down:
            self.disarm("boot")
            self.unplugged = False
            self._booted()

    def reboot(self) -> None:
        """End all sessions, be away for a while, and come back with the startup configuration."""
        if self.unplugged:
            return
        if self._bridge is not None:
            self._bridge.go_dark()
        self.off()
        self.down = True
        wait = self.pace.boot_seconds * self.pace.time_scale
        self._timers["boot"] = asyncio.get_running_loop().call_later(wait, self._booted)

    def off(self) -> None:
        """End all sessions and forget all timers."""
        for name in self.pending:
            self.disarm(name)
        for session in list(self.sessions):
            session.drop()
        self.sessions.clear()

    def _booted(self) -> None:
        self._timers.pop("boot", None)
        self.candidates.clear()
        self.boots += 1
        self.running = self.startup
        self.booted_at = self.changed_at = datetime.now(UTC)
        self._reached = self._carries()
        self.down = False

    def _carries(self) -> bool:
        """Carry what runs; give whether it leaves the switch reachable, as far as that is played.

        Behind a data plane packets come or do not: nothing is played.
        """
        if self._bridge is not None:
            self._bridge.carry(self.running)
            return True
        management = self.model.management
        return management is None or reachable(self.kind, management, self.running, self._original)

    def _wake(self, was_silent: bool) -> None:
        if was_silent and not self.silent:
            for session in list(self.sessions):
                session.resume()
