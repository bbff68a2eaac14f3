# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A second key of a repository, that only those who keep it in escrow can read.

The server makes the passphrase, encrypts it with age to them, and keeps the ciphertext alone.
"""

from __future__ import annotations

import re
import secrets
import subprocess
from pathlib import Path

from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    NO_LOCK,
    answer,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_locks import when_free
from ansible_collections.ictops.schools.plugins.module_utils.server_notes import (
    note,
    noted,
    write,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import (
    BackupFault,
    Kept,
)

USER = "ictops-escrow"
"""Whose key it is, as restic notes it beside the key."""
_RECIPIENT = re.compile(r"^(age1[0-9a-z]{20,}|ssh-(ed25519|rsa) [0-9A-Za-z+/=]+( .*)?)\Z")


def ciphertext(one: Kept) -> Path:
    """Give where the encrypted passphrase is."""
    return one.state / "escrow" / f"{one.name}.age"


def is_escrowed(one: Kept) -> bool:
    """Tell whether somebody keeps a key of it in escrow."""
    key = noted(_note(one)).get("key")
    there = isinstance(key, str) and (one.folder / "keys" / key).is_file()
    return there and ciphertext(one).is_file()


def escrow(one: Kept, recipients: list[str], *, do_it: bool = True) -> bool:
    """Have a key for these people and for nobody else; say whether anything was changed.

    :param recipients: public keys of age's or of ssh's; none: no key is in escrow.
    :raises BackupFault: if one of them is no public key, or age cannot encrypt to it.
    :raises ResticError: if the repository cannot be given a key.
    """
    for recipient in recipients:
        if not _RECIPIENT.match(recipient):
            raise BackupFault(f"{recipient!r} is no public key of age (age1…) or ssh-ed25519")
    wanted = sorted(" ".join(recipient.split()[:2]) for recipient in recipients)
    known = noted(_note(one)).get("recipients", [])
    if known == wanted and (is_escrowed(one) or not wanted):
        return False
    if not do_it:
        return True
    # The note goes first: killed anywhere below, the next time begins anew.
    _note(one).unlink(missing_ok=True)
    old = _keys(one)
    new = ""
    if wanted:
        passphrase = secrets.token_urlsafe(32)
        sealed = _seal(passphrase, wanted)
        who = ("--user", USER, "--host", one.name)
        when_free(one.repository, "key", "add", *who, patience=one.patience, told=passphrase + "\n")
        (new,) = _keys(one) - old
        write(ciphertext(one), sealed)
    else:
        ciphertext(one).unlink(missing_ok=True)
    for key in old:
        when_free(one.repository, "key", "remove", key, patience=one.patience)
    if wanted:
        note(_note(one), {"key": new, "recipients": wanted})
    return True


def _note(one: Kept) -> Path:
    return one.state / "escrow" / f"{one.name}.json"


def _keys(one: Kept) -> set[str]:
    """Give the whole ids of its keys in escrow: restic says the first digits."""
    said = answer(one.repository, "key", "list", *NO_LOCK)
    short = [key["id"] for key in said if key["userName"] == USER]
    names = [path.name for path in (one.folder / "keys").iterdir()]
    return {name for name in names if any(name.startswith(key) for key in short)}


def _seal(passphrase: str, recipients: list[str]) -> bytes:
    words = [word for recipient in recipients for word in ("--recipient", recipient)]
    done = subprocess.run(
        ["age", "--encrypt", "--armor", *words],
        input=passphrase.encode(),
        capture_output=True,
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise BackupFault(f"age cannot encrypt to the recipients of the escrow: {said}")
    return done.stdout
