"""Talking to a virtual PC's QEMU (QEMU's "QMP protocol specification")."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

from ictops.errors import LabError

SOCKET = "qmp"
SECONDS = 10.0


def ask(folder: Path, command: str, **arguments: object) -> Any:
    """Let a PC's QEMU do something, and give its answer.

    :raises LabError: if it does not answer, or refuses.
    """
    # A socket's path may have 107 bytes, and a lab can lie deeper: so the folder is named short.
    there = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(SECONDS)
            line.connect(f"/proc/self/fd/{there}/{SOCKET}")
            with line.makefile("rw") as talk:
                talk.readline()  # its greeting
                _say(talk, "qmp_capabilities", {})
                return _say(talk, command, arguments)
    except (OSError, ValueError) as error:
        raise LabError(f"the virtual PC does not answer: {error}", where=folder.name) from error
    finally:
        os.close(there)


def _say(talk: Any, command: str, arguments: dict[str, object]) -> Any:
    talk.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    talk.flush()
    while line := talk.readline():
        answer = json.loads(line)
        if "error" in answer:
            raise LabError(f"{command}: {answer['error'].get('desc')}")
        if "return" in answer:
            return answer["return"]  # all else are events
    if command == "quit":
        return {}  # it was quicker than its answer
    raise LabError(f"{command}: the virtual PC ended")
