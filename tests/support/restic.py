"""A real restic repository on this disk, and what tests of backups read from it."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, answer

from tests.support.quick_key import empty_repository

PASSWORD = "of the tests"


def need_program(name: str) -> None:
    """Skip the test where a program is not installed; but never in CI."""
    if shutil.which(name) is None:
        why = f"{name} is not installed: make packages-test"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)


def repository_in(folder: Path) -> Repository:
    """Make a repository."""
    need_program("restic")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "password").write_text(f"{PASSWORD}\n")
    empty_repository(folder / "repository", PASSWORD)
    return Repository(
        url=str(folder / "repository"),
        password_file=str(folder / "password"),
        environment={"RESTIC_CACHE_DIR": str(folder / "cache")},
    )


def by_rclone(repository: Repository) -> Repository:
    """Give a repository as hosts reach it: behind an rclone that lets them add and no more."""
    need_program("rclone")
    serve = "serve restic --stdio --append-only --config /dev/null"
    options = ("rclone.program=rclone", f"rclone.args={serve}")
    return replace(repository, url=f"rclone:{repository.url}", options=options)


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
