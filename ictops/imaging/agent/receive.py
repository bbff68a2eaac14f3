"""A PC of a room takes packs by multicast, and what does not come that way by itself.

A stream is never trusted: it must begin with the name of the pack that the boot server said, and
each piece is checked. udp-receiver says "Transfer complete" and ends well also when it was dropped
and nothing came, so only what was checked counts. What is missing is asked for again: it comes with
others that miss it, or by unicast.

What comes goes to a spool with room for whole packs, and the PC is ready for the next pack only
when there is room for it. So a slow disk never stops a stream: its PC is late, and the others go
on.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field

from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.fetch import Deliver
from ictops.imaging.wire.index import ImageIndex, Pack, Piece
from ictops.imaging.wire.said import MOST_PACKS, Ready, Session, probe_word, stream_head
from ictops.imaging.wire.words import digest_of

HEAR_SECONDS = 3.0
"""How long the boot server's word is listened for: it says it five times a second."""
HEARD_SECONDS = 120.0
"""How long that is good for. A switch forgets who listens after 260 s (RFC 2236, 8.4), unless
somebody asks them; then a PC says so anew, and sees whether it is still heard."""
SILENCE = 9.0
"""Seconds without a byte after which a stream is given up; a sender drops others within less."""
FAILURES = 3
"""Sessions that may come to nothing before a PC fetches by itself."""
SPOOL_BYTES = 192 * 2**20
"""Of pieces that are checked and not yet written; some packs."""
RECEIVE_BUFFER = 4 * 2**20
"""Of the socket. If net.core.rmem_max is less, Linux gives less, and more is lost and resent."""
_READ = 2**20

Say = Callable[[Ready], Session]
"""Asks the boot server; may take some seconds.

:raises JobFailed: if it does not answer.
"""
Fetch = Callable[[Sequence[int]], None]
"""Fetches pieces by unicast, by their numbers, and gives them to the same writer."""


class StreamLost(Exception):
    """A pack did not come whole by multicast; says why, for a person."""


class _ServerSilent(Exception):
    """Nothing can be asked of the boot server; its files may still be there."""


@dataclass(frozen=True, slots=True)
class Link:
    """The PC's way to its boot server."""

    interface: str
    address: str
    """The PC's own IPv4 address."""
    server: str
    """The boot server's IPv4 address."""


def take_part(
    group: str,
    link: Link,
    index: ImageIndex,
    wanted: Iterable[int],
    *,
    say: Say,
    give: Deliver,
    fetch: Fetch,
    note: Callable[[str], None],
    spool_bytes: int = SPOOL_BYTES,
) -> None:
    """Get all of the wanted pieces, by multicast as far as that goes.

    :param group: the job's.
    :param note: is told in words when the PC does not get a pack with its room.
    """
    missing: dict[int, list[int]] = {}
    for number in wanted:
        missing.setdefault(index.pieces[number].pack, []).append(number)
    for numbers in missing.values():
        numbers.sort(key=lambda one: index.pieces[one].offset)
    part = _Part(group, link, index, missing, say, note, Ear(link))
    with closing(part.ear), _spool(give, spool_bytes) as spool:
        try:
            why = part.receive(spool, fetch)
        except _ServerSilent as silent:
            why = f"the boot server does not answer: {silent}"
        if why:
            note(f"this PC fetches by itself: {why}")
        if missing:
            fetch([one for pack in sorted(missing) for one in missing[pack]])


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


def receive(
    link: Link, session: Session, pack: Pack, pieces: Sequence[tuple[int, Piece]], take: Deliver
) -> None:
    """Receive a pack, and take those of its pieces that are wanted, in their order.

    :raises StreamLost: if not all came; what was taken is right nevertheless.
    """
    command = [
        "udp-receiver", "--nokbd", "--no-progress", "--nosync",
        "--interface", link.interface, "--mcast-rdv-address", link.server,
        "--portbase", str(session.portbase), "--rcvbuf", str(RECEIVE_BUFFER),
        "--start-timeout", f"{SILENCE:.0f}", "--receive-timeout", f"{SILENCE:.0f}",
    ]  # fmt: skip
    try:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    except OSError as error:
        raise StreamLost(f"udp-receiver cannot be started: {error.strerror}") from error
    whole = False
    try:
        stream = _Stream(process)
        head = stream_head(session.pack)
        if (began := stream.read(len(head))) != head:
            what = "the wrong pack, or none" if began else "nothing"
            raise StreamLost(f"{what} came on port {session.portbase} in place of a pack")
        at = 0
        for number, piece in pieces:
            stream.skip(piece.offset - at)
            data = stream.read(piece.stored)
            at = piece.offset + piece.stored
            if len(data) < piece.stored:
                raise StreamLost(f"{at - piece.stored + len(data)} of {pack.size} bytes came")
            if digest_of(data) != piece.digest:
                raise StreamLost(f"what came at byte {piece.offset} of a pack is damaged")
            take(number, data)
        stream.skip(pack.size - at)
        whole = True
    finally:
        # Its last word tells the sender that all has come, or that nobody need wait for this PC.
        threading.Thread(target=_end, args=(process, whole), daemon=True).start()


