"""One pack by multicast, by udp-receiver.

A stream is never trusted: it must begin with the name of the pack that the boot server said, and
each piece is checked. udp-receiver says "Transfer complete" and ends well also when it was dropped
and nothing came, so only what was checked counts.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

from ictops.imaging.agent.fetch import Deliver
from ictops.imaging.agent.link import Link
from ictops.imaging.wire.index import Pack, Piece
from ictops.imaging.wire.said import Session, stream_head
from ictops.imaging.wire.words import digest_of

SILENCE = 9.0
"""Seconds without a byte after which a stream is given up; a sender drops others within less."""
RECEIVE_BUFFER = 4 * 2**20
"""Of the socket. If net.core.rmem_max is less, Linux gives less, and more is lost and resent."""
_READ = 2**20


class StreamLost(Exception):
    """A pack did not come whole by multicast; says why, for a person."""


def widen_buffers() -> None:
    """Let a socket of this PC have the buffer that a room's stream needs; see socket(7)."""
    most = Path("/proc/sys/net/core/rmem_max")
    if int(most.read_text()) < RECEIVE_BUFFER:
        most.write_text(f"{RECEIVE_BUFFER}\n")


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
