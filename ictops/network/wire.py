"""The TCP connection to a switch, read as far as it goes and handed out in pieces."""

from __future__ import annotations

import socket

READ_BYTES = 65_536


class BufferedSocket(socket.socket):
    """A socket that asks the system once for all that has come.

    A switch echoes what is typed a character at a time, each in an SSH packet of its own, and
    paramiko reads a packet in two or three pieces. Each piece would be a call of the system, at
    which a thread gives up Python's lock; with a hundred threads, waiting for it again is what
    takes the time.
    """

    def __init__(self, plain: socket.socket) -> None:
        """Take over a socket that is connected."""
        seconds = plain.gettimeout()
        super().__init__(plain.family, plain.type, plain.proto, fileno=plain.detach())
        self.settimeout(seconds)
        self._data = b""
        self._at = 0

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Give what has come, at most so many bytes; nothing at the end.

        :raises TimeoutError: if nothing comes in the time that was set.
        """
        if self._at == len(self._data):
            self._data, self._at = super().recv(READ_BYTES, flags), 0
        data = self._data[self._at : self._at + size]
        self._at += len(data)
        return data


def dial(address: str, port: int, seconds: float) -> BufferedSocket:
    """Connect, waiting that many seconds at the most for each address of a name.

    :raises OSError: if nobody answers.
    """
    return BufferedSocket(socket.create_connection((address, port), timeout=seconds))
