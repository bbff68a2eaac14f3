"""Signatures of manifests and jobs: OpenSSH's own (PROTOCOL.sshsig), by ssh-keygen.

Each kind of thing has its namespace, so that a signature of one is none of the other.
"""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path
from typing import Literal

Namespace = Literal["ictops-image", "ictops-job"]
SIGNER = "ictops"
"""The name that stands before the key in the file of allowed signers."""


class SignatureWrong(ValueError):
    """What was read is not signed by the one who may."""


def sign(data: bytes, namespace: Namespace, key: Path) -> str:
    """Sign with an SSH key.

    :param key: the file with the private half.
    :raises SignatureWrong: if the key cannot be used.
    """
    command = ["ssh-keygen", "-q", "-Y", "sign", "-n", namespace, "-f", str(key)]
    done = subprocess.run(command, input=data, capture_output=True, check=False)
    if done.returncode:
        raise SignatureWrong(f"{key} does not sign: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout.decode()


def verify(data: bytes, signature: str, namespace: Namespace, allowed: Path) -> None:
    """See that data is as it was signed.

    :param allowed: a file of allowed signers, as ssh-keygen(1) has them, for :data:`SIGNER`.
    :raises SignatureWrong: if it is not.
    """
    with tempfile.NamedTemporaryFile("w", suffix=".sig") as file:
        file.write(signature)
        file.flush()
        command = ["ssh-keygen", "-Y", "verify", "-f", str(allowed), "-I", SIGNER]
        command += ["-n", namespace, "-s", file.name]
        done = subprocess.run(command, input=data, capture_output=True, check=False)
    if done.returncode:
        raise SignatureWrong(f"this is not signed by {allowed.name}'s key for {namespace}")
