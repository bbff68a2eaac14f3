from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ictops.settings import Settings, load_settings
from ictops.store.journal import Journal


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
