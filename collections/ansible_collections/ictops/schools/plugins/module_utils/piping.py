# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A dump goes straight into a snapshot; one that is cut off leaves none."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ansible_collections.ictops.schools.plugins.module_utils.dumps import Dump, DumpError
from ansible_collections.ictops.schools.plugins.module_utils.made import (
    SELDOM,
    Made,
    made,
    text_of,
)
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, ResticError

BLOCK = 1 << 20
SHOWN = 2000
PATIENCE = 60
"""Seconds that restic has to take its lock away when it is stopped."""
GUARD = 'read -r over || kill -KILL "$1"'


def piped(repository: Repository, words: Sequence[str], dump: Dump) -> tuple[Made, int, str]:
    """Back a dump up as it is made.

    Restic takes the end of its input for the end of the dump, and makes a snapshot of whatever it
    got. So it is stopped before it sees the end of a dump that failed.

    :returns: the snapshot, and the size (bytes) and SHA-256 of the dump.
    :raises DumpError: if the dump fails; there is no snapshot then.
    :raises ResticError: if restic does.
    """
    with (
        tempfile.TemporaryFile() as said,
        tempfile.TemporaryFile() as complained,
        tempfile.TemporaryFile() as complaints,
        _begun(dump, complaints) as source,
    ):
        restic = subprocess.Popen(
            repository.words(*words), stdin=subprocess.PIPE, stdout=said, stderr=complained,
            bufsize=0, **repository.process(RESTIC_PROGRESS_FPS=SELDOM),
        )  # fmt: skip
        size, sha256, taken, whole = 0, "", True, False
        try:
            with _guarded(restic):
                try:
                    size, sha256, taken = _pour(source, restic)
                    whole = taken and source.wait() == 0
                finally:
                    if taken and not whole:
                        _stop(restic)
        finally:
            restic.stdin.close()
        if taken and not whole:
            why = text_of(complaints).strip()[-SHOWN:] or "it said nothing"
            raise DumpError(f"{dump.words[0]} ended with {source.returncode}: {why}")
        snapshot = made(restic.wait(), text_of(said), text_of(complained))
        if not taken:
            raise ResticError(0, f"restic ended before the dump did, with {snapshot.snapshot}")
        return snapshot, size, sha256


@contextmanager
def _begun(dump: Dump, complaints) -> Iterator[subprocess.Popen]:
    """Have a dump's program run, and no longer than it is read."""
    if dump.prepare is not None:
        dump.prepare()
    try:
        source = subprocess.Popen(
            dump.words, stdout=subprocess.PIPE, stderr=complaints, stdin=subprocess.DEVNULL,
            cwd="/", env={**os.environ, **dump.environment},
        )  # fmt: skip
    except OSError as error:
        raise DumpError(f"{dump.words[0]} cannot be started: {error}") from error
    try:
        yield source
    finally:
        source.stdout.close()
        if source.poll() is None:
            source.kill()
        source.wait()


@contextmanager
def _guarded(restic: subprocess.Popen) -> Iterator[None]:
    """Have restic killed if this process is, by whatever signal.

    The end of restic's input would come from that, too. A guard holds the input open, and lets it
    go only when it has killed restic or was told that all is over.
    """
    watched, tell = os.pipe()
    try:
        guard = subprocess.Popen(
            ["sh", "-c", GUARD, "guard", str(restic.pid)], stdin=watched,
            pass_fds=(restic.stdin.fileno(),), start_new_session=True,
        )  # fmt: skip
    except BaseException:
        os.close(tell)
        restic.kill()
        raise
    finally:
        os.close(watched)
    try:
        yield
    finally:
        os.write(tell, b"over\n")
        os.close(tell)
        guard.wait()


def _pour(source: subprocess.Popen, restic: subprocess.Popen) -> tuple[int, str, bool]:
    """Give a dump to restic; say its size, its hash, and whether restic took it to its end."""
    hashed, size = hashlib.sha256(), 0
    while data := source.stdout.read(BLOCK):
        hashed.update(data)
        size += len(data)
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[restic.stdin.write(rest) :]
        except BrokenPipeError:  # it has ended, and said why
            return size, "", False
    return size, hashed.hexdigest(), True


def _stop(restic: subprocess.Popen) -> None:
    restic.send_signal(signal.SIGINT)  # it takes its lock away, and makes no snapshot
    try:
        restic.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        restic.kill()
        restic.wait()
