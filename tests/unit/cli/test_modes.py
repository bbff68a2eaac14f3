"""Files that may hold something delicate are for their owner only, whatever the umask."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Typed


@pytest.fixture
def careless() -> object:
    before = os.umask(0)
    yield
    os.umask(before)


def test_whatever_ictops_writes(careless: None, typed: Typed, plan: Path) -> None:
    typed("apply", "plan.yml", "--no-wait", "--now", "--reason", "x", code=6)
    typed("journal", "copy", code=0)
    typed("plan", "approve", "plan.yml", code=0)
    state = Path.cwd() / "state"
    written = [plan, *(path for path in state.rglob("*") if path.is_file())]
    assert {path.suffix for path in written} >= {".yml", ".db", ".json"}
    for path in written:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    for folder in (path for path in (state, *state.rglob("*")) if path.is_dir()):
        assert stat.S_IMODE(folder.stat().st_mode) & 0o022 == 0, folder
