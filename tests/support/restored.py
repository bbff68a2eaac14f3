"""What tests of restoring share: a snapshot of a home, and bringing it back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, run
from ansible_collections.ictops.schools.plugins.module_utils.restored import PREFIX, restore

from tests.support.restic import snapshots

PUPIL, CLASS = 1234, 4321
"""The numbers of a user and a group."""


def kept(repository: Repository, *paths: Path, kind: str = "folders") -> str:
    """Back paths up, and give the snapshot."""
    said = ("--tag", f"kind={kind}")
    run(repository, "backup", "--force", *said, "--", *map(str, paths))
    return str(snapshots(repository)[-1]["id"])


def back(repository: Repository, snapshot: str, path: Path | str, to: Any = "", **how: Any) -> Any:
    """Restore a path."""
    return restore(repository, snapshot, str(path), str(to), **how)


def left_in(folder: Path) -> list[Path]:
    """Give what restores have left in a folder."""
    return list(folder.rglob(f"{PREFIX}*"))
