"""Templates in a site's own file that would do something on this machine.

Ansible renders the variables of an inventory here, lookups in them included:
``{{ lookup('pipe', 'touch /tmp/x') }}`` runs its command. What people write into
``group_vars`` is theirs to decide, like a playbook. A site's own file lists machines, and is
what spreadsheets and other systems are turned into: what stands there is data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

_LOOKUP = re.compile(rb"\b(?:lookup|query|q)\b")
_TEMPLATE = re.compile(r"\{[{%].*\b(?:lookup|query|q)\b", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Lookup:
    """Where a template stands that looks something up."""

    line: int
    text: str

    def __str__(self) -> str:
        return (
            f"{self.text[:60]!r} would run on this machine; in a site's file it is refused: "
            "write the value itself (!unsafe in front keeps it as it is), or put what you mean "
            "into group_vars"
        )


def lookups_in(source: Path) -> Iterator[Lookup]:
    """Give the templates with a lookup in a site's file; none in one that is not YAML."""
    content = source.read_bytes()
    if not _LOOKUP.search(content):
        return
    for node in _scalars(content):
        if node.tag != "!unsafe" and _TEMPLATE.search(node.value):
            yield Lookup(node.start_mark.line + 1, node.value)


def _scalars(content: bytes) -> Iterator[yaml.ScalarNode]:
    try:
        todo = [node for node in yaml.compose_all(content, yaml.CSafeLoader) if node is not None]
    except (yaml.YAMLError, UnicodeDecodeError):
        return  # whoever reads the file for its hosts says so
    seen: set[int] = set()
    while todo:
        node = todo.pop()
        if isinstance(node, yaml.ScalarNode):
            yield node
        elif id(node) not in seen:  # an anchor may lead to it many times
            seen.add(id(node))
            pairs = node.value if isinstance(node, yaml.MappingNode) else [node.value]
            todo += [one for pair in pairs for one in pair]
