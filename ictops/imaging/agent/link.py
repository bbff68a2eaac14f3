"""The PC's way to its boot server, as multicast needs to know it."""

from __future__ import annotations

import fcntl
import socket
import struct
from dataclasses import dataclass

_SIOCGIFADDR = 0x8915
_DISCARD = 9


@dataclass(frozen=True, slots=True)
class Link:
    """The PC's way to its boot server."""

    interface: str
    address: str
    """The PC's own IPv4 address."""
    server: str
    """The boot server's IPv4 address."""


def link_to(server: str) -> Link:
    """Find the PC's way to its boot server.

    :raises OSError: if there is none by IPv4.
    """
    there = socket.gethostbyname(server)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as way:
        way.connect((there, _DISCARD))  # sends nothing: it only chooses a way
        here: str = way.getsockname()[0]
        for _, name in socket.if_nameindex():
            asked = struct.pack("256s", name.encode()[:15])
            try:
                got = fcntl.ioctl(way.fileno(), _SIOCGIFADDR, asked)
            except OSError:
                continue  # it has no IPv4 address
            if socket.inet_ntoa(got[20:24]) == here:
                return Link(name, here, there)
    raise OSError(f"no interface has {here}")
