"""Whether what a boot server sends by multicast comes to this PC at all: a switch may block it."""

from __future__ import annotations

import socket
import time

from ictops.imaging.agent.link import Link
from ictops.imaging.wire.said import Session, probe_word

HEAR_SECONDS = 3.0
"""How long the boot server's word is listened for: it says it five times a second."""
HEARD_SECONDS = 120.0
"""How long that is good for. A switch forgets who listens after 260 s (RFC 2236, 8.4), unless
somebody asks them; then a PC says so anew, and sees whether it is still heard."""


class Ear:
    """Listens to the room's address for as long as the PC takes part.

    A switch takes a moment to learn that a PC listens. What is sent in that moment is lost, and a
    stream's beginning cannot be had again: so the address is the same for all packs.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._socket: socket.socket | None = None
        self._heard_at = 0.0

    @property
    def hears(self) -> bool:
        """Whether the boot server was heard not long ago."""
        return self._socket is not None and time.monotonic() - self._heard_at < HEARD_SECONDS

    def hear(self, session: Session, group: str) -> str:
        """Listen for the boot server's word, as the session says.

        :returns: nothing if it was heard, or why multicast does not work, for a person.
        """
        self.close()  # so that the switch is told anew
        link, word = self._link, probe_word(group)
        until = time.monotonic() + HEAR_SECONDS
        member = socket.inet_aton(session.group) + socket.inet_aton(link.address)
        ear = self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            ear.bind((session.group, session.portbase))
            ear.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, member)
            while (left := until - time.monotonic()) > 0:
                ear.settimeout(left)
                if ear.recv(len(word) + 1) == word:
                    self._heard_at = time.monotonic()
                    return ""
        except TimeoutError:
            pass  # said below
        except OSError as error:
            self.close()
            return f"{link.interface} with {link.address} can hear no multicast: {error.strerror}"
        self.close()
        return (
            f"nothing sent to {session.group} came within {HEAR_SECONDS:.0f} s: a switch between "
            "the boot server and this PC blocks multicast, or has IGMP snooping and no querier"
        )

    def close(self) -> None:
        """Listen no more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None
