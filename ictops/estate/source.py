"""Reading one file of Ansible's YAML inventory, with the line of everything in it.

Only what plans and checks need: hosts, groups, and variables as they stand. Nothing is
rendered and nothing decrypted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ictops.errors import InventoryError

VAULTED = "«vault»"
"""Stands for a value that is encrypted."""

_RANGE = re.compile(r"\[([0-9]+|[a-zA-Z]):([0-9]+|[a-zA-Z])(?::([0-9]+))?\]")


@dataclass(slots=True)
class HostEntry:
    """A host of an inventory file: its variables, groups and first line."""

    name: str
    line: int
    variables: dict[str, Any] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    """The line of each variable."""
    groups: set[str] = field(default_factory=set)


@dataclass(slots=True)
class InventoryFile:
    """What one inventory file says."""

    path: Path
    hosts: dict[str, HostEntry] = field(default_factory=dict)
    parents: dict[str, set[str]] = field(default_factory=dict)
    """The groups that each group is a child of."""
    group_vars: dict[str, dict[str, tuple[Any, int]]] = field(default_factory=dict)
    """The ``vars`` of each group, with their lines."""
    repeated: list[tuple[str, int]] = field(default_factory=list)
    """Keys that stand twice in one mapping, which YAML would merge in silence."""

    def groups_of(self, host: str) -> set[str]:
        """Give every group of a host, also those it is in by way of another."""
        return self.with_parents(self.hosts[host].groups)

    def with_parents(self, groups: Iterable[str]) -> set[str]:
        """Give these groups, and all that they are in."""
        found: set[str] = set()
        todo = list(groups)
        while todo:
            group = todo.pop()
            if group not in found:
                found.add(group)
                todo += self.parents.get(group, ())
        return found

    def in_order(self, groups: Iterable[str]) -> list[str]:
        """Give groups in the order in which Ansible merges their variables: parents first."""
        return sorted(groups, key=lambda group: (self._depth(group), group))

    def _depth(self, group: str, below: frozenset[str] = frozenset()) -> int:
        if group == "all" or group in below:
            return 0
        parents = self.parents.get(group, ())
        return 1 + max((self._depth(one, below | {group}) for one in parents), default=0)


def read_source(path: Path) -> InventoryFile:
    """Read an inventory file.

    :raises InventoryError: with file and line, if it is not what Ansible would take.
    """
    read = InventoryFile(path)
    try:
        with path.open("rb") as stream:
            root = yaml.compose(stream, Loader=yaml.CSafeLoader)
    except OSError as error:
        raise InventoryError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except UnicodeDecodeError as error:
        raise InventoryError("is not UTF-8 text", where=str(path)) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise InventoryError(f"broken YAML: {error.problem}", where=f"{path}:{line}") from error
    except yaml.YAMLError as error:
        raise InventoryError(f"broken YAML: {error}", where=str(path)) from error
    if root is not None:
        for name, node, _ in _pairs(root, read):
            _group(name, node, read)
    return read


def _group(name: str, node: yaml.Node, read: InventoryFile) -> None:
    if _is_empty(node):
        return
    for key, value, at in _pairs(node, read):
        if key == "hosts":
            _hosts(name, value, read)
        elif key == "children":
            if _is_empty(value):
                continue
            for child, inner, _ in _pairs(value, read):
                read.parents.setdefault(child, set()).add(name)
                _group(child, inner, read)
        elif key == "vars":
            if not _is_empty(value):
                found = read.group_vars.setdefault(name, {})
                found |= {k: (plain(inner), line) for k, inner, line in _pairs(value, read)}
        else:
            raise InventoryError(
                f"group {name} has '{key}', where only hosts, children and vars may stand",
                where=f"{read.path}:{at}",
            )


def _hosts(group: str, node: yaml.Node, read: InventoryFile) -> None:
    if _is_empty(node):
        return
    for pattern, value, line in _pairs(node, read):
        pairs = [] if _is_empty(value) else list(_pairs(value, read))
        for name in expand(pattern):
            host = read.hosts.get(name)
            if host is None:
                host = read.hosts[name] = HostEntry(name, line)
            host.groups.add(group)
            for key, inner, at in pairs:
                host.variables[key] = plain(inner)
                host.lines[key] = at


def _pairs(node: yaml.Node, read: InventoryFile) -> Iterator[tuple[str, yaml.Node, int]]:
    if not isinstance(node, yaml.MappingNode):
        raise InventoryError(
            "a mapping is wanted here (name: …)", where=f"{read.path}:{node.start_mark.line + 1}"
        )
    seen: set[str] = set()
    for key, value in node.value:
        name, line = str(key.value), key.start_mark.line + 1
        if name in seen:
            read.repeated.append((name, line))
        seen.add(name)
        yield name, value, line


def _is_empty(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value in {"", "~", "null"}


def plain(node: yaml.Node) -> Any:
    """Give a node as plain data: text for every tag that is not YAML's own."""
    if isinstance(node, yaml.MappingNode):
        return {str(key.value): plain(value) for key, value in node.value}
    if isinstance(node, yaml.SequenceNode):
        return [plain(item) for item in node.value]
    if node.tag == "!vault":
        return VAULTED
    if node.tag.startswith("tag:yaml.org,2002:") and node.tag != "tag:yaml.org,2002:str":
        with suppress(ValueError):  # such as the 30th of February: who wants a date will say so
            return yaml.CSafeLoader.yaml_constructors[node.tag](_CONSTRUCTOR, node)
    return node.value


_CONSTRUCTOR = yaml.SafeLoader("")


def expand(pattern: str) -> list[str]:
    """Give the names that Ansible makes of ``ws-[01:30]`` or ``lab-[a:c]``."""
    found = _RANGE.search(pattern)
    if found is None:
        return [pattern]
    first, last, step = found[1], found[2], int(found[3] or 1)
    if first.isdigit() and last.isdigit():
        width = len(first) if first.startswith("0") else 0
        values = [str(n).zfill(width) for n in range(int(first), int(last) + 1, step)]
    else:
        values = [chr(n) for n in range(ord(first), ord(last) + 1, step)]
    head, tail = pattern[: found.start()], pattern[found.end() :]
    return [head + value + rest for value in values for rest in expand(tail)]