def _end(process: subprocess.Popen[bytes], whole: bool) -> None:
    pipe = process.stdout
    if pipe is not None:
        pipe.close()
    if not whole:
        process.send_signal(signal.SIGINT)  # it says goodbye on this one only
    try:
        process.wait(SILENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class _Stream:
    """What udp-receiver has received, with a limit to its silence."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        if process.stdout is None:
            raise AssertionError("it was started with a pipe")
        self._pipe = process.stdout.fileno()

    def read(self, size: int) -> bytearray:
        """Give so many bytes, or fewer at the end."""
        data = bytearray(size)
        at = 0
        while at < size and (count := self._fill(memoryview(data)[at:])):
            at += count
        return data if at == size else data[:at]

    def skip(self, size: int) -> None:
        """Let so many bytes go by."""
        waste = memoryview(bytearray(min(size, _READ)))
        while size and (count := self._fill(waste[:size])):
            size -= count

    def _fill(self, part: memoryview) -> int:
        if not select.select([self._pipe], [], [], SILENCE)[0]:
            raise StreamLost(f"nothing more came for {SILENCE:.0f} s")
        return os.readv(self._pipe, [part])


@dataclass(eq=False, slots=True)
class _Spool:
    """Pieces between network and disk, in memory."""

    give: Deliver
    limit: int
    _pieces: deque[tuple[int, bytearray]] = field(default_factory=deque)
    _bytes: int = 0
    _closed: bool = False
    _error: BaseException | None = None
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def put(self, number: int, data: bytearray) -> None:
        """Keep a piece. Never blocks: :meth:`wait_for` has seen to the room for it.

        :raises BaseException: what the one who takes the pieces raised.
        """
        with self._changed:
            if self._error is not None:
                raise self._error
            self._pieces.append((number, data))
            self._bytes += len(data)
            self._changed.notify_all()

    def wait_for(self, size: int) -> None:
        """Wait until so many bytes more have room, or it is empty.

        :raises BaseException: what the one who takes the pieces raised.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._error or not self._bytes or self._bytes + size <= self.limit
            )
            if self._error is not None:
                raise self._error

    def run(self) -> None:
        try:
            while True:
                with self._changed:
                    self._changed.wait_for(lambda: self._pieces or self._closed)
                    if not self._pieces:
                        return
                    number, data = self._pieces.popleft()
                self.give(number, data)
                with self._changed:
                    self._bytes -= len(data)
                    self._changed.notify_all()
        except BaseException as error:  # noqa: BLE001  it is raised again where pieces are put in
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def drop(self) -> None:
        with self._changed:
            self._pieces.clear()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()


@contextmanager
def _spool(give: Deliver, limit: int) -> Iterator[_Spool]:
    spool = _Spool(give, limit)
    thread = threading.Thread(target=spool.run, name="spool")
    thread.start()
    try:
        yield spool
        spool.wait_for(limit + 1)
    except BaseException:
        spool.drop()
        raise
    finally:
        spool.close()
        thread.join()


@dataclass(eq=False, slots=True)
class _Part:
    """A PC's part in its room."""

    group: str
    link: Link
    index: ImageIndex
    missing: dict[int, list[int]]
    """Numbers of pieces by their pack's, in order of their places in it."""
    say: Say
    note: Callable[[str], None]
    ear: Ear

    def receive(self, spool: _Spool, fetch: Fetch) -> str:
        """Take packs until none is missing, or give why the rest must be fetched."""
        failures = 0
        while self.missing:
            spool.wait_for(max(self.index.packs[one].size for one in self.missing))
            asked_at = time.monotonic()
            session = self._ask(self._ready())
            if session.note:
                self.note(session.note)
            if session.unicast and not session.pack:
                return session.unicast
            if session.listen:
                fault = self.ear.hear(session, self.group)
                if fault:
                    self._leave()
                    return fault
            elif session.unicast:
                self._fetch(session, fetch)
            elif session.pack:
                try:
                    self._receive(session, spool)
                except StreamLost as lost:
                    self.note(f"pack {session.pack[:12]} did not come by multicast: {lost}")
                    failures += 1
                    self.ear.close()  # it hears first, before it costs the others anything again
                    if failures == FAILURES:
                        self._leave()
                        return f"{failures} packs did not come by multicast"
            elif time.monotonic() - asked_at < 1:
                time.sleep(1)  # the boot server has nothing yet, and did not wait with its answer
        self._leave()
        return ""

    def _ready(self) -> Ready:
        packs = tuple(self.index.packs[one].digest.hex() for one in self.missing)
        return Ready(packs[:MOST_PACKS], self.link.address, self.ear.hears)

    def _ask(self, ready: Ready) -> Session:
        try:
            return self.say(ready)
        except JobFailed as error:
            raise _ServerSilent(str(error)) from error

    def _leave(self) -> None:
        """Say that nobody need wait for this PC."""
        self._ask(Ready(()))

    def _pack(self, session: Session) -> int:
        for number in self.missing:
            if self.index.packs[number].digest.hex() == session.pack:
                return number
        raise StreamLost("the boot server sends what this PC did not ask for")

    def _fetch(self, session: Session, fetch: Fetch) -> None:
        number = self._pack(session)
        fetch(self.missing[number])
        del self.missing[number]

    def _receive(self, session: Session, spool: _Spool) -> None:
        number = self._pack(session)
        wanted = self.missing[number]
        pieces = [(one, self.index.pieces[one]) for one in wanted]
        taken: set[int] = set()

        def take(piece: int, data: bytearray) -> None:
            spool.put(piece, data)
            taken.add(piece)

        try:
            receive(self.link, session, self.index.packs[number], pieces, take)
        finally:
            left = [one for one in wanted if one not in taken]
            if left:
                self.missing[number] = left
            else:
                del self.missing[number]
