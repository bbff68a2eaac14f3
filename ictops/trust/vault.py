"""The ansible-vault password: from a file, a keyring or a command, and never in an argument."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

from ictops.errors import TrustError
from ictops.settings import Settings, find_config

COMMAND_SECONDS = 60
_FOR_EVERYBODY = 0o007


def vault_password(settings: Settings) -> bytes | None:
    """Give the vault's password from where the settings say, or None if they name nothing.

    :raises TrustError: if it is not there, is empty, or lies open to everybody.
    """
    vault = settings.vault
    if vault.password_file is not None:
        password, where = _from_file(settings.resolve(vault.password_file))
    elif vault.keyring is not None:
        password, where = _from_keyring(vault.keyring)
    elif vault.command is not None:
        password, where = _from_command(vault.command, settings)
    else:
        return None
    if not password.strip():
        raise TrustError("the vault's password is empty", where=where, do="Put it there")
    return password.strip()


def _from_file(path: Path) -> tuple[bytes, str]:
    try:
        if path.stat().st_mode & _FOR_EVERYBODY:
            raise TrustError(
                "everybody on this machine can read the vault's password file",
                where=str(path),
                do=f"'chmod 600 {shlex.quote(str(path))}', and think of a new password",
            )
        password = path.read_bytes()
    except OSError as error:
        raise TrustError(
            f"the vault's password file cannot be read: {error.strerror}",
            where=str(path),
            do="Correct vault.password_file in ictops.toml",
        ) from error
    if password.startswith(b"#!"):
        raise TrustError(
            "the vault's password file is a script",
            where=str(path),
            do=f'Name it as a command: command = ["{path}"] under [vault] in ictops.toml',
        )
    return password, str(path)


def _from_keyring(entry: str) -> tuple[bytes, str]:
    import keyring  # noqa: PLC0415 - slow to import, and seldom needed
    from keyring.errors import KeyringError  # noqa: PLC0415

    service, slash, user = entry.partition("/")
    if not slash or not service or not user:
        raise TrustError("vault.keyring is written SERVICE/USER", where=entry)
    try:
        found = keyring.get_password(service, user)
    except KeyringError as error:
        raise TrustError(
            f"this machine's keyring cannot be used: {error}",
            where=entry,
            do="Unlock it, or use vault.password_file or vault.command in ictops.toml",
        ) from error
    if found is None:
        raise TrustError(
            "the keyring has no such password", where=entry, do=f"'keyring set {service} {user}'"
        )
    return found.encode(), entry


def _from_command(command: list[str], settings: Settings) -> tuple[bytes, str]:
    if not command:
        raise TrustError("vault.command is empty", do='Write command = ["pass", "show", "vault"]')
    try:
        done = subprocess.run(
            command,
            check=True,
            capture_output=True,
            timeout=COMMAND_SECONDS,
            cwd=settings.workspace,
        )
    except subprocess.CalledProcessError as error:
        why = f"it ended with {error.returncode}"
    except subprocess.TimeoutExpired:
        why = f"it took longer than {COMMAND_SECONDS} s"
    except OSError as error:
        why = str(error.strerror)
    else:
        return done.stdout, command[0]
    # What the command printed is left out: it may be the password.
    raise TrustError(
        f"the command that gives the vault's password failed: {why}",
        where=command[0],
        do="Try it by hand; vault.command in ictops.toml names it",
    )


def write_vault_client(folder: Path, settings: Settings) -> Path:
    """Write a script for ansible's ``--vault-password-file``, and give it.

    There is no secret in it: it asks the settings, as ictops itself does.
    """
    config = find_config()
    lines = ["#!/bin/sh", f"cd {shlex.quote(str(settings.workspace.resolve()))} || exit 1"]
    if config is not None:
        lines.append(f"export ICTOPS_CONFIG={shlex.quote(str(config))}")
    lines.append(f"exec {shlex.quote(sys.executable)} -m ictops.trust.vault_client")
    path = folder / "vault-client"
    path.write_text("\n".join(lines) + "\n")
    path.chmod(0o700)
    return path
