"""Files that are whole or not there, whenever the power goes."""

from __future__ import annotations

import os
from pathlib import Path


def write(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file by renaming it into place, and wait until the disk has it.

    :raises OSError: if that cannot be; then the file is as it was.
    """
    half = path.with_name(f".{path.name}.new")
    try:
        with half.open("wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())  # or a power cut may leave the new name without the bytes
        half.replace(path)
    except OSError:
        half.unlink(missing_ok=True)
        raise
    sync(path.parent)


def link(path: Path, target: Path) -> None:
    """Make a symbolic link by renaming it into place, and wait until the disk has it.

    :raises OSError: if that cannot be; then what was there is as it was.
    """
    half = path.with_name(f".{path.name}.new")
    half.unlink(missing_ok=True)
    half.symlink_to(target)
    half.replace(path)
    sync(path.parent)


def remove(path: Path) -> None:
    """Remove a file for good, if it is there.

    :raises OSError: if it stays.
    """
    path.unlink(missing_ok=True)
    sync(path.parent)


def sync(folder: Path) -> None:
    """Wait until the disk has a folder's names.

    :raises OSError: if it has them not.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
