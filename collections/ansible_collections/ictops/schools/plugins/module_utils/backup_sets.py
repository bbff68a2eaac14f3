# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backing one set of a host up: its folders, or each of its dumps."""

from __future__ import annotations

import contextlib
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import TypeVar

from ansible_collections.ictops.schools.plugins.module_utils.backup_dumps import (
    Dump,
    DumpError,
    dumps_of,
)
from ansible_collections.ictops.schools.plugins.module_utils.backup_sample import (
    Seen,
    sample_of,
    unchanged,
)
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, ResticError
from ansible_collections.ictops.schools.plugins.module_utils.snapshots import (
    Made,
    full_id,
    nodes,
    of_folders,
    of_stream,
)

BUSY = ("unable to create lock in backend: repository is already locked", "exclusively")
"""What restic says while the server forgets or prunes."""
PAUSE = 15
"""Seconds between two tries then."""
TOLD = 5
"""How many files are named that could not be read."""
Result = TypeVar("Result")


@dataclass(frozen=True)
class Backup:
    """Where a host's sets go.

    :ivar patience: seconds for which it is waited until the server has pruned.
    """

    repository: Repository
    host: str
    sample: int
    patience: int

    def of(self, given: dict) -> list[dict]:
        """Back a set up, and say what became of it: one entry for each snapshot."""
        if given["kind"] == "folders":
            return [_told(given, lambda: self._folders(given))]
        try:
            dumps = dumps_of(given)
        except DumpError as error:
            return [_entry(given, _now(), message=str(error))]
        return [_told(given, lambda dump=dump: self._dump(given, dump)) for dump in dumps]

    def _folders(self, given: dict) -> dict:
        there, wrong = [], []
        for path in given.get("paths") or []:
            if Path(path).is_symlink():
                wrong.append(f"{path} is a link: name {os.path.realpath(path)}")
            elif os.path.lexists(path):
                there.append(path)
            else:
                wrong.append(f"{path} is not there")
        if not there:
            return {"message": "; ".join(wrong) or "it has no paths"}
        more = [f"--exclude={pattern}" for pattern in given.get("exclude") or []]
        if given.get("one_file_system"):
            more.append("--one-file-system")
        sample = sample_of(there, self.sample, random.Random())  # noqa: S311  # no secret
        made = self._patiently(
            lambda: of_folders(self.repository, there, *more, host=self.host, tags=tags_of(given))
        )
        # The snapshot itself comes first, then what it has of the sample.
        listed = list(
            nodes(self.repository, made.snapshot, *([one.path for one in sample] or ["/ "]))
        )
        kept = in_snapshot(unchanged(sample), listed[1:])
        if not made.files:
            wrong.append("there is no file in it: is something not mounted?")
        told = _summary(made, listed[0]["id"], kept)
        if wrong:  # what is there is safe, and yet the set is not what it should be
            told["message"] = f"{'; '.join(wrong)} (the rest is in {told['snapshot'][:8]})"
            told["snapshot"], told["sample"] = "", []
        elif made.unread:
            more_words = f" and {len(made.unread) - TOLD} more" if len(made.unread) > TOLD else ""
            told["message"] = f"not read: {'; '.join(made.unread[:TOLD])}{more_words}"
        return told

    def _dump(self, given: dict, dump: Dump) -> dict:
        def take():
            with contextlib.closing(dump.chunks()) as chunks:
                return of_stream(
                    self.repository, chunks, dump.file, host=self.host, tags=tags_of(given)
                )

        try:
            made, stream = self._patiently(take)
        except DumpError as error:
            return {"message": f"{dump.name}: {error}"}
        seen = Seen(dump.file, stream.size, stream.sha256, ())
        return _summary(made, full_id(self.repository, made.snapshot), [seen])

    def _patiently(self, do: Callable[[], Result]) -> Result:
        until = time.monotonic() + self.patience
        while True:
            try:
                return do()
            except ResticError as error:
                busy = all(words in str(error) for words in BUSY)
                if not busy or time.monotonic() > until:
                    raise
                time.sleep(PAUSE)


def tags_of(given: dict) -> dict[str, str]:
    """Give what a snapshot of a set is marked with."""
    return {"set": given["name"], "class": given["class"], "kind": given["kind"]}


def in_snapshot(sample: list[Seen], listed: list[dict]) -> list[Seen]:
    """Give those that a snapshot has: what the set leaves out is not in it."""
    sizes = {one["path"]: one.get("size", 0) for one in listed if one["type"] == "file"}
    return [seen for seen in sample if sizes.get(seen.path) == seen.size]


def _told(given: dict, do: Callable[[], dict]) -> dict:
    at, begun = _now(), time.monotonic()
    try:
        told = do()
    except (ResticError, OSError) as error:
        told = {"message": str(error)}
    return _entry(given, at, seconds=round(time.monotonic() - begun, 3), **told)


def _entry(given: dict, at: str, **told: object) -> dict:
    entry = {
        "set": given["name"], "class": given["class"], "kind": given["kind"], "snapshot": "",
        "at": at, "seconds": 0.0, "files": 0, "bytes": 0, "files_new": 0, "files_changed": 0,
        "bytes_added": 0, "sample": [], "message": "",
    }  # fmt: skip
    return {**entry, **told}


def _summary(made: Made, snapshot: str, sample: list[Seen]) -> dict:
    return {
        "snapshot": snapshot,
        "files": made.files,
        "bytes": made.bytes,
        "files_new": made.files_new,
        "files_changed": made.files_changed,
        "bytes_added": made.bytes_added,
        "sample": [{"path": one.path, "size": one.size, "sha256": one.sha256} for one in sample],
    }


def _now() -> str:
    now = datetime.now(timezone.utc)  # noqa: UP017  # Python 3.10 has no other
    return now.isoformat(timespec="seconds")
