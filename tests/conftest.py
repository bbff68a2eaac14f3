"""What holds for every test."""

from __future__ import annotations

import signal

import pytest
from hypothesis import settings

from tests.support.postgresql import postgresql

__all__ = ["postgresql"]

# How long one example takes says more about a busy machine than about the code.
settings.register_profile("ictops", deadline=None)
settings.load_profile("ictops")


def pytest_configure(config: pytest.Config) -> None:
    """Let fixtures take their labs away also when the tests are told to end."""

    def stop(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(f"signal {number}")

    signal.signal(signal.SIGTERM, stop)
