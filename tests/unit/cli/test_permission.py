"""A file that belongs to another user, such as root's after a sudo, is an error for people."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from ictops.cli.app import main
from ictops.store.journal import Journal


def test_what_is_roots_is_named_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "ictops.toml").write_text('state_dir = "state"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ICTOPS_CONFIG", raising=False)

    def closed(_url: str) -> Journal:
        # As the system says it; the tests may be root's, whom nothing is closed to.
        raise PermissionError(13, "Permission denied", "state/journal.db")

    monkeypatch.setattr(Journal, "open", closed)
    monkeypatch.setattr(sys, "argv", ["ictops", "run", "list"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    said = capsys.readouterr().err
    assert "state/journal.db: you may not do that here (Permission denied)" in said
    assert "sudo chown -R $(id -un): FOLDER" in said
