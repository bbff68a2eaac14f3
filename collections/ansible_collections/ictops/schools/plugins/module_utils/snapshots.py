# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Making a snapshot of folders or of a stream, and reading what is in one."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    NO_LOCK,
    SHOWN,
    Repository,
    ResticError,
    run,
)

NOT_ALL_READ = 3
"""What restic ends a backup with that could not read some of the files."""
SELDOM = "0.016"
"""How often a second restic tells how far it is: nobody looks."""
PATIENCE = 60
"""Seconds that restic has to take its lock away when it is stopped."""
_GUARD = 'read -r said || kill -KILL "$1"'


@dataclass(frozen=True)
class Made:
    """A snapshot that was made. Sizes are bytes.

    :ivar snapshot: its id, as restic says it: the first 8 digits.
    :ivar unread: what could not be read, one line each.
    """

    snapshot: str
    files: int
    bytes: int
    files_new: int
    files_changed: int
    bytes_added: int
    unread: tuple[str, ...] = ()


@dataclass(frozen=True)
class Streamed:
    """What went by. The size is in bytes."""

    size: int
    sha256: str


def labels(host: str, tags: dict[str, str]) -> list[str]:
    """Give the words that say whose a snapshot is and what of."""
    words = ["--host", host]
    for name, value in tags.items():
        words += ["--tag", f"{name}={value}"]
    return words


def of_folders(
    repository: Repository, paths: list[str], *more: str, host: str, tags: dict[str, str]
) -> Made:
    """Make a snapshot of files and folders.

    :param more: further words for restic, such as what is left out.
    :raises ResticError: if there is none then.
    """
    words = repository.words("backup", "--json", *labels(host, tags), *more, "--", *paths)
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complained:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=complained,
            check=False,
            **repository.process(RESTIC_PROGRESS_FPS=SELDOM),
        )
        return _made(done.returncode, _text(said), _text(complained))


def of_stream(
    repository: Repository,
    chunks: Iterable[bytes],
    name: str,
    *,
    host: str,
    tags: dict[str, str],
) -> tuple[Made, Streamed]:
    """Make a snapshot of one file that comes as a stream.

    Restic takes the end of a stream for the end of the file. So it is killed, and never told of
    an end, if whatever makes the stream fails; and if this process dies, by whatever signal: a
    guard holds the stream open until it has killed restic.

    :param name: the file's absolute path in the snapshot.
    :raises ResticError: if restic fails. What ``chunks`` raises goes on.
    """
    words = repository.words(
        "backup", "--json", *labels(host, tags), "--stdin", f"--stdin-filename={name}"
    )
    with (
        tempfile.TemporaryFile() as said,
        tempfile.TemporaryFile() as complained,
        contextlib.ExitStack() as open_ends,
    ):
        source, sink = _pipe(open_ends)
        restic = subprocess.Popen(
            words,
            stdin=source,
            stdout=said,
            stderr=complained,
            **repository.process(RESTIC_PROGRESS_FPS=SELDOM),
        )
        source.close()
        watched, tell = _pipe(open_ends)
        guard = subprocess.Popen(
            ["sh", "-c", _GUARD, "guard", str(restic.pid)],
            stdin=watched,
            pass_fds=(sink.fileno(),),
            start_new_session=True,
        )
        watched.close()
        digest, size = hashlib.sha256(), 0
        try:
            for chunk in chunks:
                sink.write(chunk)
                digest.update(chunk)
                size += len(chunk)
        except BrokenPipeError:
            pass  # restic has ended: it says why below
        except BaseException:
            _stop(restic)
            raise
        finally:
            tell.write(b"over\n")
            guard.wait()
        sink.close()
        code = restic.wait()
        return _made(code, _text(said), _text(complained)), Streamed(size, digest.hexdigest())


def full_id(repository: Repository, snapshot: str) -> str:
    """Give the whole id of a snapshot.

    :raises ResticError: if there is none.
    """
    return next(nodes(repository, snapshot, "/ "))["id"]  # of no path: the snapshot alone


def nodes(repository: Repository, snapshot: str, *paths: str) -> Iterator[dict]:
    """Give the snapshot itself, then what it has at these paths and directly in them.

    Names that are no UTF-8 have a replacement character where they are not.

    :raises ResticError: if it cannot be read.
    """
    said = run(repository, "ls", "--json", *NO_LOCK, "--", snapshot, *paths)
    if not said:  # restic 0.14 calls that a success
        raise ResticError(0, f"there is no snapshot {snapshot}")
    for line in said.splitlines():
        yield json.loads(line)


def _pipe(open_ends: contextlib.ExitStack):
    reading, writing = os.pipe()
    return (
        open_ends.enter_context(os.fdopen(reading, "rb", buffering=0)),
        open_ends.enter_context(_Whole(writing)),
    )


class _Whole:
    """The writing end of a pipe, that takes all it is given."""

    def __init__(self, number: int) -> None:
        self.number = number

    def fileno(self) -> int:
        return self.number

    def write(self, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.number, rest) :]

    def close(self) -> None:
        if self.number >= 0:
            os.close(self.number)
            self.number = -1

    def __enter__(self) -> _Whole:
        return self

    def __exit__(self, *why: object) -> None:
        self.close()


def _stop(restic: subprocess.Popen) -> None:
    restic.send_signal(signal.SIGINT)  # it takes its lock away
    try:
        restic.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        restic.kill()
        restic.wait()


def _text(file) -> str:
    file.seek(0)
    return file.read().decode("utf-8", "replace")


def _made(code: int, said: str, complained: str) -> Made:
    summary, unread, words = None, [], []
    for line in said.splitlines():
        with contextlib.suppress(ValueError):
            told = json.loads(line)
            if told.get("message_type") == "summary":
                summary = told
    for line in complained.splitlines():
        told = _error(line)
        if told is None:
            words.append(line)
        elif not (Path(told[0]).is_absolute() and not os.path.lexists(told[0])):
            unread.append(f"{told[0]}: {told[1]}")  # what is gone meanwhile is nobody's fault
    if summary is None or code not in (0, NOT_ALL_READ):
        raise ResticError(
            code, "\n".join([*unread[-3:], *words]).strip()[-SHOWN:] or "it was ended"
        )
    return Made(
        snapshot=summary["snapshot_id"],
        files=summary["total_files_processed"],
        bytes=summary["total_bytes_processed"],
        files_new=summary["files_new"],
        files_changed=summary["files_changed"],
        bytes_added=summary["data_added"],
        unread=tuple(unread),
    )


def _error(line: str) -> tuple[str, str] | None:
    """Give the file, and what was wrong with it, of a line in which restic says that."""
    try:
        told = json.loads(line)
    except ValueError:
        return None
    if not isinstance(told, dict) or told.get("message_type") != "error":
        return None
    why = told.get("error")
    if isinstance(why, dict):
        why = why.get("Err") or why.get("message") or why
    return str(told.get("item", "")), str(why)
