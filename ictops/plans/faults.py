"""What is wrong in a plan that was edited by hand, and on which line."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from ictops.errors import PlanError
from ictops.plans.model import Estimate, Gate, Plan, SitePlan, Wave, WindowSpan
from ictops.settings import Limits

_PARTS: tuple[type[BaseModel], ...] = (Plan, SitePlan, Wave, WindowSpan, Gate, Estimate, Limits)
_KEYS = sorted({name for part in _PARTS for name in part.model_fields})


class StrictLoader(yaml.CSafeLoader):
    """Reads plain data only; a key twice is an error, and a date stays the text that it is."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Give the mapping, or refuse one in which a key stands twice."""
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} stands twice", key_node.start_mark
                )
            if isinstance(key, Hashable):
                seen.add(key)
        return super().construct_mapping(node, deep=deep)


StrictLoader.yaml_implicit_resolvers = {
    first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def plan_fault(error: ValidationError, text: str, path: Path) -> PlanError:
    """Turn pydantic's first complaint into one that names the line in the file."""
    first = error.errors(include_url=False)[0]
    where: Sequence[str | int] = first["loc"]
    root = yaml.compose(text, StrictLoader)
    line = _line_of(root, where)
    key = str(where[-1]) if where else ""
    what = f"{'.'.join(str(part) for part in where)}: {first['msg']}".removeprefix(": ")
    do = "Put it right, or make the plan anew"
    if first["type"] == "extra_forbidden":
        what = f"a plan has no key {key!r} here"
        near = get_close_matches(key, _KEYS, n=1)
        do = f"Did you mean {near[0]!r}?" if near else do
    elif first["type"] == "string_pattern_mismatch":
        what = f"{first['input']!r} is no name that is allowed here"
    elif first["type"] == "missing":
        what = f"{key!r} is missing"
    elif first["type"] == "value_error":
        what = str(first["ctx"]["error"])
        if not where:
            line = _second_host(root) or line
    return PlanError(what, where=f"{path}:{line}", do=do)


def _line_of(node: yaml.Node | None, where: Sequence[str | int]) -> int:
    """Give the line of the deepest node that ``where`` leads to; pydantic may name more."""
    line = 1
    for part in where:
        step = _step(node, part)
        if step is None:
            break
        line, node = step
    return line


def _step(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            if key.value == str(part):
                return key.start_mark.line + 1, value
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        return node.value[part].start_mark.line + 1, node.value[part]
    return None


def _second_host(root: yaml.Node | None) -> int | None:
    seen: set[str] = set()
    for host in _host_nodes(root):
        if host.value in seen:
            return int(host.start_mark.line) + 1
        seen.add(host.value)
    return None


def _host_nodes(root: yaml.Node | None) -> Iterator[yaml.ScalarNode]:
    sites = _step(root, "sites")
    if not sites or not isinstance(sites[1], yaml.MappingNode):
        return
    for _, site in sites[1].value:
        waves = _step(site, "waves")
        for wave in waves[1].value if waves else ():
            hosts = _step(wave, "hosts")
            yield from hosts[1].value if hosts else ()
