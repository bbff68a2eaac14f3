"""What tests of the collection share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository

from tests.support.repositories import Server, server_of
from tests.support.restic import repository_in


@pytest.fixture
def server() -> Iterator[Server]:
    """Give a backup server's folders, with an empty repository."""
    with server_of() as one:
        yield one


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Give an empty repository, on this disk."""
    return repository_in(tmp_path / "kept")
