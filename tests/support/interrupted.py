"""Let fixtures take away what they made also when the tests are told to end.

Tests run in processes that pytest-xdist starts. It gives them fifteen seconds to end, and sends
nothing on to them: too short for a lab, and containers would stay.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable

import pytest
from xdist.workermanage import WorkerController

PATIENCE = 180
"""Seconds that the longest fixture may take to clean up."""


class Interrupted:
    """A plugin of pytest, in the process that people start and in those that run tests."""

    def __init__(self) -> None:
        self.workers: list[WorkerController] = []

    def pytest_configure(self) -> None:
        heard = signal.SIGTERM, signal.SIGINT

        def stop(number: int, _frame: object) -> None:
            for one in heard:  # once: a second signal would interrupt the cleaning up
                signal.signal(one, signal.SIG_IGN)
            raise KeyboardInterrupt(signal.Signals(number).name)

        for one in heard:
            signal.signal(one, stop)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: WorkerController) -> None:
        self.workers.append(node)

    def pytest_keyboard_interrupt(self) -> None:
        for worker in self.workers:
            os.kill(worker.gateway._rinfo().pid, signal.SIGTERM)
        _wait(lambda: all(worker._down for worker in self.workers))


def _wait(until: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not until() and time.monotonic() < end:
        time.sleep(0.1)
