"""The secrets that the vault's password opens, in memory only: what must be hidden of a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml

from ictops.errors import TrustError
from ictops.estate.source import plain, read_source
from ictops.estate.variables import variable_files

HEADER = b"$ANSIBLE_VAULT;"
TAGS = frozenset({"!vault", "!vault-encrypted"})
_JSON_KEY = "__ansible_vault"
_DATA = frozenset({"", ".yml", ".yaml", ".json"})
"""Only in such files can one value alone be vaulted."""
_MOST_BYTES = 16 * 2**20
"""Of a file with single vaulted values; one that is vaulted whole is read whatever its size."""
_NO_SECRETS = frozenset({"tag:yaml.org,2002:null", "tag:yaml.org,2002:bool"})


def inventory_files(source: Path) -> list[Path]:
    """Give the files that Ansible reads for a site's inventory: its own, and what is beside it.

    :raises InventoryError: with file and line, if the site's file is broken.
    """
    read = read_source(source)
    groups = {group for host in read.hosts for group in read.groups_of(host)}
    found = [source]
    wanted = {"group_vars": groups | {"all", "ungrouped"}, "host_vars": set(read.hosts)}
    for name, owners in wanted.items():
        folder = source.parent / name
        if folder.is_dir():
            found += [path for owner in sorted(owners) for path in variable_files(folder, owner)]
    return found


def vault_secrets(files: Iterable[Path], password: bytes | None) -> set[str]:
    """Give every text that the vault hides in these files.

    :raises TrustError: naming the file that this password does not open, or that is vaulted
        where there is no password: what ictops does not know, it could not hide.
    """
    vault = Vault(password)
    found: set[str] = set()
    for path in dict.fromkeys(files):
        try:
            found |= set(_secrets_of(path, vault))
        except OSError as error:
            raise TrustError(f"cannot be read: {error.strerror}", where=str(path)) from error
    return found


class Vault:
    """Opens what one password opens."""

    def __init__(self, password: bytes | None) -> None:
        self._password = password

    def open(self, ciphertext: bytes, path: Path) -> bytes:
        """Give what is vaulted.

        :param path: where it stands, for the error.
        :raises TrustError: if there is no password, or it does not open this.
        """
        from ansible.constants import DEFAULT_VAULT_IDENTITY  # noqa: PLC0415 - slow to import
        from ansible.errors import AnsibleError  # noqa: PLC0415
        from ansible.parsing.vault import VaultLib, VaultSecret  # noqa: PLC0415

        if self._password is None:
            raise TrustError(
                "it is vaulted, and the settings name no password",
                where=str(path),
                do="Say under [vault] in ictops.toml where the password is",
            )
        # Whatever vault id the header names, this one password is tried.
        library = VaultLib([(DEFAULT_VAULT_IDENTITY, VaultSecret(self._password))])
        try:
            opened: bytes = library.decrypt(ciphertext)
        except AnsibleError as error:
            raise TrustError(
                "the vault's password does not open this file",
                where=str(path),
                do="Look at [vault] in ictops.toml; 'ansible-vault view' tells whether it fits. "
                "ictops opens every file with one password, whatever its vault id",
            ) from error
        return opened


def _secrets_of(path: Path, vault: Vault) -> Iterator[str]:
    with path.open("rb") as file:
        head = file.read(len(HEADER))
        if head == HEADER:
            yield from _texts(vault.open(head + file.read(), path), path, vault)
            return
        if path.suffix not in _DATA or path.stat().st_size > _MOST_BYTES:
            return
        content = head + file.read()
    if HEADER in content:
        for ciphertext in _ciphertexts(_nodes(content)):
            yield vault.open(ciphertext.encode(), path).decode(errors="replace")


def _texts(opened: bytes, path: Path, vault: Vault) -> Iterator[str]:
    """Give each value of what was a file of variables, or else all of it."""
    nodes = _nodes(opened)
    if not any(isinstance(node, yaml.CollectionNode) for node in nodes):
        yield opened.decode(errors="replace")
        return
    for ciphertext in _ciphertexts(nodes):
        yield vault.open(ciphertext.encode(), path).decode(errors="replace")
    for node in _scalars(nodes):
        if node.tag not in _NO_SECRETS | TAGS:
            yield node.value  # as it was typed, such as 0042
            yield str(plain(node))  # as Ansible shows it, such as 34


def _nodes(content: bytes) -> list[yaml.Node]:
    """Give the documents of a YAML or JSON text; none where it is no such text."""
    try:
        return [node for node in yaml.compose_all(content, yaml.CSafeLoader) if node is not None]
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return []  # Ansible would find no vaulted value in it either


def _ciphertexts(nodes: Iterable[yaml.Node]) -> Iterator[str]:
    for node in _all(nodes):
        if isinstance(node, yaml.ScalarNode) and node.tag in TAGS:
            yield node.value
        elif isinstance(node, yaml.MappingNode):
            pairs = ((key.value, value.value) for key, value in node.value)
            yield from (value for key, value in pairs if key == _JSON_KEY)


def _scalars(nodes: Iterable[yaml.Node]) -> Iterator[yaml.ScalarNode]:
    """Give the values, and not the names that they have."""
    names = {id(key) for n in _all(nodes) if isinstance(n, yaml.MappingNode) for key, _ in n.value}
    yield from (n for n in _all(nodes) if isinstance(n, yaml.ScalarNode) and id(n) not in names)


def _all(nodes: Iterable[yaml.Node]) -> Iterator[yaml.Node]:
    """Give every node once, also those that anchors lead to many times."""
    seen: set[int] = set()
    todo = list(nodes)
    while todo:
        node = todo.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        yield node
        if isinstance(node, yaml.SequenceNode):
            todo += node.value
        elif isinstance(node, yaml.MappingNode):
            todo += [part for pair in node.value for part in pair]
