"""A repository's key that is quick to open: restic's own takes some tenths of a second each time.

That time is what protects a password (scrypt). The data of the repository stay as restic made them;
its master key is encrypted anew under the same password, with the least that scrypt can do. The
format is restic's: doc/design.rst, "Keys, Encryption and MAC".
"""

from __future__ import annotations

import atexit
import base64
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR, ECB
from cryptography.hazmat.primitives.poly1305 import Poly1305

NONCE, MAC = 16, 16
LEAST = {"N": 2, "r": 1, "p": 1}


def empty_repository(folder: Path, password: str) -> None:
    """Make a repository without anything in it."""
    shutil.copytree(_made(password), folder)


@cache
def _made(password: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="ictops-restic-"))
    atexit.register(shutil.rmtree, folder)
    given = {"RESTIC_REPOSITORY": str(folder / "empty"), "RESTIC_PASSWORD": password}
    subprocess.run(["restic", "init", "--quiet"], check=True, env={**os.environ, **given})
    quicken(folder / "empty", password)
    return folder / "empty"


def quicken(repository: Path, password: str) -> None:
    """Make the only key of a repository quick to open."""
    (file,) = (repository / "keys").iterdir()
    key = json.loads(file.read_bytes())
    sealed = base64.b64decode(key["data"])
    nonce, hidden = sealed[:NONCE], sealed[NONCE:-MAC]
    master = _turn(_derived(password, key)[:32], nonce, hidden)
    key |= LEAST
    derived, nonce = _derived(password, key), os.urandom(NONCE)
    hidden = _turn(derived[:32], nonce, master)
    made = nonce + hidden + _mac(derived[32:], nonce, hidden)
    data = json.dumps(key | {"data": base64.b64encode(made).decode()}).encode()
    (file.parent / hashlib.sha256(data).hexdigest()).write_bytes(data)
    file.unlink()


def _derived(password: str, key: dict[str, Any]) -> bytes:
    salt = base64.b64decode(key["salt"])
    return hashlib.scrypt(
        password.encode(), salt=salt, n=key["N"], r=key["r"], p=key["p"], dklen=64,
        maxmem=1 << 30,
    )  # fmt: skip


def _turn(key: bytes, nonce: bytes, data: bytes) -> bytes:
    """Encrypt, or decrypt."""
    return Cipher(AES(key), CTR(nonce)).encryptor().update(data)


def _mac(key: bytes, nonce: bytes, data: bytes) -> bytes:
    hidden = Cipher(AES(key[:16]), ECB()).encryptor().update(nonce)  # noqa: S305 - as it is made
    return Poly1305.generate_tag(key[16:] + hidden, data)
