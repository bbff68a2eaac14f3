"""Steering a farm while it runs: a line of JSON asks, a line of JSON answers.

The socket lies in the farm's folder and is its owner's alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ictops.errors import LabError
from ictops.lab.farm.device import Device
from ictops.lab.farm.files import CONTROL
from ictops.lab.farm.model import Faults
from ictops.lab.farm.trees import config_lines

LINE_BYTES = 16 * 1024 * 1024
ANSWER_SECONDS = 30


def _get(device: Device, _asked: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "running": config_lines(device.kind, device.running),
        "startup": config_lines(device.kind, device.startup),
        "faults": device.faults.model_dump(exclude_defaults=True),
        "pending": device.pending,
        "sessions": len(device.sessions),
        "logins": device.logins,
        "boots": device.boots,
        "down": device.down,
        "silent": device.silent,
    }


def _log(device: Device, _asked: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "lines": [
            {"at": one.at.isoformat(), "session": one.session, "mode": one.mode, "line": one.line}
            for one in device.log
        ]
    }


def _fault(device: Device, asked: Mapping[str, Any]) -> dict[str, Any]:
    wanted = device.faults.model_dump() | dict(asked.get("faults") or {})
    device.set_faults(Faults.model_validate(wanted))
    return {}


def _clear(device: Device, _asked: Mapping[str, Any]) -> dict[str, Any]:
    device.set_faults(Faults())
    return {}


def _state(device: Device, _asked: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "faults": device.faults.model_dump(exclude_defaults=True),
        "down": device.down,
        "unplugged": device.unplugged,
    }


def _unplug(device: Device, _asked: Mapping[str, Any]) -> dict[str, Any]:
    device.unplug()
    return {}


def _plug_in(device: Device, _asked: Mapping[str, Any]) -> dict[str, Any]:
    device.plug_in()
    return {}


def _reboot(device: Device, _asked: Mapping[str, Any]) -> dict[str, Any]:
    device.reboot()
    return {}


_ORDERS: dict[str, Callable[[Device, Mapping[str, Any]], dict[str, Any]]] = {
    "get": _get,
    "log": _log,
    "fault": _fault,
    "clear": _clear,
    "reboot": _reboot,
    "state": _state,
    "unplug": _unplug,
    "plug_in": _plug_in,
}


def answer(devices: Mapping[str, Device], line: bytes) -> dict[str, Any]:
    """Carry out what a line asks for, and give the answer."""
    try:
        asked = json.loads(line)
        order = _ORDERS[asked["do"]]
        device = devices[asked["device"]]
        return {"ok": True, **order(device, asked)}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        what = str(error) if isinstance(error, ValidationError) else repr(error)
        return {"ok": False, "error": what}


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    """Give a name of the socket that is short wherever the folder is: unix(7) takes 107 bytes."""
    opened = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{opened}/{CONTROL}"
    finally:
        os.close(opened)


@asynccontextmanager
async def serve(folder: Path, devices: Mapping[str, Device]) -> AsyncIterator[None]:
    """Answer on the farm's socket for as long as this lasts."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(answer(devices, line)).encode() + b"\n")
                await writer.drain()
        finally:
            writer.close()

    (folder / CONTROL).unlink(missing_ok=True)
    before = os.umask(0o177)  # so that the socket is never anybody else's, not even at first
    try:
        with _short(folder) as path:
            server = await asyncio.start_unix_server(talk, path, limit=LINE_BYTES)
    finally:
        os.umask(before)
    try:
        yield
    finally:
        server.close()
        (folder / CONTROL).unlink(missing_ok=True)


class Control:
    """The other end: what a test or a benchmark steers a farm by."""

    def __init__(self, folder: Path) -> None:
        """Belong to the farm of a folder."""
        self._folder = folder

    def ask(self, do: str, device: str, **more: object) -> dict[str, Any]:
        """Ask for one of what a farm can be asked for, and give the answer.

        :raises LabError: if the farm does not answer, or says no.
        """
        asked = json.dumps({"do": do, "device": device, **more})
        try:
            with (
                _short(self._folder) as path,
                socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection,
            ):
                connection.settimeout(ANSWER_SECONDS)
                connection.connect(path)
                connection.sendall(asked.encode() + b"\n")
                with connection.makefile("rb") as answers:
                    told: dict[str, Any] = json.loads(answers.readline() or b"null") or {}
        except OSError as error:
            what = f"the farm does not answer: {error.strerror or error}"
            raise LabError(what, where=str(self._folder)) from error
        if not told.pop("ok", False):
            raise LabError(f"the farm says: {told.get('error', 'nothing')}", where=device)
        return told

    def get(self, device: str) -> dict[str, Any]:
        """Give a switch's configurations as lines, and how it is."""
        return self.ask("get", device)

    def log(self, device: str) -> list[str]:
        """Give the lines that a switch was given."""
        return [one["line"] for one in self.ask("log", device)["lines"]]

    def fault(self, device: str, **faults: object) -> None:
        """Set some of a switch's faults, as :class:`~ictops.lab.farm.model.Faults` names them."""
        self.ask("fault", device, faults=faults)

    def clear(self, device: str) -> None:
        """Take all faults of a switch back."""
        self.ask("clear", device)

    def reboot(self, device: str) -> None:
        """Reboot a switch now."""
        self.ask("reboot", device)

    def state(self, device: str) -> dict[str, Any]:
        """Give a switch's ``faults``, and whether it is ``down`` and ``unplugged``."""
        return self.ask("state", device)

    def unplug(self, device: str) -> None:
        """Pull a switch's plug."""
        self.ask("unplug", device)

    def plug_in(self, device: str) -> None:
        """Plug a switch in again, if it is not; one that reboots is there at once."""
        self.ask("plug_in", device)
