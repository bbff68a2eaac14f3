"""The key that says which images and jobs are ours."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from ictops.imaging.images.tools import run
from ictops.imaging.wire.signature import SIGNER
from ictops.settings import make_private


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
    """Give the key; the first time, it is made. Whoever is quicker makes it: there is one.

    :param imaging: the folder of all that imaging keeps.
    :raises ImageError: if ssh-keygen does not make it.
    """
    made = Signing(imaging / "signing")
    if made.allowed.exists():
        return made
    make_private(imaging)
    new = Path(tempfile.mkdtemp(prefix="signing-", dir=imaging))
    try:
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", SIGNER, "-f", new / "key")
        kind, public = (new / "key.pub").read_text().split()[:2]
        (new / "allowed_signers").write_text(f"{SIGNER} {kind} {public}\n")
        try:
            new.rename(made.folder)
        except OSError:
            if not made.allowed.exists():
                raise
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return made
