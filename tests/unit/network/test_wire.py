"""A connection that is read as far as it goes and handed out in pieces."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from ictops.network.wire import BufferedSocket, dial


@pytest.fixture
def ends() -> Iterator[tuple[BufferedSocket, socket.socket]]:
    here, there = socket.socketpair()
    with BufferedSocket(here) as wire, there:
        yield wire, there


def test_pieces_come_in_order_whatever_is_asked_for(
    ends: tuple[BufferedSocket, socket.socket],
) -> None:
    wire, there = ends
    there.sendall(b"switch>show")
    assert wire.recv(6) == b"switch"
    there.sendall(b" version")
    assert wire.recv(100) == b">show"  # what is there comes first; nothing is lost
    assert wire.recv(100) == b" version"
    there.close()
    assert wire.recv(10) == b""


def test_nothing_is_waited_for_longer_than_was_set(
    ends: tuple[BufferedSocket, socket.socket],
) -> None:
    wire, there = ends
    wire.settimeout(0.01)
    with pytest.raises(TimeoutError):
        wire.recv(1)
    there.sendall(b"late")
    assert wire.recv(10) == b"late"


def test_all_else_is_the_sockets_own() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        place = server.getsockname()
        wire = dial(*place, 5)
        assert (wire.getpeername(), wire.gettimeout()) == (place, 5)
        wire.close()
        assert wire.fileno() == -1
    with pytest.raises(OSError, match="refused"):
        dial(*place, 5)
