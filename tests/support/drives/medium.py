"""What the stand-ins share: a drive's state, and what its erase does to the medium."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, NoReturn


class State:
    """What a drive knows; written by rename, as a power cut must not halve it."""

    def __init__(self, path: str) -> None:
        self.path = Path(path)
        self._file = self.path.with_suffix(".drive")
        try:
            self.known: dict[str, Any] = json.loads(self._file.read_text())
        except OSError:
            fail(f"{path}: No such file or directory", 2)

    def get(self, name: str, default: Any = 0) -> Any:
        return self.known.get(name, default)

    def set(self, **more: Any) -> None:
        self.known.update(more)
        fresh = self._file.with_suffix(".part")
        fresh.write_text(json.dumps(self.known))
        fresh.rename(self._file)

    def erase(self, how: str) -> None:
        """Erase the medium, unless this drive lies: ``keeps`` MiB stay from 0, or all."""
        size, kept = self.path.stat().st_size, self.get("keeps") << 20
        with self.path.open("r+b") as medium:
            if how == "crypto":
                medium.seek(kept)
                medium.write(os.urandom(max(0, size - kept)))
            else:
                medium.truncate(min(kept, size))
                medium.truncate(size)

    def refuses(self, what: str) -> bool:
        return what in self.get("refuses", [])


def fail(what: str, code: int = 1) -> NoReturn:
    sys.stderr.write(what + "\n")
    sys.exit(code)
