"""What tests of the collection share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.repositories import Server, server_of


@pytest.fixture
def server() -> Iterator[Server]:
    """Give a backup server's folders, with an empty repository."""
    with server_of() as one:
        yield one
