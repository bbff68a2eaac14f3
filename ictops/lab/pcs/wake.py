"""Waking a room's PCs by their network cards, while they are off (AMD's magic packet)."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from ictops.errors import LabError
from ictops.lab.pcs.model import Pc, Room
from ictops.lab.pcs.network import make_network, within
from ictops.lab.pcs.power import power_on, process_with

PORT = 9
"""UDP's discard, the usual one."""
MODULE = "ictops.lab.pcs.wake"
LISTENING, LOG, ROOM = "wake-listens", "wake.log", "wake.json"
START_SECONDS = 20.0


def listen(room: Room, pcs: Sequence[Pc]) -> None:
    """Let a process stand in for the network cards of a room's PCs that are off.

    :raises LabError: with its own words if it does not start.
    """
    ignore(room)
    make_network(room)
    folder = room.folder.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    (folder / ROOM).write_text(json.dumps([asdict(pc) for pc in pcs]))
    words = (sys.executable, "-m", MODULE, _mark(room), str(room.network))
    with (folder / LOG).open("wb") as log:
        process = subprocess.Popen(
            within(room, *words), stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START_SECONDS
    while not (folder / LISTENING).exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            process.wait()
            said = (folder / LOG).read_text(errors="replace").strip()
            raise LabError(f"nobody listens for magic packets: {said}", where=str(folder))
        time.sleep(0.02)


def ignore(room: Room) -> None:
    """End the process that :func:`listen` started, if there is one."""
    while (pid := process_with(_mark(room).encode())) is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        with suppress(ChildProcessError):  # it is somebody else's
            os.waitpid(pid, 0)
    (room.folder / LISTENING).unlink(missing_ok=True)


def woken_by(packet: bytes, pcs: Sequence[Pc]) -> list[Pc]:
    """Give the PCs that a packet wakes."""
    wanted = {pc.mac: b"\xff" * 6 + bytes.fromhex(pc.mac.replace(":", "")) * 16 for pc in pcs}
    return [pc for pc in pcs if wanted[pc.mac] in packet]


def _mark(room: Room) -> str:
    return str(room.folder.resolve() / LISTENING)


def main(mark: Path, room: Room) -> None:
    """Listen until this process is ended."""
    pcs = [Pc(**one) for one in json.loads((room.folder / ROOM).read_bytes())]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind(("", PORT))
        mark.touch()
        while True:
            for pc in woken_by(line.recv(2048), pcs):
                try:
                    power_on(room, pc)
                except LabError as error:
                    sys.stderr.write(f"{error}\n")  # the next one is to wake all the same
                    sys.stderr.flush()


if __name__ == "__main__":
    from ipaddress import IPv4Network

    place = Path(sys.argv[1])
    main(place, Room(place.parent, IPv4Network(sys.argv[2])))
