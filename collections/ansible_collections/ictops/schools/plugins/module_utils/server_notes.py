# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a backup server notes of a repository, in files of root's."""

from __future__ import annotations

import json
import os
from pathlib import Path


def note(path: Path, said: dict) -> None:
    """Write something down, whole or not at all."""
    write(path, json.dumps(said, sort_keys=True).encode())


def noted(path: Path) -> dict:
    """Give what was written down; nothing if nothing was, or it cannot be read."""
    try:
        said = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def write(path: Path, data: bytes) -> None:
    """Write a file of root's alone, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
