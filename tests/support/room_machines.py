"""The two ends of a room's multicast, as processes: ``server`` and ``pc``. They say JSON lines."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from ictops.imaging.agent.fetch import Deliver, Source
from ictops.imaging.agent.room import RoomSource
from ictops.imaging.service.multicast import Multicast, Setting
from ictops.imaging.service.sender import Line
from ictops.imaging.wire import strict
from ictops.imaging.wire.index import ImageIndex, unpack
from ictops.imaging.wire.job import ImageRef, Job
from ictops.imaging.wire.job import Multicast as Group
from ictops.imaging.wire.said import Ready, Session
from tests.support.imaging import Peer

SERVER = "10.99.0.1"
PORT = 8080


def say(**what: Any) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


class Lines(logging.Handler):
    """What the service logs, as it is said."""

    def emit(self, record: logging.LogRecord) -> None:
        say(log=record.getMessage())


def job_of(address: str, group: str, members: int) -> Job:
    """Give the job of the PC at an address."""
    number = int(address.rsplit(".", 1)[1])
    mac = f"02:00:00:00:00:{number:02x}"
    return Job(
        1, str(uuid.UUID(int=number)), "image", f"pc{number}", "site", mac,
        None, "2026-01-01T00:00:00+00:00", "2027-01-01T00:00:00+00:00",
        image=ImageRef("image", "1", "0" * 64), multicast=Group(group, members),
    )  # fmt: skip


def server(packs: Path, bits: int) -> None:
    logging.basicConfig(level=logging.INFO, handlers=[Lines()])
    multicast = Multicast(Setting(Line("eth0", bits), packs))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            _, address, group, members = self.path.split("/")
            body = self.rfile.read(int(self.headers["Content-Length"]))
            job = job_of(address, group, int(members))
            answer = strict.dumps(multicast.join(job, strict.loads(Ready, body)))
            self._give(200, answer)

        def do_GET(self) -> None:
            first, last = map(int, self.headers["Range"].removeprefix("bytes=").split("-"))
            with (packs / self.path.removeprefix("/packs/")).open("rb") as file:
                file.seek(first)
                self._give(206, file.read(last - first + 1), f"bytes {first}-{last}/*")

        def _give(self, status: int, body: bytes, part: str = "") -> None:
            self.send_response(status)
            if part:
                self.send_header("Content-Range", part)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 64

    http = Server((SERVER, PORT), Handler)
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=http.shutdown).start())
    say(serves=True)
    http.serve_forever()
    multicast.stop()
    say(stopped=True)
    os._exit(0)  # threads of requests that nobody waits for


class Counted(Source):
    """Fetches as the agent does, and tells what was fetched."""

    def pieces(
        self, index: ImageIndex, wanted: Sequence[int], deliver: Deliver, connections: int = 2
    ) -> list[Callable[[], None]]:
        def fetched(number: int, data: bytearray) -> None:
            alone.add(number)
            deliver(number, data)

        return super().pieces(index, wanted, fetched, connections)


alone: set[int] = set()
"""Pieces that came by unicast."""


def pc(
    file: Path, target: Path, group: str, members: int, address: str, *, slow: float, spool: int,
    socket: str, token: str,
) -> None:  # fmt: skip
    index = unpack(file.read_bytes())
    starts, at = [], 0
    for pack in index.packs:
        starts.append(at)
        at += pack.size
    disk = os.open(target, os.O_RDWR | os.O_CREAT)
    got = {"multicast": 0, "unicast": 0}

    def write(number: int, data: bytearray) -> None:
        piece = index.pieces[number]
        if number not in alone:
            time.sleep(slow)
        os.pwrite(disk, data, starts[piece.pack] + piece.offset)
        got["unicast" if number in alone else "multicast"] += len(data)
        say(piece=number)

    def ask(ready: Ready) -> Session:
        link = Peer(socket) if socket else HTTPConnection(SERVER, PORT, timeout=60)
        path = "/v1/ready" if socket else f"/{address}/{group}/{members}"
        link.request("POST", path, strict.dumps(ready), {"Authorization": f"Bearer {token}"})
        answer = link.getresponse().read()
        link.close()
        return strict.loads(Session, answer)

    room = RoomSource(
        group, Counted(f"http://{SERVER}:{PORT}"), ask, lambda text: say(note=text), spool
    )
    (work,) = room.pieces(index, range(len(index.pieces)), write)
    work()
    say(done=True, **got)


def main() -> None:
    parser = argparse.ArgumentParser()
    roles = parser.add_subparsers(dest="role", required=True)
    one = roles.add_parser("server")
    one.add_argument("packs", type=Path)
    one.add_argument("bits", type=int)
    one = roles.add_parser("pc")
    one.add_argument("file", type=Path)
    one.add_argument("target", type=Path)
    one.add_argument("group")
    one.add_argument("members", type=int)
    one.add_argument("address")
    one.add_argument("--socket", default="")
    one.add_argument("--token", default="")
    one.add_argument("--slow", type=float, default=0)
    one.add_argument("--spool", type=int, default=64 * 2**20)
    asked = vars(parser.parse_args())
    {"server": server, "pc": pc}[asked.pop("role")](**asked)


if __name__ == "__main__":
    main()
