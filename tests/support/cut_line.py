"""A line between two programs of this machine, that can be cut while something goes over it."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

BLOCK = 1 << 16


class Line:
    """Passes on what comes to its port, until so many bytes went by.

    :ivar port: where it listens, on loopback.
    """

    def __init__(self, to: int) -> None:
        self._to = to
        self._left = -1
        self._cut = threading.Event()
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_after(self, number: int) -> None:
        """Cut it once so many more bytes went by."""
        self._left = number

    def wait_until_cut(self, seconds: float) -> bool:
        """Wait, and say whether it was cut."""
        return self._cut.wait(seconds)

    def mend(self) -> None:
        """Let everything through again."""
        self._left = -1
        self._cut.clear()

    def close(self) -> None:
        """End it for good."""
        self._listener.close()
        self._drop()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                if self._cut.is_set():
                    near.close()
                    continue
                try:
                    far = socket.create_connection(("127.0.0.1", self._to))
                except OSError:
                    near.close()
                    continue
                with self._guard:
                    self._open |= {near, far}
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._pass, args=(one, other), daemon=True).start()

    def _pass(self, one: socket.socket, other: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := one.recv(BLOCK):
                if self._left >= 0:
                    self._left -= len(data)
                    if self._left < 0 and not self._cut.is_set():
                        self._cut.set()
                        self._drop()
                        return
                other.sendall(data)
        for each in (one, other):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def _drop(self) -> None:
        with self._guard:
            for one in self._open:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
            self._open.clear()


@contextmanager
def line_to(port: int) -> Iterator[Line]:
    """Give a line to a port of this machine."""
    line = Line(port)
    try:
        yield line
    finally:
        line.close()
