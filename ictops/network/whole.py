"""Files that are written whole: who reads one sees the old one or the new one."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_whole(path: Path, content: bytes, *, mode: int = 0o600, replace: bool = True) -> None:
    """Write a file aside, and put it in its place when it is on the disk.

    :param replace: whether it may take the place of one that is there.
    :raises FileExistsError: if it is there and is not to be replaced.
    :raises OSError: if it cannot be written; what was there stays.
    """
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        try:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
            if replace:
                Path(file.name).replace(path)
            else:
                path.hardlink_to(file.name)
        finally:
            Path(file.name).unlink(missing_ok=True)
