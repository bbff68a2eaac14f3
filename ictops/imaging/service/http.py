"""HTTP over a Unix socket: JSON or bytes in POSTs, each answered by one function.

nginx stands before the agents' socket and has read a whole request before it passes it on.
"""

from __future__ import annotations

import logging
import re
import socketserver
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

from ictops.imaging.service.desk import Desk
from ictops.imaging.service.refused import Refused
from ictops.imaging.wire import strict
from ictops.imaging.wire.said import (
    LARGEST_SENT,
    Answer,
    Captured,
    Claim,
    End,
    Fault,
    Have,
    HostKeys,
    Progress,
    Ready,
)
from ictops.imaging.wire.state import Arm, Look, Wait

log = logging.getLogger(__name__)

SECONDS = 20
"""How long a peer may say nothing."""
AT_ONCE = 256
"""Requests that are answered at once; some of them wait."""
LONGEST = 16 * 1024 * 1024
"""Bytes of a message that are read before it is refused."""
_LENGTH = re.compile(r"[0-9]{1,9}")
_BEARER = re.compile(r"Bearer ([A-Za-z0-9_-]{20,100})")


@dataclass(frozen=True, slots=True)
class Route:
    """What is read at a path, and who answers it."""

    message: type[Any]
    """Bytes are no JSON: the path then has one word more, which is told before them."""
    answer: Callable[..., Any]
    token: bool = False
    """Whether only a session may ask; its token is then the first argument."""
    most: int = 64 * 1024
    """Bytes of a message."""


def agent_routes(desk: Desk) -> dict[str, Route]:
    """Give what agents may say, by path."""
    return {
        "/v1/claim": Route(Claim, desk.claim),
        "/v1/progress": Route(Progress, desk.progress, token=True),
        "/v1/host-keys": Route(HostKeys, desk.host_keys, token=True),
        "/v1/secret": Route(Answer, desk.secret, token=True),
        "/v1/ready": Route(Ready, desk.ready, token=True),
        "/v1/have": Route(Have, desk.have, token=True),
        "/v1/piece/": Route(bytes, desk.piece, token=True, most=LARGEST_SENT),
        "/v1/captured": Route(Captured, desk.captured, token=True, most=1024 * 1024),
        "/v1/end": Route(End, desk.end, token=True, most=1024 * 1024),
    }


def admin_routes(desk: Desk) -> dict[str, Route]:
    """Give what the administrator may say, by path."""
    return {
        "/arm": Route(Arm, desk.arm, most=4 * 1024 * 1024),
        "/look": Route(Look, desk.look),
        "/wait": Route(Wait, desk.wait),
        "/cancel": Route(Look, desk.cancel),
    }


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """Answers at a Unix socket, a thread a request."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, path: Path, mode: int, routes: Mapping[str, Route]) -> None:
        self.routes = routes
        self._free = threading.BoundedSemaphore(AT_ONCE)
        path.unlink(missing_ok=True)
        super().__init__(str(path), _Handler)
        path.chmod(mode)  # until here only its owner's umask lets others in: see __main__

    def process_request(self, request: Any, client_address: Any) -> None:
        if not self._free.acquire(blocking=False):
            log.warning("too much is asked at once")
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002
        log.warning("a request came to nothing: %r", sys.exception())


class _Handler(BaseHTTPRequestHandler):
    server: Server
    timeout = SECONDS
    server_version = "ictops-imaging"
    sys_version = ""

    def do_POST(self) -> None:
        try:
            self._say(200, self._answer())
        except Refused as refused:
            self._say(refused.status, Fault(refused.fault))
        except TimeoutError:
            self._say(408, Fault("nothing more came"))
        except Exception:
            # Whatever it is, the one who asked is answered and the next one is, too.
            log.exception("%s failed", self.path.split("?")[0][:40])
            self._say(500, Fault("the boot server has failed; its log says why"))

    def _answer(self) -> Any:
        folder, slash, word = self.path.rpartition("/")
        route = self.server.routes.get(self.path) or self.server.routes.get(folder + slash)
        body = self._read(route.most if route else 0)
        if route is None:
            raise Refused(404, "there is nothing here")
        arguments: list[Any] = []
        if route.token:
            bearer = _BEARER.fullmatch(self.headers.get("Authorization", ""))
            if bearer is None:
                raise Refused(401, "a token is wanted")
            arguments.append(bearer[1])
        if body is None:
            raise Refused(413, f"a message has {route.most} bytes at most")
        if route.message is bytes:
            return route.answer(*arguments, word, body)
        try:
            arguments.append(strict.loads(route.message, body))
        except strict.NotAsAgreed as error:
            raise Refused(400, str(error)[:1000]) from error
        return route.answer(*arguments)

    def _read(self, most: int) -> bytes | None:
        """Give the message, or nothing if it is too long.

        It is read whatever becomes of it: a peer that is answered before it has spoken hears of a
        broken connection instead of the answer.
        """
        said = self.headers.get("Content-Length", "")
        if "Transfer-Encoding" in self.headers or not _LENGTH.fullmatch(said):
            raise Refused(411, "how long the message is must be said")
        length = left = int(said)
        body = bytearray()
        while left and length <= LONGEST:
            more = self.rfile.read(min(left, 64 * 1024))
            if not more:
                raise Refused(400, "the message is cut off")
            left -= len(more)
            if length <= most:
                body += more
        return bytes(body) if length <= most else None

    def _say(self, status: int, value: Any) -> None:
        body = strict.dumps(value)
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:  # noqa: ARG002
        """Say in JSON what is wrong with a request that is no POST, or no HTTP."""
        self._say(code, Fault("only well-formed POST requests are answered"))

    def address_string(self) -> str:
        return "-"  # a Unix socket's peer has no address

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        log.debug(format, *args)
