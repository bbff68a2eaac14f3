"""The variables that an inventory gives to groups and hosts, as Ansible finds and merges them.

Values stand as they are written: nothing is rendered and nothing decrypted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ictops.errors import InventoryError
from ictops.estate.source import InventoryFile, plain

EXTENSIONS = ("", ".yml", ".yaml", ".json")
"""What Ansible reads in group_vars and host_vars."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A value, and where it is written."""

    value: Any
    file: Path
    line: int

    @property
    def where(self) -> str:
        return f"{self.file}:{self.line}"


def variable_files(folder: Path, name: str) -> list[Path]:
    """Give the files of a group or host, in the order in which Ansible reads them.

    Of NAME, NAME.yml, NAME.yaml and NAME.json Ansible reads the first that there is, and all
    files in it where it is a folder.
    """
    for path in (folder / f"{name}{extension}" for extension in EXTENSIONS):
        if path.is_dir():
            return list(_files_in(path))
        if path.is_file():
            return [path]
    return []


def passed_over(folder: Path) -> Iterator[tuple[Path, Path]]:
    """Give each file of group_vars or host_vars that Ansible passes over, and what it reads."""
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.suffix in EXTENSIONS[1:]:
            earlier = EXTENSIONS[: EXTENSIONS.index(path.suffix)]
            read = [path.with_suffix(extension) for extension in earlier]
            yield from ((path, one) for one in read[:1] if one.exists())


def read_placed(path: Path) -> dict[str, Placed]:
    """Give the variables of one file; nothing of a file that is vaulted as a whole.

    :raises InventoryError: with file and line, if it is broken.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InventoryError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if content.startswith(b"$ANSIBLE_VAULT;"):
        return {}
    try:
        node = yaml.compose(content, Loader=yaml.CSafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise InventoryError(f"broken YAML: {error.problem}", where=f"{path}:{line}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise InventoryError(f"broken YAML: {error}", where=str(path)) from error
    if node is None:
        return {}
    if not isinstance(node, yaml.MappingNode):
        raise InventoryError("variables are wanted here (name: value)", where=f"{path}:1")
    return {
        str(key.value): Placed(plain(value), path, key.start_mark.line + 1)
        for key, value in node.value
    }


def group_variables(
    folder: Path, groups: Iterable[str], source: InventoryFile | None = None
) -> dict[str, Placed]:
    """Give the variables of groups, later ones before earlier ones; ``all`` is always the first.

    :param source: the inventory file, whose own ``vars`` any file of group_vars overrides.
    :raises InventoryError: with file and line, if a file is broken.
    """
    chain = ["all", *(group for group in groups if group != "all")]
    merged: dict[str, Placed] = {}
    if source is not None:
        for group in chain:
            for name, (value, line) in source.group_vars.get(group, {}).items():
                merged[name] = Placed(value, source.path, line)
    for group in chain:
        for path in variable_files(folder / "group_vars", group):
            merged |= read_placed(path)
    return merged


def host_variables(folder: Path, name: str, source: InventoryFile) -> dict[str, Placed]:
    """Give every variable of a host by Ansible's precedence: groups, then the host's own.

    :raises InventoryError: with file and line, if a file is broken.
    """
    merged = group_variables(folder, source.in_order(source.groups_of(name)), source)
    host = source.hosts[name]
    for variable, value in host.variables.items():
        merged[variable] = Placed(value, source.path, host.lines[variable])
    for path in variable_files(folder / "host_vars", name):
        merged |= read_placed(path)
    return merged


def values(placed: Mapping[str, Placed]) -> dict[str, Any]:
    """Give only the values."""
    return {name: one.value for name, one in placed.items()}


def _files_in(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name.startswith(".") or path.name.endswith("~"):
            continue
        if path.is_dir() and not path.suffix:
            yield from _files_in(path)
        elif path.is_file() and path.suffix in EXTENSIONS:
            yield path
