"""Multicast for rooms: brings PCs that want the same pack together, and sends it to them.

Every pack has a session of its own: a port that no other has, and the pack's name before its
bytes. So a PC that comes late or restarts never takes one thing for another. The address is the
room's, so that a switch need not learn at each pack who listens. A boot server sends on its own
network only; each site has its own.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ictops.imaging.service.room import SLOWEST, STALL, Room, Sending
from ictops.imaging.service.sender import CannotSend, Line, Sender, Sent, look_for_sender
from ictops.imaging.wire.job import Job
from ictops.imaging.wire.said import Ready, Session, probe_word

log = logging.getLogger(__name__)

ANSWER_SECONDS = 5.0
"""How long a PC waits for an answer before it asks again; less than it waits for any answer."""
PROBE_EVERY = 0.2
PROBE_SECONDS = 10.0
"""How long a boot server lets itself be heard after a PC was told to listen."""
_PORTS_A_SLOT = 2


@dataclass(frozen=True, slots=True)
class Setting:
    """How a boot server sends."""

    line: Line
    packs: Path
    """The folder of packs: ``<aa>/<digest>``."""
    first_port: int = 9000
    slots: int = 64
    """Rooms and sessions that have ports; each is used again as late as can be."""
    senders: int = 4
    """At once."""


class Slots:
    """Ports, of which no two rooms or sessions have the same."""

    def __init__(self, first_port: int, count: int) -> None:
        if first_port % 2 or not 1024 <= first_port <= 65534 - _PORTS_A_SLOT * count:  # noqa: PLR2004
            raise ValueError(f"{count} pairs of ports cannot begin at {first_port}")
        self._free = [first_port + _PORTS_A_SLOT * n for n in range(count)]

    @property
    def none_left(self) -> bool:
        return not self._free

    def take(self) -> int:
        """Give the port that has been free for longest.

        :raises CannotSend: if there is none.
        """
        if not self._free:
            raise CannotSend("too many rooms are being sent to at once")
        return self._free.pop(0)

    def give_back(self, port: int) -> None:
        self._free.append(port)


@dataclass(eq=False, slots=True)
class _Group:
    room: Room
    port: int
    heard_until: float = 0.0

    @property
    def address(self) -> str:
        """What is sent to the room is sent here; RFC 2365: 239.255.0.0/16 stays at the site."""
        return f"239.255.{self.port >> 8}.{self.port & 255}"


class Multicast:
    """Sends packs to rooms. Every method may be called from any thread."""

    def __init__(self, setting: Setting, clock: Callable[[], float] = time.monotonic) -> None:
        self._setting = setting
        self._clock = clock
        self._slots = Slots(setting.first_port, setting.slots)
        self._groups: dict[str, _Group] = {}
        self._senders: dict[str, Sender] = {}
        self._threads: set[threading.Thread] = set()
        self._stopped = False
        self._changed = threading.Condition()
        self._probe = threading.Thread(target=self._let_be_heard, name="probe")
        self._probe.start()

    def join(self, job: Job, ready: Ready) -> Session:
        """Say how this job's PC gets its next pack. Waits for others of its room."""
        if job.multicast is None:
            return Session(unicast="this job is for one PC alone")
        with self._changed:
            try:
                group = self._group(job.multicast.group, job.multicast.members)
            except CannotSend as error:
                return Session(unicast=f"there is no multicast: {error}")
            if not ready.packs:
                self._leave(job)
                return Session(unicast="this PC takes no part in multicast any more")
            member = group.room.members.get(job.id)
            if member is not None and member.alone:
                return Session(unicast=member.alone)
            if not ready.heard:
                group.heard_until = self._clock() + PROBE_SECONDS
                self._changed.notify_all()
                return Session(portbase=group.port, group=group.address, listen=True)
            return self._answer(job.id, job.multicast.group, ready)

    def leave(self, job: Job) -> None:
        """Hear that this job's PC wants no more packs."""
        with self._changed:
            self._leave(job)

    def stop(self) -> None:
        """Send no more; give when every sender has ended."""
        with self._changed:
            self._stopped = True
            for sender in self._senders.values():
                sender.stop("the boot server's service stops")
            self._changed.notify_all()
            threads = [self._probe, *self._threads]
        for one in threads:
            one.join()

    # -- with the lock held

    def _group(self, name: str, members: int) -> _Group:
        if self._stopped:
            raise CannotSend("the boot server's service stops")
        look_for_sender()
        self._setting.line.address()
        if name not in self._groups:
            bits = self._setting.line.bits
            slowest = min(SLOWEST, bits / 8) if bits else SLOWEST
            self._groups[name] = _Group(Room(members, rate=slowest), self._port())
        return self._groups[name]

    def _leave(self, job: Job) -> None:
        group = None if job.multicast is None else self._groups.get(job.multicast.group)
        if group is None or job.multicast is None:
            return
        group.room.leave(job.id)
        self._forget_if_over(job.multicast.group)
        self._changed.notify_all()

    def _forget_if_over(self, name: str) -> None:
        if self._groups[name].room.over:
            self._forget(name)

    def _forget(self, name: str) -> None:
        self._slots.give_back(self._groups.pop(name).port)

    def _port(self) -> int:
        """Give a port; if there is no other, that of a room where nobody is.

        Such a room is kept for those that have not come yet. Where a job was over before its PC
        asked for anything, that is for ever.

        :raises CannotSend: if there is none.
        """
        if self._slots.none_left:
            now, groups = self._clock(), list(self._groups.items())
            for name, group in groups:
                if group.room.empty and group.heard_until <= now:
                    self._forget(name)
        return self._slots.take()

    def _answer(self, job: str, name: str, ready: Ready) -> Session:
        group = self._groups[name]
        room = group.room
        asked = room.ask(job, ready.packs, ready.address, self._clock())
        until = self._clock() + ANSWER_SECONDS
        self._changed.notify_all()
        while asked.told is None and (now := self._clock()) < until and not self._stopped:
            due = room.due(now)
            if due == 0 and self._begin(name, group):
                continue
            self._changed.wait(min(due or ANSWER_SECONDS, until - now))
        if asked.told is None:
            asked.left_at = self._clock()
        return asked.told or Session()

    def _begin(self, name: str, group: _Group) -> bool:
        if len(self._threads) >= self._setting.senders:
            return False
        sending = group.room.begin(self._clock())
        if sending is not None:
            thread = threading.Thread(target=self._send, args=(name, group, sending))
            self._threads.add(thread)
            thread.start()
        self._changed.notify_all()
        return True

    # -- in threads of their own

    def _send(self, name: str, group: _Group, sending: Sending) -> None:
        port, spoiled, rate, room = 0, {}, 0.0, group.room
        try:
            with self._changed:
                port = self._port()
            sent = self._sent(name, group, sending, port)
            spoiled, rate = sent.spoiled, sent.rate
        except CannotSend as error:
            log.warning("nothing is sent to %s: %s", name, error)
            with self._changed:
                room.tell_alone(f"there is no multicast: {error}")
        finally:
            with self._changed:
                self._senders.pop(name, None)
                if port:
                    self._slots.give_back(port)
                room.ended(self._clock(), spoiled, rate)
                self._threads.discard(threading.current_thread())
                if name in self._groups:
                    self._forget_if_over(name)
                self._changed.notify_all()

    def _sent(self, name: str, group: _Group, sending: Sending, port: int) -> Sent:
        room, to = group.room, group.address
        file = self._setting.packs / sending.pack[:2] / sending.pack
        addresses = frozenset(one.address for one in sending.members)
        sender = Sender(self._setting.line, sending.pack, file, port, to, addresses)
        sender.start()
        with self._changed:
            self._senders[name] = sender
            if self._stopped:
                sender.stop("the boot server's service stops")
            room.tell(port, to)
            self._changed.notify_all()

        def enough() -> bool:
            with self._changed:
                return room.all_have_it()

        sent = sender.wait(STALL + 2 * sender.size / room.rate, enough)
        how = f"sent {sending.pack[:12]} to {len(addresses)} PCs of {name}"
        log.info("%s in %.1f s%s", how, sent.seconds, sent.fault and f": {sent.fault}")
        for address, what in sent.spoiled.items():
            log.warning("%s of %s: %s", address, name, what)
        return sent

    def _let_be_heard(self) -> None:
        while True:
            with self._changed:
                now = self._clock()
                heard = [(n, g) for n, g in self._groups.items() if g.heard_until > now]
                if self._stopped:
                    return
                if not heard:
                    self._changed.wait(ANSWER_SECONDS)
                    continue
            for name, group in heard:
                self._say_word(name, group)
            time.sleep(PROBE_EVERY)

    def _say_word(self, name: str, group: _Group) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                here = socket.inet_aton(self._setting.line.address())
                probe.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, here)
                probe.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 1)
                probe.sendto(probe_word(name), (group.address, group.port))
            except (OSError, CannotSend) as error:
                log.warning("%s is not heard by multicast: %s", name, error)
