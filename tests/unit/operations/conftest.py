from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ictops.settings import Settings, load_settings
from ictops.store.journal import Journal
from tests.support.notified import one_route, set_up
from tests.support.postgresql import Server
from tests.support.schools import Schools, schools_in
from tests.support.services import Web


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A workspace without an inventory."""
    (tmp_path / "ictops.toml").write_text('state_dir = "state"\n')
    monkeypatch.setenv("ICTOPS_CONFIG", str(tmp_path / "ictops.toml"))
    return load_settings()


@pytest.fixture
def journal(settings: Settings) -> Iterator[Journal]:
    journal = Journal.open(settings.journal_url)
    yield journal
    journal.close()


@pytest.fixture
def web() -> Iterator[Web]:
    with Web().running() as web:
        yield web


@pytest.fixture
def told(settings: Settings, web: Web) -> Web:
    """A route that hears of everything."""
    set_up(settings, one_route(web))
    return web


@pytest.fixture
def schools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Schools]:
    """Two schools with a calendar."""
    with schools_in(tmp_path, monkeypatch) as it:
        yield it


@pytest.fixture(params=["sqlite", "postgresql"])
def either(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Schools]:
    """The same with its journal in each database."""
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("postgresql")
        monkeypatch.setenv("ICTOPS_JOURNAL", server.database())
    with schools_in(tmp_path, monkeypatch) as it:
        yield it
