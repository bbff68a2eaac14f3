"""What tests of the collection share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository

from tests.support.repositories import Server, server_of
from tests.support.restic import repository_in
from tests.support.restored import CLASS, PUPIL


@pytest.fixture
def server() -> Iterator[Server]:
    """Give a backup server's folders, with an empty repository."""
    with server_of() as one:
        yield one


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Give an empty repository, on this disk."""
    return repository_in(tmp_path / "kept")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Give a pupil's home."""
    folder = tmp_path / "homes" / "ann"
    (folder / "work" / "deep").mkdir(parents=True)
    (folder / "essay.odt").write_text("my essay")
    (folder / "work" / "one.txt").write_text("one")
    (folder / "work" / "deep" / "two.txt").write_text("two")
    (folder / "link").symlink_to("/etc/shadow")
    for one in [folder, *folder.rglob("*")]:
        os.lchown(one, PUPIL, CLASS)
    (folder / "essay.odt").chmod(0o640)
    (folder / "work").chmod(0o2750)
    folder.chmod(0o700)
    return folder
