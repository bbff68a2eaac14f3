from __future__ import annotations

from pathlib import Path

import pytest

from ictops.store.journal import Journal
from tests.support.postgresql import Server


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'journal.db'}"


@pytest.fixture
def postgresql_url(postgresql: Server) -> str:
    return postgresql.database()


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    """A place for a journal, in each database that can hold one."""
    return str(request.getfixturevalue(f"{request.param}_url"))


@pytest.fixture
def journal(url: str):
    journal = Journal.open(url)
    yield journal
    journal.close()
