"""The files of a farm's folder: host keys, who is trusted, where it listens, its process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import asyncssh

from ictops.errors import LabError

PID = "pid"
"""Written last: when it is there, all switches listen."""
LISTENING = "listening.json"
"""Each switch's name, address and port."""
CONTROL = "control"
"""The socket that :mod:`ictops.lab.farm.control` talks over."""
KEYS = "keys"
SSH_PORT = 22


def host_keys(folder: Path, names: Sequence[str], *, shared: bool) -> dict[str, asyncssh.SSHKey]:
    """Give each switch's host key; one that is not there yet is made and kept.

    :raises LabError: if a key that is there cannot be read.
    """
    keys = folder / KEYS
    keys.mkdir(mode=0o700, exist_ok=True)
    if shared:
        one = _key(keys / "shared")
        return dict.fromkeys(names, one)
    return {name: _key(keys / f"{name}.key") for name in names}


def _key(path: Path) -> asyncssh.SSHKey:
    try:
        if path.exists():
            return asyncssh.read_private_key(path)
    except (OSError, asyncssh.KeyImportError) as error:
        raise LabError(f"this host key cannot be read: {error}", where=str(path)) from error
    key = asyncssh.generate_private_key("ssh-ed25519")
    put(path, key.export_private_key().decode(), mode=0o600)
    return key


def known_line(address: str, port: int, key: asyncssh.SSHKey) -> str:
    """Give the line of ``known_hosts`` for a key, see sshd(8)."""
    place = address if port == SSH_PORT else f"[{address}]:{port}"
    words = key.export_public_key().decode().split()
    return f"{place} {words[0]} {words[1]}\n"


def put(path: Path, text: str, mode: int = 0o644) -> None:
    """Write a file that is whole whenever it is there."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    part.touch(mode=mode)
    part.write_text(text, encoding="utf-8")
    part.rename(path)
