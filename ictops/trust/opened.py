"""A YAML file as it is once its vaulted values are opened, in memory only."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import yaml

from ictops.estate.reading import compose, read_bytes
from ictops.trust.vaulted import HEADER, TAGS, Vault

_TEXT = "tag:yaml.org,2002:str"


def open_yaml(path: Path, password: Callable[[], bytes | None]) -> yaml.Node | None:
    """Give the root node of a file that may be vaulted whole or in single values.

    The lines of a file that is vaulted whole are those that ``ansible-vault view`` shows.

    :param password: asked only where something is vaulted.
    :raises TrustError: if the vault's password does not open it, or there is none.
    :raises OSError: if the file cannot be read.
    :raises UnicodeDecodeError: if it is no text.
    :raises yaml.YAMLError: if it is no YAML.
    """
    content = read_bytes(path)
    vault = Vault(password()) if HEADER in content else None
    if vault is not None and content.startswith(HEADER):
        content = vault.open(content, path)
    root: yaml.Node | None = compose(content.decode("utf-8-sig"))
    if root is not None and vault is not None:
        _open(root, vault, path, set())
    return root


def _open(node: yaml.Node, vault: Vault, path: Path, seen: set[int]) -> None:
    if id(node) in seen:  # an anchor leads to it
        return
    seen.add(id(node))
    if isinstance(node, yaml.ScalarNode) and node.tag in TAGS:
        node.value = vault.open(node.value.encode(), path).decode(errors="replace").strip()
        node.tag = _TEXT
    elif isinstance(node, yaml.SequenceNode):
        for one in node.value:
            _open(one, vault, path, seen)
    elif isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            _open(key, vault, path, seen)
            _open(value, vault, path, seen)
