"""A folder of keys that is made the first time it is wanted, and never again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from ictops.settings import make_private


def made_once(mark: Path, make: Callable[[Path], None]) -> None:
    """Make a folder, unless it is there. Whoever is quicker makes it: there is one.

    :param mark: a file of the folder, by which it is known to be there.
    :param make: fills an empty folder, into which nobody else may look.
    """
    if mark.exists():
        return
    folder = mark.parent
    make_private(folder.parent)
    new = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    try:
        make(new)
        try:
            new.rename(folder)
        except OSError:
            if not mark.exists():
                raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
