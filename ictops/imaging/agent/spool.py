"""Pieces between a room's stream and the disk, in memory.

A stream waits for nobody, and a disk may be slow: so a PC is ready for the next pack only when
there is room for all of it here.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from ictops.imaging.agent.fetch import Deliver


@dataclass(eq=False, slots=True)
class Spool:
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
def spooling(give: Deliver, limit: int) -> Iterator[Spool]:
    spool = Spool(give, limit)
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
