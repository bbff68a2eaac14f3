from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ictops.operations import planning
from ictops.settings import Settings, load_settings
from ictops.store.journal import Journal

PLAYBOOKS = [
    f"backup{part}.yml"
    for part in (
        "", "_drill", "_check", "_prune", "_copy", "_list", "_find", "_restore", "_archive",
        "_delete",
    )
]  # fmt: skip


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
def playbooks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for the playbooks of backups, for tests that begin runs and carry none."""
    folder = tmp_path / "content" / "playbooks"
    folder.mkdir(parents=True)
    for name in PLAYBOOKS:
        (folder / name).write_text("- hosts: all\n  tasks: []\n")
    monkeypatch.setattr(planning, "content_dir", lambda: folder.parent)
    return folder
