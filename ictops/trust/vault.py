"""The ansible-vault password, and the secrets that it opens, in memory only."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from ictops.errors import TrustError
from ictops.settings import Settings, find_config

HEADER = b"$ANSIBLE_VAULT;"


def vault_password(settings: Settings) -> bytes | None:
    """Give the vault's password from where the settings say, or None if they name nothing.

    :raises TrustError: if it is not there.
    """
    vault = settings.vault
    if vault.password_file is not None:
        path = settings.resolve(vault.password_file)
        try:
            return path.read_bytes().strip()
        except OSError as error:
            raise TrustError(
                f"the vault's password file cannot be read: {error.strerror}",
                where=str(path),
                do="Correct vault.password_file in ictops.toml",
            ) from error
    if vault.keyring is not None:
        return _from_keyring(vault.keyring)
    if vault.command is not None:
        return _from_command(vault.command)
    return None


def _from_keyring(entry: str) -> bytes:
    import keyring  # noqa: PLC0415 - slow to import, and seldom needed

    service, _, user = entry.partition("/")
    found = keyring.get_password(service, user)
    if found is None:
        raise TrustError(
            "the keyring has no such password", where=entry, do=f"'keyring set {service} {user}'"
        )
    return found.encode()


def _from_command(command: list[str]) -> bytes:
    try:
        done = subprocess.run(command, check=True, capture_output=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise TrustError(
            "the command that gives the vault's password failed",
            where=command[0],
            do="Try it by hand; vault.command in ictops.toml names it",
        ) from error
    return done.stdout.strip()


def write_vault_client(folder: Path) -> Path:
    """Write a script for ansible's ``--vault-password-file``, and give it.

    There is no secret in it: it asks the settings, as ictops itself does.
    """
    config = find_config()
    lines = ["#!/bin/sh"]
    if config is not None:
        lines.append(f"export ICTOPS_CONFIG={shlex.quote(str(config))}")
    lines.append(f"exec {shlex.quote(sys.executable)} -m ictops.trust.vault_client")
    path = folder / "vault-client"
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o700)
    return path


def vault_secrets(source: Path, password: bytes) -> set[str]:
    """Give every text that the vault hides from whoever reads the site's inventory.

    These are the values in vaulted files and the ``!vault`` values of the site's own file
    and of ``group_vars`` and ``host_vars`` beside it.

    :raises TrustError: naming the file that this password does not open.
    """
    from ansible.constants import DEFAULT_VAULT_IDENTITY  # noqa: PLC0415 - slow to import
    from ansible.parsing.vault import VaultLib, VaultSecret  # noqa: PLC0415

    library = VaultLib([(DEFAULT_VAULT_IDENTITY, VaultSecret(password))])
    found: set[str] = set()
    for path in sorted(_files_of(source)):
        content = path.read_bytes()
        if HEADER not in content:
            continue
        try:
            if content.startswith(HEADER):
                opened = yaml.load(library.decrypt(content), _AnyTag)  # noqa: S506 - a SafeLoader
                found |= set(_texts(opened))
            else:
                for ciphertext in _inline(content):
                    found.add(library.decrypt(ciphertext).decode())
        except Exception as error:
            raise TrustError(
                "the vault's password does not open this file",
                where=str(path),
                do="Look at [vault] in ictops.toml; 'ansible-vault view' tells whether it fits",
            ) from error
    return found


def has_vault(source: Path) -> list[Path]:
    """Give the files of a site's inventory that hold something vaulted."""
    return [path for path in sorted(_files_of(source)) if HEADER in path.read_bytes()]


def _files_of(source: Path) -> Iterator[Path]:
    yield source
    for name in ("group_vars", "host_vars"):
        for folder, _, files in os.walk(source.parent / name):
            yield from (Path(folder) / file for file in files)


class _AnyTag(yaml.SafeLoader):
    """Safe, and indifferent to tags of Ansible's such as !unsafe."""


class _Vaulted(bytes):
    """What stands behind ``!vault``."""


def _plain(_loader: yaml.SafeLoader, _suffix: str, node: yaml.Node) -> Any:
    return node.value if isinstance(node, yaml.ScalarNode) else None


def _vaulted(_loader: yaml.SafeLoader, node: yaml.ScalarNode) -> _Vaulted:
    return _Vaulted(node.value.encode())


_AnyTag.add_multi_constructor("!", _plain)
_AnyTag.add_constructor("!vault", _vaulted)


def _inline(content: bytes) -> Iterator[bytes]:
    yield from (bytes(v) for v in _values(yaml.load(content, _AnyTag)) if isinstance(v, _Vaulted))  # noqa: S506


def _texts(value: Any) -> Iterator[str]:
    for one in _values(value):
        if isinstance(one, bool) or one is None or isinstance(one, bytes):
            continue
        yield str(one)


def _values(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from _values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
    else:
        yield value
