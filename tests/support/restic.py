"""A real restic repository on this disk, and what tests of backups read from it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, answer, run


def need_restic() -> None:
    if shutil.which("restic") is None:
        pytest.skip("restic is not installed: make packages-test")


def repository_in(folder: Path) -> Repository:
    """Make a repository."""
    need_restic()
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "password").write_text("of the tests\n")
    made = Repository(
        url=str(folder / "repository"),
        password_file=str(folder / "password"),
        environment={"RESTIC_CACHE_DIR": str(folder / "cache")},
    )
    run(made, "init")
    return made


def snapshots(repository: Repository, *words: str) -> list[dict[str, Any]]:
    """Give the snapshots, the oldest first."""
    told = answer(repository, "snapshots", "--no-lock", *words)
    assert isinstance(told, list)
    return sorted(told, key=lambda one: one["time"])


def content(repository: Repository, snapshot: str, path: str) -> bytes:
    """Give a file of a snapshot."""
    return subprocess.run(
        repository.words("dump", "--no-lock", snapshot, path),
        check=True,
        capture_output=True,
        env=repository.process()["env"],  # type: ignore[call-overload]
    ).stdout
