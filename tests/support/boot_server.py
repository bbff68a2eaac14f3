"""A boot server in this process: files over HTTP that can fail in every way, a session over TLS."""

from __future__ import annotations

import http.server
import ipaddress
import re
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from ictops.imaging.service.desk import Desk
from ictops.imaging.service.http import agent_routes
from ictops.imaging.service.refused import Refused
from ictops.imaging.wire import said, strict
from ictops.imaging.wire.job import Job
from ictops.imaging.wire.signature import sign

Spoil = Callable[[str, int, bytes], bytes | None]
"""Given the path, the first byte and the bytes of an answer: what is sent; None cuts it at once."""


class _Quiet(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.open_: set[Any] = set()

    def process_request(self, request: Any, client_address: Any) -> None:
        self.open_.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self.open_.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: agents that are killed, and cut connections, are part of the tests."""


@dataclass
class Files:
    """Gives out a folder's files, and counts what it sends."""

    root: Path
    spoil: Spoil | None = None
    hide: str | None = None
    """What a path begins with that is not there."""
    sent: int = 0
    """Bytes of packs."""
    sent_in_all: int = 0
    asked: list[str] = field(default_factory=list)
    port: int = 0
    _server: _Quiet | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server = _Quiet(("127.0.0.1", self.port), self._handler())
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Go away as a server that is restarted: connections are cut, the port is closed."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            for one in list(self._server.open_):
                self._server.shutdown_request(one)
            self._server = None

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        files = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                files.asked.append(self.path)
                path = files.root / unquote(self.path).lstrip("/")
                hidden = files.hide is not None and self.path.startswith(files.hide)
                if hidden or not path.is_file():
                    self.send_response(404)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                data = path.read_bytes()
                size, first = len(data), 0
                if match := re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", "")):
                    first, last = int(match[1]), int(match[2])
                    data = data[first : last + 1]
                    self.send_response(206)
                    self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
                else:
                    self.send_response(200)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                whole = len(data)
                if files.spoil is not None:
                    data = files.spoil(self.path, first, data) or b""
                self.wfile.write(data)
                files.sent_in_all += len(data)
                if self.path.startswith("/packs/"):
                    files.sent += len(data)
                self.close_connection = len(data) < whole

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


@dataclass
class Sessions:
    """What a boot server says, to one PC, over TLS."""

    ca: Path
    _key: Path
    job: str = ""
    signature: str = ""
    refuse: tuple[int, str] | None = None
    heard: list[tuple[str, Any]] = field(default_factory=list)
    secret: str = "s3cret"
    desk: Desk | None = None
    """The real service's rules, instead of these."""
    slow: Callable[[str], object] | None = None
    """Called with a message's path; if it says so, the message is not heard."""
    port: int = 0
    _server: _Quiet | None = None

    @classmethod
    def make(cls, folder: Path) -> Sessions:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"subjectAltName=IP:{ipaddress.ip_address('127.0.0.1')}"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", folder / "tls.key", "-out", folder / "ca.crt", "-days", "2",
             "-subj", "/CN=boot", "-addext", name],
            check=True, capture_output=True,
        )  # fmt: skip
        return cls(folder / "ca.crt", folder / "tls.key")

    def arm(self, job: Job, key: Path) -> None:
        text = strict.dumps(job)
        self.job, self.signature = text.decode(), sign(text, "ictops-job", key)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def ends(self) -> list[said.End]:
        return [one for _, one in self.heard if isinstance(one, said.End)]

    def start(self) -> None:
        self._server = _Quiet(("127.0.0.1", self.port), self._handler())
        self.port = self._server.server_address[1]
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(self.ca, self._key)
        self._server.socket = tls.wrap_socket(
            self._server.socket, server_side=True, do_handshake_on_connect=False
        )
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def _ask_desk(self, desk: Desk, path: str, data: bytes, token: str) -> tuple[int, Any]:
        folder, slash, word = path.rpartition("/")
        route = agent_routes(desk)[f"/v1/{folder}{slash}" if slash else f"/v1/{path}"]
        said_before = [token.removeprefix("Bearer ")] if route.token else []
        told = (word, data) if route.message is bytes else (strict.loads(route.message, data),)
        try:
            return 200, route.answer(*said_before, *told)
        except Refused as refused:
            return refused.status, said.Fault(refused.fault)

    def _answer(self, path: str, data: bytes, token: str) -> tuple[int, Any]:
        if self.desk is not None:
            return self._ask_desk(self.desk, path, data, token)
        if self.refuse is not None and path == "claim":
            return self.refuse[0], said.Fault(self.refuse[1])
        if path == "claim":
            self.heard.append((path, strict.loads(said.Claim, data)))
            return 200, said.Claimed(self.job, self.signature, "token")
        if token != "Bearer token":
            return 401, said.Fault("who is that?")
        kinds = {"progress": said.Progress, "host-keys": said.HostKeys, "end": said.End}
        if path == "secret":
            return 200, said.Secret(self.secret)
        if path == "ready":
            self.heard.append((path, strict.loads(said.Ready, data)))
            return 200, said.Session(unicast="this boot server has no multicast")
        message: Any = strict.loads(kinds[path], data)
        if self.slow is not None and self.slow(path):
            return 503, said.Fault("too late")
        self.heard.append((path, message))
        return 200, said.Answer()

    def _handler(self) -> type[http.server.BaseHTTPRequestHandler]:
        sessions = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                data = self.rfile.read(int(self.headers["Content-Length"]))
                status, answer = sessions._answer(
                    self.path.removeprefix("/v1/"), data, self.headers.get("Authorization", "")
                )
                text = strict.dumps(answer)
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        return Handler


@contextmanager
def boot_server(root: Path, keys: Path) -> Iterator[tuple[Files, Sessions]]:
    """Run both while the block runs."""
    files, sessions = Files(root), Sessions.make(keys)
    files.start()
    sessions.start()
    try:
        yield files, sessions
    finally:
        files.stop()
        sessions.stop()
