"""Drives that a test can erase: a sparse file for the medium, a JSON file for the rest.

``nvme`` and ``hdparm`` on the PATH are stand-ins then. They read the command lines of nvme-cli 2.3
and hdparm 9.65, answer as these do, and keep what the drive knows across power cuts. A command
that they do not model ends with an error.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ictops.imaging.wire.said import Disk

HERE = Path(__file__).parent
SIZE = 8 << 20


def put_on_path(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the stand-ins found first, and nothing real behind them."""
    folder.mkdir()
    for tool in ("nvme", "hdparm"):
        program = folder / tool
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -S -E {HERE / tool}.py "$@"\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/bin")


@dataclass(frozen=True)
class Drive:
    """A drive that is there, with data on all of it but for a hole in the middle."""

    disk: Disk

    @property
    def path(self) -> Path:
        return Path(self.disk.path)

    @property
    def knows(self) -> dict[str, Any]:
        """What the drive knows by now."""
        known: dict[str, Any] = json.loads(self._state.read_text())
        return known

    @property
    def blank(self) -> bool:
        data = self.path.read_bytes()
        return len(data) == self.disk.size and not data.strip(b"\0")

    def set(self, **more: Any) -> None:
        self._state.write_text(json.dumps({**self.knows, **more}))

    @property
    def _state(self) -> Path:
        return self.path.with_suffix(".drive")


def make_drive(
    path: Path, transport: str, *, rotational: bool = False, removable: bool = False, **knows: Any
) -> Drive:
    """Make a drive; ``knows`` is what nvme.py or hdparm.py beside this file read of it."""
    serial = knows.setdefault("serial", f"SN-{path.name}")
    with path.open("wb") as medium:
        medium.write(os.urandom(SIZE // 2 - (1 << 20)))
        medium.seek(2 << 20, os.SEEK_CUR)
        medium.write(os.urandom(SIZE // 2 - (1 << 20)))
    path.with_suffix(".drive").write_text(json.dumps(knows))
    return Drive(Disk(str(path), serial, "Model 1", SIZE, transport, rotational, removable))
