"""Do several things at once; the first that fails ends all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait

from ictops.imaging.agent.fetch import Stopped


def run_together(works: Sequence[Callable[[], None]], stop: Callable[[], None]) -> None:
    """Run each in a thread of its own, until all have ended.

    :param stop: makes the others raise :class:`Stopped`, once one has failed.
    :raises Exception: the first that one raised.
    """
    with ThreadPoolExecutor(len(works)) as pool:
        running = [pool.submit(one) for one in works]
        wait(running, return_when=FIRST_EXCEPTION)
        if any(one.done() and one.exception() for one in running):
            stop()
        errors = [error for one in running if (error := one.exception())]
    for error in sorted(errors, key=lambda one: isinstance(one, Stopped)):
        raise error


class Room:
    """Memory that several threads share."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._used = 0
        self._changed = threading.Condition()
        self._stopped = False

    def take(self, size: int) -> None:
        """Wait until there is room; what is larger than all of it gets it alone.

        :raises Stopped: if the work is given up.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._stopped or not self._used or self._used + size <= self._size
            )
            if self._stopped:
                raise Stopped
            self._used += size

    def give(self, size: int) -> None:
        with self._changed:
            self._used -= size
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
