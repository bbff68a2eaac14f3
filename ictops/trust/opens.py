"""Whether the vault's password opens what is vaulted in an inventory."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_VAULTED = re.compile(rb"\$ANSIBLE_VAULT;[^\r\n]*(?:\r?\n[ \t]*[0-9a-f]+[ \t]*(?=\r?\n|\Z))*")


@dataclass(frozen=True, slots=True)
class Vaulted:
    """A vaulted value, or a file that is vaulted as a whole."""

    path: Path
    line: int
    opens: bool
    names: tuple[str, ...] = ()
    """The variables of a file that is vaulted as a whole; never their values."""


def try_vaults(paths: Iterable[Path], password: bytes) -> Iterator[Vaulted]:
    """Give everything vaulted in these files, and whether the password opens it."""
    from ansible.constants import DEFAULT_VAULT_IDENTITY  # noqa: PLC0415 - slow to import
    from ansible.errors import AnsibleError  # noqa: PLC0415
    from ansible.parsing.vault import VaultLib, VaultSecret  # noqa: PLC0415

    library = VaultLib([(DEFAULT_VAULT_IDENTITY, VaultSecret(password))])
    for path in paths:
        content = path.read_bytes()
        for found in _VAULTED.finditer(content):
            # A value begins on the line before, after "!vault |".
            line = max(1, content.count(b"\n", 0, found.start()))
            text = b"\n".join(part.strip() for part in found[0].splitlines()) + b"\n"
            try:
                opened = library.decrypt(text)
            except AnsibleError:
                yield Vaulted(path, line, opens=False)
                continue
            whole = found.start() == 0
            yield Vaulted(path, line, opens=True, names=tuple(_names(opened)) if whole else ())


def _names(content: bytes) -> Iterator[str]:
    try:
        root: Any = yaml.compose(content, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return  # ansible says so when it reads the file
    if isinstance(root, yaml.MappingNode):
        yield from (str(key.value) for key, _ in root.value)
