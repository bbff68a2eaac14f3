"""A workspace of its own with the demo's cluster in it, and commands as a person types them."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ictops.cli.app import app, main
from ictops.settings import content_dir

Command = Callable[..., str]


@dataclass(frozen=True)
class Said:
    """What became of a command as a person sees it."""

    code: int
    out: str
    err: str


Typed = Callable[..., Said]


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


@pytest.fixture
def typed(
    cluster: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Give a function that runs a command as the shell does; a traceback fails the test."""
    monkeypatch.setenv("COLUMNS", "200")
    (Path.cwd() / "site.yml").write_text("- hosts: all\n  tasks: []\n")

    def run(*words: str, code: int | None = None) -> Said:
        monkeypatch.setattr(sys, "argv", ["ictops", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        said = Said(int(ended.value.code or 0), captured.out, captured.err)
        assert code is None or said.code == code, said
        assert "Traceback" not in said.out + said.err
        return said

    return run


@pytest.fixture
def plan(typed: Typed) -> Path:
    """A plan of a playbook for every school."""
    typed("plan", "playbook", "site.yml", "--in", "christmas", "-o", "plan.yml", code=0)
    return Path.cwd() / "plan.yml"
