"""Prints the vault's password: what ansible calls when it needs it."""

from __future__ import annotations

import sys

from ictops.errors import IctopsError
from ictops.settings import load_settings
from ictops.trust.vault import vault_password


def main() -> None:
    """Write the password to standard output, and nothing else."""
    try:
        password = vault_password(load_settings())
    except IctopsError as error:
        sys.exit(str(error))
    if password is None:
        sys.exit("no vault password is set: see [vault] in ictops.toml")
    sys.stdout.buffer.write(password)


if __name__ == "__main__":
    main()
