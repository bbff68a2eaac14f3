"""The key that says which images and jobs are ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ictops.imaging.images.tools import run
from ictops.imaging.once import made_once
from ictops.imaging.wire.signature import SIGNER


@dataclass(frozen=True, slots=True)
class Signing:
    """Where the key lies, and the file that says who may sign."""

    folder: Path

    @property
    def key(self) -> Path:
        return self.folder / "key"

    @property
    def allowed(self) -> Path:
        return self.folder / "allowed_signers"


def signing_of(imaging: Path) -> Signing:
    """Give the key; the first time, it is made.

    :param imaging: the folder of all that imaging keeps.
    :raises ImageError: if ssh-keygen does not make it.
    """
    made = Signing(imaging / "signing")
    made_once(made.allowed, _make)
    return made


def _make(folder: Path) -> None:
    new = Signing(folder)
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", SIGNER, "-f", new.key)
    kind, public = new.key.with_suffix(".pub").read_text().split()[:2]
    new.allowed.write_text(f"{SIGNER} {kind} {public}\n")
