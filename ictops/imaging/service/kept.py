"""Jobs on the boot server's disk.

A folder each: ``job`` and ``signature`` as they came, ``secret`` until it is over, and
``state.json``. A folder is made under another name and renamed, a file is replaced by rename: what
a power cut leaves is what was there before, or after.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ictops.imaging.service.files import remove, sync, write
from ictops.imaging.wire import strict
from ictops.imaging.wire.job import Job
from ictops.imaging.wire.state import JobState

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a job beside what was signed."""

    state: JobState
    armed: str
    """When; UTC."""
    token: str = ""
    """The digest of the session's token; nothing before the first claim."""


@dataclass(frozen=True, slots=True)
class Known:
    """A job that the boot server has."""

    job: Job
    kept: Kept

    @property
    def state(self) -> JobState:
        return self.kept.state

    @property
    def active(self) -> bool:
        """Whether it waits for its PC, or is being done."""
        return self.state.state in {"armed", "claimed"}


class Folder:
    """The folder of jobs."""

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def load(self) -> Iterator[Known]:
        """Give every job; take away what a power cut left half made.

        A job that cannot be read is left alone, told in the log, and claimed by nobody.
        """
        for folder in sorted(self._root.iterdir()):
            if folder.name.startswith("."):
                shutil.rmtree(folder)
                continue
            try:
                job = strict.loads(Job, (folder / "job").read_bytes())
                kept = strict.loads(Kept, (folder / "state.json").read_bytes())
            except (OSError, strict.NotAsAgreed) as error:
                log.warning("job %r cannot be read, nobody gets it: %s", folder.name, error)
                continue
            yield Known(job, kept)

    def add(self, job: bytes, signature: str, secret: str | None, kept: Kept) -> None:
        """Put a new job down.

        :raises OSError: if that cannot be; then it is not there.
        """
        half = self._root / f".{kept.state.id}"
        if half.exists():
            shutil.rmtree(half)
        half.mkdir(mode=0o700)
        write(half / "job", job)
        write(half / "signature", signature.encode())
        if secret is not None:
            write(half / "secret", secret.encode())
        write(half / "state.json", strict.dumps(kept))
        half.rename(self._root / kept.state.id)
        sync(self._root)

    def save(self, kept: Kept) -> None:
        """Put down what has changed."""
        write(self._root / kept.state.id / "state.json", strict.dumps(kept))

    def signed(self, name: str) -> tuple[str, str]:
        """Give a job and its signature, as they came."""
        folder = self._root / name
        # Bytes: reading as text would change line ends, and what was signed with them.
        return (folder / "job").read_bytes().decode(), (folder / "signature").read_bytes().decode()

    def secret(self, name: str) -> str | None:
        """Give a job's secret; None if it has none, or is over."""
        try:
            return (self._root / name / "secret").read_bytes().decode()
        except FileNotFoundError:
            return None

    def drop_secret(self, name: str) -> None:
        """Have no secret of a job on the disk any more."""
        remove(self._root / name / "secret")

    def forget(self, name: str) -> None:
        """Take a job away: all of it, or nothing."""
        gone = self._root / f".{name}"
        (self._root / name).rename(gone)
        shutil.rmtree(gone)
