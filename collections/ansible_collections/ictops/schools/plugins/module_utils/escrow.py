# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A key of a repository that is only for emergencies, encrypted for those who hold it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from collections.abc import Sequence
from pathlib import Path

from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, answer, run

BYTES = 32


class EscrowError(Exception):
    """The key cannot be encrypted; says why."""


def is_held(file: Path, recipients: Sequence[str]) -> bool:
    """Say whether the key is there, for just these holders."""
    try:
        return file.exists() and _note(file)["recipients"] == sorted(recipients)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def hold(repository: Repository, file: Path, recipients: Sequence[str]) -> None:
    """Add a key that only these holders can read, and take the one before it away.

    The file is there before the old key goes: at any time one of the two opens the repository.

    :raises EscrowError: if age refuses.
    :raises ResticError: if restic does.
    """
    try:
        old = _note(file)["key"]
    except (OSError, ValueError, KeyError, TypeError):
        old = ""
    password = secrets.token_urlsafe(BYTES)
    sealed = _seal(password, recipients)
    key = _add(repository, password)
    _write(file, sealed)
    note = {"recipients": sorted(recipients), "key": key}
    _write(file.with_suffix(".json"), json.dumps(note).encode())
    if old:
        run(repository, "key", "remove", old)


def _note(file: Path):
    return json.loads(file.with_suffix(".json").read_bytes())


def _seal(password: str, recipients: Sequence[str]) -> bytes:
    words = [word for one in recipients for word in ("--recipient", one)]
    done = subprocess.run(
        ["age", "--armor", *words], input=password.encode(), capture_output=True, check=False
    )
    if done.returncode:
        raise EscrowError(f"age refuses: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def _add(repository: Repository, password: str) -> str:
    """Add a key to a repository, and give its id."""
    before = _keys(repository)
    receive, send = os.pipe()
    os.write(send, password.encode())
    os.close(send)
    repository.give(receive)
    try:
        # By a pipe: the account may not read root's files, and others not the account's.
        run(repository, "key", "add", "--new-password-file", f"/dev/fd/{receive}", keep=(receive,))
    finally:
        os.close(receive)
    (new,) = _keys(repository) - before
    return new


def _keys(repository: Repository) -> set[str]:
    return {one["id"] for one in answer(repository, "key", "list") or ()}


def _write(file: Path, data: bytes) -> None:
    new = file.with_name(f".{file.name}.new")
    new.unlink(missing_ok=True)
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
