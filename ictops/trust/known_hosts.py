"""Pinned SSH host keys: a known_hosts file per site, and nothing trusted on first use.

The files are OpenSSH's own (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT). What somebody put there by
hand counts and stays: hashed names, patterns, ``@revoked`` and ``@cert-authority``.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import hmac
import os
import shlex
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from fnmatch import fnmatchcase
from pathlib import Path

from ictops.errors import TrustError
from ictops.estate.models import SITE_CODE

FOLDER = "known_hosts"
SSH_PORT = 22
REVOKED = "@revoked"


def known_hosts_path(cluster_dir: Path, site: str) -> Path:
    """Give the file of a site's pinned keys.

    :raises TrustError: if the code could lead out of the folder.
    """
    if not SITE_CODE.match(site):
        raise TrustError("a site's code has letters a-z, digits and dashes", where=repr(site))
    return cluster_dir / FOLDER / site


def write_ssh_clients(folder: Path, known_hosts: Path) -> dict[str, str]:
    """Write an ssh, sftp and scp that accept the pinned keys and no others.

    ssh heeds the first word on an option: so nothing that an inventory or an ansible.cfg adds
    takes the pins away (``StrictHostKeyChecking=no`` is often copied from somewhere), and what
    else it adds, such as a ProxyJump, holds.

    :returns: the variables by which Ansible uses them.
    """
    path = str(known_hosts).replace("%", "%%")  # ssh_config(5), TOKENS
    options = (
        "StrictHostKeyChecking=yes",
        f'UserKnownHostsFile="{path}"',
        "GlobalKnownHostsFile=/dev/null",
        "NoHostAuthenticationForLocalhost=no",
        "UpdateHostKeys=no",
        "VerifyHostKeyDNS=no",
    )
    words = " ".join(f"-o {shlex.quote(option)}" for option in options)
    variables = {"ansible_host_key_checking": "true", "ansible_ssh_host_key_checking": "true"}
    for name in ("ssh", "sftp", "scp"):
        script = folder / name
        found = shutil.which(name) or f"/usr/bin/{name}"
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(found)} {words} "$@"\n')
        script.chmod(0o700)
        variables[f"ansible_{name}_executable"] = str(script)
    return variables


class KnownHosts:
    """What a known_hosts file says.

    :raises TrustError: if it cannot be read; one that is not there says nothing.
    """

    def __init__(self, path: Path) -> None:
        self._entries = [e for e in _entries(_lines(path)) if e[0] in {"", REVOKED}]

    def pinned(self, address: str) -> set[str]:
        """Give the keys, ``type base64``, of an address as :func:`address_of` names it."""
        return self._keys("", address) - self.revoked(address)

    def revoked(self, address: str) -> set[str]:
        """Give the keys of an address that are never to be accepted again."""
        return self._keys(REVOKED, address)

    def _keys(self, wanted: str, address: str) -> set[str]:
        entries = self._entries
        return {key for marker, names, key in entries if marker == wanted and _for(names, address)}


def pin_keys(path: Path, keys: Mapping[str, Iterable[str]]) -> None:
    """Put the keys of these addresses into a file, in the place of what was pinned for them.

    Several may do so at once, and none loses what another has pinned.

    :raises TrustError: if the file cannot be read or written.
    """
    with _alone_at(path):
        _pin_keys(path, keys)


def _pin_keys(path: Path, keys: Mapping[str, Iterable[str]]) -> None:
    kept = []
    for line in _lines(path):
        entry = next(_entries([line]), None)
        if entry is None or entry[0]:
            kept.append(line)
            continue
        names = [one for one in entry[1] if not any(_is(one, address) for address in keys)]
        if names:
            kept.append(f"{','.join(names)} {line.split(None, 1)[1]}")
    write_lines(path, kept + [f"{a} {key}" for a in keys for key in sorted(keys[a])])


@contextmanager
def _alone_at(path: Path) -> Iterator[None]:
    """Hold a file's folder; the kernel lets go of it when this process ends, however it ends."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise TrustError(f"cannot be written: {error.strerror}", where=str(path)) from error
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def write_known(path: Path, known: Mapping[str, Iterable[str]]) -> None:
    """Write a file anew, with these keys and no others."""
    write_lines(path, [f"{a} {key}" for a in sorted(known) for key in sorted(known[a])])


def address_of(address: str, port: int) -> str:
    """Give how known_hosts names an address: small, with its port in brackets if it is not 22."""
    small = address.lower()
    return small if port == SSH_PORT else f"[{small}]:{port}"


def explain(message: str, site: str, host: str) -> str:
    """Give what to do about ssh's own words on a host key, or an empty text."""
    if "REMOTE HOST IDENTIFICATION HAS CHANGED" in message or "REVOKED" in message:
        return (
            "its host key is not the pinned one: if it was installed anew, 'ictops site trust "
            f"{site} --replace {host}'; if not, find out who answers there"
        )
    if "host key" in message.lower():
        return f"its host key is not pinned: 'ictops site trust {site}' shows and records it"
    return ""


def write_lines(path: Path, lines: Iterable[str]) -> None:
    """Write a file whole, by rename; who reads it sees the old one or the new one."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        Path(file.name).chmod(0o644)
        Path(file.name).replace(path)
    except OSError as error:
        raise TrustError(f"cannot be written: {error.strerror}", where=str(path)) from error


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return []
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise TrustError(f"cannot be read: {reason}", where=str(path)) from error


def _entries(lines: Iterable[str]) -> Iterator[tuple[str, list[str], str]]:
    """Give marker, names, and ``type base64`` of each line that has a key."""
    for line in lines:
        fields = line.split()
        marker = fields.pop(0) if fields and fields[0].startswith("@") else ""
        if len(fields) >= 3 and not fields[0].startswith("#"):  # noqa: PLR2004 - names type key
            yield marker, fields[0].split(","), f"{fields[1]} {fields[2]}"


def _for(names: Iterable[str], address: str) -> bool:
    """Tell whether the names of a line stand for an address."""

    def matches(name: str) -> bool:
        return _is(name, address) or fnmatchcase(address, name.lower().replace("[", "[[]"))

    names = list(names)
    taken_out = any(matches(name[1:]) for name in names if name.startswith("!"))
    return not taken_out and any(matches(name) for name in names)


def _is(name: str, address: str) -> bool:
    """Tell whether a name is this address, also where it is hashed."""
    if not name.startswith("|1|"):
        return name.lower() == address
    try:
        salt, digest = (base64.b64decode(part) for part in name[3:].split("|"))
    except ValueError:
        return False
    return hmac.compare_digest(hmac.digest(salt, address.encode(), hashlib.sha1), digest)
