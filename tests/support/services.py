"""What messages are sent to: a real mail server and a real web server, on loopback."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

LOOPBACK = "127.0.0.1"


def free_port() -> int:
    """Give a port of loopback that nobody listens at."""
    with socket.create_server((LOOPBACK, 0)) as one:
        port: int = one.getsockname()[1]
    return port


@dataclass
class Asked:
    """A request that a web server got."""

    method: str
    path: str
    body: str


@dataclass
class Web:
    """A web server; ``answer`` is the code that it gives, ``then`` is done before it does."""

    port: int = 0
    answer: int = 200
    asked: list[Asked] = field(default_factory=list)
    then: Callable[[], None] = lambda: None

    @contextmanager
    def running(self) -> Iterator[Web]:
        """Serve, at the same port as before if there was one."""
        web = self

        class Handler(BaseHTTPRequestHandler):
            def _answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                body = self.rfile.read(length).decode()
                web.asked.append(Asked(self.command, self.path, body))
                web.then()
                self.send_response(web.answer)
                if web.answer in {301, 302}:
                    self.send_header("Location", f"http://{LOOPBACK}:{web.port}/elsewhere")
                self.end_headers()

            do_GET = do_POST = _answer  # noqa: N815 - the names that http.server looks for

            def log_message(self, *_: Any) -> None:
                """Keep the tests' output clean."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

        with Server((LOOPBACK, self.port), Handler) as server:
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever, args=(0.02,))
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()

    @property
    def place(self) -> str:
        return f"{LOOPBACK}:{self.port}"


@dataclass
class Mail:
    """A mail server; ``refuse`` is what it says instead of taking mail."""

    port: int = 0
    user: str = "ictops"
    password: str = "s3cret-Mail-pass"
    refuse: str = ""
    login: bool = True
    got: list[EmailMessage] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd looks for
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        if self.refuse:
            return self.refuse
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        self.got.append(message_from_bytes(content, policy=policy.default))  # type: ignore[arg-type]
        self.to.append(list(envelope.rcpt_tos))
        return "250 OK"

    def _login(
        self, _server: SMTP, _session: Session, _envelope: Envelope, _how: str, data: Any
    ) -> AuthResult:
        right = (data.login, data.password) == (self.user.encode(), self.password.encode())
        return AuthResult(success=right, handled=False)

    @contextmanager
    def running(self) -> Iterator[Mail]:
        # aiosmtpd takes no port 0.
        self.port = self.port or free_port()
        controller = Controller(
            self, hostname=LOOPBACK, port=self.port, authenticator=self._login,
            auth_require_tls=False, auth_required=self.login,
        )  # fmt: skip
        controller.start()
        try:
            yield self
        finally:
            controller.stop()

    @property
    def place(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        """Where apprise sends to, with the password."""
        return (
            f"mailto://{self.user}:{self.password}@{self.place}"
            f"?from=ictops@school.uk&to=head@school.uk"
        )
