"""Tell the boot server how far the work is, without ever holding it up."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from types import TracebackType

from ictops.imaging.wire.said import Progress, Step

_OVER = 10.0
"""Seconds over which a rate is taken."""


class Tally:
    """Counts bytes, from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.fetched = self.written = self.reused = self.done = self.total = 0
        self.step: Step = "claimed"
        self.note = ""
        self._took: dict[str, float] = {}
        self._begun = time.monotonic()

    def begin(self, step: Step, total: int = 0, note: str = "") -> None:
        """Begin a step of so many bytes."""
        with self._lock:
            self._count()
            self.step, self.total, self.done, self.note = step, total, 0, note

    def add(self, *, fetched: int = 0, written: int = 0, reused: int = 0, done: int = 0) -> None:
        """Count bytes; what is written counts as done."""
        with self._lock:
            self.fetched += fetched
            self.written += written
            self.reused += reused
            self.done += done + written

    def steps(self) -> dict[str, float]:
        """Give the seconds that each step took until now."""
        with self._lock:
            self._count()
            return {name: round(seconds, 3) for name, seconds in self._took.items()}

    def _count(self) -> None:
        now = time.monotonic()
        self._took[self.step] = self._took.get(self.step, 0.0) + now - self._begun
        self._begun = now


class Reporter:
    """Sends how far the work is every few seconds, from a thread of its own.

    :param send: may take long, and fails in silence: the next one tells more.
    :param show: puts a line on the PC's screen.
    """

    def __init__(
        self,
        tally: Tally,
        send: Callable[[Progress], None],
        show: Callable[[str], None],
        every: float = 3.0,
    ) -> None:
        self._tally, self._send, self._show, self._every = tally, send, show, every
        self._seen: deque[tuple[float, str, int]] = deque()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    def __enter__(self) -> Reporter:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._over.set()
        # A server that does not answer must not hold up the end; the thread ends with the process.
        self._thread.join(self._every)

    def now(self) -> Progress:
        """Give how far the work is, with the rate of the last seconds."""
        tally, at = self._tally, time.monotonic()
        step, done = tally.step, tally.done
        while self._seen and (self._seen[0][1] != step or self._seen[0][0] < at - _OVER):
            self._seen.popleft()
        self._seen.append((at, step, done))
        first = self._seen[0]
        rate = (done - first[2]) / (at - first[0]) if at > first[0] else 0.0
        return Progress(step, done, tally.total, max(rate, 0.0), tally.note)

    def _run(self) -> None:
        while True:
            progress = self.now()
            self._show(line(progress))
            self._send(progress)
            if self._over.wait(self._every):
                return


def line(progress: Progress) -> str:
    """Write how far the work is, for a person at the PC."""
    text: str = progress.step
    if progress.total:
        text += f" {min(100, 100 * progress.done // progress.total)} %"
    if progress.rate:
        text += f", {progress.rate / 1e6:.0f} MB/s"
        left = (progress.total - progress.done) / progress.rate
        text += f", {left:.0f} s left" if left > 0 else ""
    return f"{text}  {progress.note}".rstrip()
