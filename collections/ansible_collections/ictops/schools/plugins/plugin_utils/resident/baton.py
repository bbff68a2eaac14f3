"""One thread at a time runs Ansible's own code, which was never made for threads.

Whoever holds the baton runs; it is handed on while a host is waited for. So tasks of many
hosts go on at once, as far as hosts are concerned, and nothing in Ansible sees two of them.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager


class Baton:
    """A lock that is handed on in the order in which it was asked for."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held = False
        self._waiting: deque[threading.Lock] = deque()

    def take(self) -> None:
        with self._guard:
            if not self._held:
                self._held = True
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def hand_on(self) -> None:
        with self._guard:
            if self._waiting:
                self._waiting.popleft().release()  # it stays held, by the next one
            else:
                self._held = False

    @contextmanager
    def handed_on(self) -> Iterator[None]:
        """Let others run for as long as this lasts."""
        self.hand_on()
        try:
            yield
        finally:
            self.take()


BATON = Baton()
