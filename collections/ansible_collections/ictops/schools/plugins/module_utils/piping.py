# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A dump goes straight into a snapshot; one that is cut off leaves none."""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Sequence

from ansible_collections.ictops.schools.plugins.module_utils.dumps import Dump, DumpError
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, ResticError

BLOCK = 1 << 20
SHOWN = 2000


def piped(repository: Repository, words: Sequence[str], dump: Dump) -> tuple[str, int, str]:
    """Back a dump up as it is made.

    Restic takes the end of its input for the end of the dump, and makes a snapshot of whatever it
    got. So it is killed before it sees the end of a dump that failed.

    :returns: what restic said, and the size (bytes) and SHA-256 of the dump.
    :raises DumpError: if the dump fails; there is no snapshot then.
    :raises ResticError: if restic does.
    """
    with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as complaints:
        try:
            source = subprocess.Popen(
                dump.words, stdout=subprocess.PIPE, stderr=complaints, stdin=subprocess.DEVNULL,
                cwd="/", env={**os.environ, **dump.environment},
            )  # fmt: skip
        except OSError as error:
            raise DumpError(f"{dump.words[0]} cannot be started: {error}") from error
        with source:
            restic = subprocess.Popen(
                repository.words(*words), stdin=subprocess.PIPE, stdout=said,
                stderr=subprocess.STDOUT, **repository.process(),
            )  # fmt: skip
            try:
                size, sha256, whole = _pour(source, restic)
                if whole:
                    restic.stdin.close()
                    restic.wait()
            finally:
                for process in (restic, source):
                    if process.poll() is None:
                        process.kill()
                restic.wait()
        if restic.returncode > 0 or whole:
            text = _read(said)
            if restic.returncode:
                raise ResticError(restic.returncode, text[-SHOWN:])
            return text, size, sha256
        raise DumpError(_read(complaints)[-SHOWN:] or f"{dump.words[0]} ended too early")


def _pour(source: subprocess.Popen, restic: subprocess.Popen) -> tuple[int, str, bool]:
    """Give the dump to restic, and say whether it is whole."""
    hashed, size = hashlib.sha256(), 0
    while data := source.stdout.read(BLOCK):
        hashed.update(data)
        size += len(data)
        try:
            restic.stdin.write(data)
            restic.stdin.flush()
        except BrokenPipeError:  # it has said why
            restic.wait()
            return size, "", False
    return size, hashed.hexdigest(), source.wait() == 0


def _read(file) -> str:
    file.seek(0)
    return file.read().decode(errors="replace").strip()
