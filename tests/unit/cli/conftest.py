"""A workspace of its own with the demo's cluster in it, and commands as a person types them."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ictops.cli.app import app
from ictops.settings import content_dir

Command = Callable[..., str]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of a copy of the demo's cluster; the workspace is the working directory."""
    folder = tmp_path / "inventories" / "demo"
    skip = shutil.ignore_patterns("lab.yml", "known_hosts")
    shutil.copytree(content_dir() / "inventories" / "demo", folder, ignore=skip)
    (tmp_path / "ictops.toml").write_text('state_dir = "state"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ICTOPS_CONFIG", raising=False)
    return folder


@pytest.fixture
def ictops(cluster: Path) -> Command:
    """Give a function that runs a command, checks its exit code and gives what it said."""

    def run(*words: str, code: int = 0) -> str:
        result = CliRunner().invoke(app, list(words), catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result.stdout

    return run
