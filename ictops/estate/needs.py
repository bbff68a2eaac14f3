"""What roles ask of the inventory: the variables that their argument_specs require."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ictops.errors import InventoryError

_ROLE_TASKS = ("import_role", "include_role")
_BLOCKS = ("pre_tasks", "tasks", "post_tasks", "block", "rescue", "always")


@dataclass(frozen=True, slots=True, order=True)
class Need:
    """A variable that a role requires on some hosts."""

    role: str
    variable: str
    hosts: str
    """The hosts of the play that uses the role, as a pattern; ``all`` where none does."""


def needs_of(content: Path) -> list[Need]:
    """Give what the roles in ``content/roles`` require on the hosts of ``content/playbooks``.

    A variable for which the role has a default, or the play a value, is not among them.

    :raises InventoryError: with file and line, if a role or playbook is broken YAML.
    """
    uses = list(_uses(content / "playbooks"))
    found: set[Need] = set()
    for specs in sorted((content / "roles").glob("*/meta/argument_specs.y*ml")):
        role = specs.parent.parent
        given = {
            name
            for folder in ("defaults", "vars")
            for path in sorted((role / folder).glob("main.y*ml"))
            for name in _mapping(_load(path))
        }
        for entry, spec in _mapping(_mapping(_load(specs)).get("argument_specs")).items():
            options = _mapping(_mapping(spec).get("options"))
            required = {n for n, option in options.items() if _mapping(option).get("required")}
            used = [use for use in uses if use.role == role.name and use.entry == entry]
            if not used and entry == "main":
                used = [_Use(role.name, entry, "all", frozenset())]
            found |= {
                Need(role.name, name, use.hosts)
                for use in used
                for name in required - given - use.given
            }
    return sorted(found)


@dataclass(frozen=True, slots=True)
class _Use:
    """A play's use of a role."""

    role: str
    entry: str
    """The entry point: ``main``, or the tasks file that is used instead."""
    hosts: str
    given: frozenset[str]
    """The variables to which the play or the task gives a value."""


def _uses(playbooks: Path) -> Iterator[_Use]:
    for path in sorted(playbooks.glob("*.y*ml")):
        for play in _list(_load(path)):
            hosts = _mapping(play).get("hosts")
            if hosts is None:
                continue
            pattern = ",".join(hosts) if isinstance(hosts, list) else str(hosts)
            vars_of_play = _mapping(play.get("vars")).keys()
            for role, entry, given in _roles(play):
                yield _Use(role, entry, pattern, frozenset(vars_of_play | given))


def _roles(play: Mapping[str, Any]) -> Iterator[tuple[str, str, set[str]]]:
    for item in _list(play.get("roles")):
        role = {"role": item} if isinstance(item, str) else _mapping(item)
        name = role.get("role", role.get("name", ""))
        yield str(name), str(role.get("tasks_from", "main")), {*role, *_mapping(role.get("vars"))}
    for block in _BLOCKS:
        for task in _list(play.get(block)):
            for word in _ROLE_TASKS:
                use = _mapping(task).get(word) or _mapping(task).get(f"ansible.builtin.{word}")
                if isinstance(use, dict):
                    entry = str(use.get("tasks_from", "main")).removesuffix(".yml")
                    yield str(use.get("name", "")), entry, {*_mapping(task.get("vars"))}
            yield from _roles(_mapping(task))


def _load(path: Path) -> Any:
    try:
        return yaml.load(path.read_bytes(), Loader=_Indifferent)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise InventoryError("broken YAML", where=where) from error


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


class _Indifferent(yaml.CSafeLoader):
    """Takes Ansible's own tags, such as !vault, without a look at what they hold."""


_Indifferent.add_multi_constructor("!", lambda _loader, _suffix, _node: None)
