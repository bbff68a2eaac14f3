"""Write chunks to their places: those that the disk has from there, the others as they come."""

from __future__ import annotations

import queue
import threading
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from itertools import count

import zstandard

from ictops.imaging.agent.cutting import decompressed
from ictops.imaging.agent.disk import Disk, Part
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.fetch import Pieces, Stopped
from ictops.imaging.agent.layout import Held, Spot
from ictops.imaging.agent.place import Move, move_all
from ictops.imaging.agent.progress import Tally
from ictops.imaging.agent.together import Room, run_together
from ictops.imaging.wire.index import ImageIndex
from ictops.imaging.wire.strict import NotAsAgreed

_BUFFERS = 64 * 2**20
"""Bytes of pieces on their way, stored and plain."""
_WRITERS = 2
_START_EVERY = 0.5
"""Seconds between two reminders to the kernel to write."""
Target = tuple[int, int, int]
"""From where in a piece, how many bytes, to where on the disk."""


class Writer:
    """Writes an image's chunks to a disk."""

    def __init__(self, disk: Disk, held: Held, index: ImageIndex, tally: Tally) -> None:
        self._disk = disk
        self._held = held
        self._index = index
        self._tally = tally

    def move(self, moves: Sequence[Move], room: int) -> list[int]:
        """Put chunks to their places that are elsewhere on the disk.

        :param room: bytes of memory that may be used.
        :returns: the moves that were not made, by number.
        """

        def read(offset: int, length: int) -> Part:
            data = bytearray(length)
            self._disk.read(offset, data)
            return data

        def write(offset: int, data: Part) -> None:
            self._put([(offset, memoryview(data))])
            self._tally.add(reused=len(data))

        return move_all(moves, room, read, write)

    def fetch(self, source: Pieces, spots: Iterable[Spot], *, kept: bool = False) -> None:
        """Fetch the pieces with these spots' chunks, and write the chunks.

        :param kept: whether they come from the PC itself: nothing goes over the network.
        :raises JobFailed: ``server-gone``, ``image-damaged`` or ``disk-failing``.
        """
        targets: dict[int, list[Target]] = defaultdict(list)
        for spot in spots:
            chunk = self._index.chunks[spot.chunk]
            targets[chunk.piece].append((chunk.offset, chunk.length, spot.offset))
        if not targets:
            return
        room = Room(_BUFFERS)
        arrived: queue.SimpleQueue[tuple[int, bytearray] | None] = queue.SimpleQueue()
        pieces = self._index.pieces
        over = threading.Event()

        def deliver(number: int, data: bytearray) -> None:
            if not kept:
                self._tally.add(fetched=len(data))
            room.take(pieces[number].stored + pieces[number].plain)
            arrived.put((number, data))

        def write() -> None:
            unzip = zstandard.ZstdDecompressor()
            while (one := arrived.get()) is not None:
                number, data = one
                self._write_piece(unzip, number, data, targets[number])
                room.give(pieces[number].stored + pieces[number].plain)
            if source.stop.is_set():
                raise Stopped

        def start_writing() -> None:
            while not over.wait(_START_EVERY):
                self._disk.start_writing()

        def stop() -> None:
            source.stop.set()
            room.stop()
            over.set()
            for _ in range(_WRITERS):
                arrived.put(None)

        fetchers = source.pieces(self._index, sorted(targets), deliver)
        left = count(len(fetchers) - 1, -1)

        def until_last(fetch: Callable[[], None]) -> Callable[[], None]:
            def run() -> None:
                fetch()
                if next(left) == 0:
                    for _ in range(_WRITERS):
                        arrived.put(None)

            return run

        def write_then_rest() -> None:
            write()
            over.set()

        works = [until_last(one) for one in fetchers]
        works += [write_then_rest] * _WRITERS
        source.stop.clear()
        run_together([*works, start_writing], stop)

    def _write_piece(
        self,
        unzip: zstandard.ZstdDecompressor,
        number: int,
        data: bytearray,
        targets: list[Target],
    ) -> None:
        try:
            plain = memoryview(decompressed(self._index.pieces[number], data, unzip))
        except NotAsAgreed as error:
            raise JobFailed("image-damaged", str(error)) from error
        targets.sort(key=lambda one: one[2])
        self._put([(at, plain[begin : begin + length]) for begin, length, at in targets])

    def _put(self, parts: Sequence[tuple[int, memoryview]]) -> None:
        """Write what need not wait, neighbours by one call."""
        begin = end = -1
        together: list[Part] = []
        for offset, data in parts:
            for at, part in self._held.take(offset, data):
                if at != end:
                    if together:
                        self._disk.write(begin, together)
                    begin, together = at, []
                together.append(part)
                end = at + len(part)
            self._tally.add(written=len(data))
        if together:
            self._disk.write(begin, together)
