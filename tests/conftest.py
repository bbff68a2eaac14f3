"""What holds for every test."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.support.interrupted import Interrupted
from tests.support.postgresql import postgresql

__all__ = ["postgresql"]

# How long one example takes says more about a busy machine than about the code.
settings.register_profile("ictops", deadline=None)
settings.load_profile("ictops")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left with it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Interrupted())
