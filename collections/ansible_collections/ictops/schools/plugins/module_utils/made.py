# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What restic says of a snapshot that it made, and of what it could not read."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    NO_LOCK,
    Repository,
    ResticError,
    answer,
    complaint,
)

UNREAD = 3
"""What restic ends with where some files could not be read (restic 0.14)."""
SELDOM = "0.016"
"""How often a second restic tells how far it is: nobody looks."""


@dataclass(frozen=True)
class Made:
    """A snapshot. Sizes are bytes.

    :ivar snapshot: its id as restic says it, the first digits.
    :ivar unread: what could not be read and is still there, with why.
    """

    snapshot: str
    files: int
    bytes: int
    files_new: int
    files_changed: int
    bytes_added: int
    unread: tuple[str, ...] = ()


def of_folders(repository: Repository, words: Sequence[str]) -> Made:
    """Make a snapshot of files and folders.

    :raises ResticError: if there is none then.
    """
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        done = subprocess.run(
            repository.words(*words), stdin=subprocess.DEVNULL, stdout=said, stderr=complained,
            check=False, **repository.process(RESTIC_PROGRESS_FPS=SELDOM),
        )  # fmt: skip
        return made(done.returncode, text_of(said), text_of(complained))


def made(code: int, said: str, complained: str) -> Made:
    """Read what a backup has said; restic tells on its error output what it could not read.

    :param code: what restic ended with.
    :raises ResticError: if it made no snapshot.
    """
    summary = next((one for one in _lines(said) if one.get("message_type") == "summary"), None)
    errors = [one for one in _lines(complained) if one.get("message_type") == "error"]
    if summary is None or code not in (0, UNREAD):
        words = [line for line in complained.splitlines() if not line.startswith("{")]
        why = "\n".join([*(_told(one) for one in errors[-3:]), *words]).strip()
        why = complaint(why) if why else f"restic ended with {code} and made no snapshot"
        raise ResticError(code, why)
    return Made(
        snapshot=summary["snapshot_id"],
        files=summary["total_files_processed"],
        bytes=summary["total_bytes_processed"],
        files_new=summary["files_new"],
        files_changed=summary["files_changed"],
        bytes_added=summary["data_added"],
        unread=tuple(_told(one) for one in errors if not _is_gone(one)),
    )


def whole_id(repository: Repository, snapshot: str) -> str:
    """Give the whole id of a snapshot that restic has told the first digits of.

    :raises ResticError: if it is not there.
    """
    cached = [path.name for path in repository.cache.glob(f"*/snapshots/*/{snapshot}*")]
    if len(cached) == 1:  # as restic keeps what it makes there; to ask it takes a second or two
        return cached[0]
    found = answer(repository, "snapshots", *NO_LOCK, snapshot) or ()
    if len(found) != 1:
        raise ResticError(0, f"restic made {snapshot}, and has {len(found)} of that name")
    return found[0]["id"]


def text_of(file) -> str:
    """Give what a program wrote into a file."""
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _lines(text: str) -> Iterator[Mapping]:
    for line in text.splitlines():
        if line.startswith("{"):
            try:
                yield json.loads(line)
            except ValueError:  # cut off, as restic was killed
                continue


def _is_gone(error: Mapping) -> bool:
    """Say whether a file was deleted while it was backed up: that is nobody's fault."""
    item = str(error.get("item", ""))
    return item.startswith("/") and not os.path.lexists(item)


def _told(error: Mapping) -> str:
    why = error.get("error")
    if isinstance(why, Mapping):
        number = why.get("Err")
        why = os.strerror(number) if isinstance(number, int) else why.get("message", why)
    return f"{error.get('item')} ({why})"
