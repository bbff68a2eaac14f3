"""Plan anyone's playbook: the same waves, windows, gates and journal, nothing added to it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml

from ictops.errors import PlanError
from ictops.operations.planning import Draft, Request, Work, make_plan, name_playbook
from ictops.plans.faults import StrictLoader
from ictops.plans.sources import ROLE_VARIABLE, load_any_tag, playbook_path
from ictops.plans.templates import refuse_templates
from ictops.settings import Settings, content_dir

ROLE_PLAYBOOK = "role.yml"
_FULL_ROLE = re.compile(r"(?!.*\.ya?ml$)[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*){2}")
_LONGEST_NAME = 64
_SECRET = re.compile(r"passw|secret|token|private_key|api_?key|credential", re.IGNORECASE)


def parse_extra_vars(words: Iterable[str]) -> dict[str, Any]:
    """Read extra vars as ansible-playbook does: ``k=v k=v``, ``@FILE``, JSON or YAML.

    Later ones win. Values of ``k=v`` are text. Vault values are not for here: they would
    stand in the plan; put them into the inventory.

    :raises PlanError: where one cannot be read or holds a template.
    """
    found: dict[str, Any] = {}
    for word in words:
        found.update(_from_file(Path(word[1:])) if word.startswith("@") else _from_word(word))
    refuse_templates(found)
    return found


def plan_playbook(
    settings: Settings,
    playbook: Path,
    request: Request,
    *,
    extra_vars: Mapping[str, Any],
    idempotent: bool = True,
) -> Draft:
    """Plan ``playbook``, which is run as it is; a role's folder or full name does too.

    Past runs are looked up by its file's name, so that each playbook has its own estimate.

    :raises PlanError: where it is no playbook, or no host is left to change.
    """
    draft = make_plan(settings, request, _work(playbook, extra_vars, idempotent=idempotent))
    return replace(draft, notes=(*draft.notes, *_secret_names(extra_vars)))


def _work(playbook: Path, extra_vars: Mapping[str, Any], *, idempotent: bool) -> Work:
    if role := _role(playbook):
        last = Path(role).name
        return Work(
            operation=f"role:{last}"[:_LONGEST_NAME],
            title=f"role {last}",
            playbook=ROLE_PLAYBOOK,
            extra_vars={**extra_vars, ROLE_VARIABLE: role},
            idempotent=idempotent,
        )
    name = name_playbook(playbook)
    _check_plays(playbook_path(name, content_dir()))
    return Work(
        operation=f"playbook:{playbook.stem}"[:_LONGEST_NAME],
        title=f"playbook {playbook.name}",
        playbook=name,
        extra_vars=extra_vars,
        idempotent=idempotent,
    )


def _secret_names(data: object) -> list[str]:
    """Warn of variables that look like secrets by their name, however deep they lie."""
    if isinstance(data, Mapping):
        here = [
            f"{key} stands in the plan and the journal in clear; a secret belongs in the vault"
            for key, value in data.items()
            if isinstance(value, str) and value and _SECRET.search(str(key))
        ]
        return here + [note for value in data.values() for note in _secret_names(value)]
    if isinstance(data, list):
        return [note for value in data for note in _secret_names(value)]
    return []


def _role(given: Path) -> str | None:
    """Give the role where ``given`` is one: its folder, or ``namespace.collection.role``.

    :raises PlanError: where it is a folder, but none of a role.
    """
    if given.is_dir():
        if not (given / "tasks").is_dir():
            raise PlanError(
                "this folder is no role: it has no tasks",
                where=str(given),
                do="Name a playbook, or the folder of one role",
            )
        return str(given.resolve())
    return str(given) if not given.exists() and _FULL_ROLE.fullmatch(str(given)) else None


def _check_plays(playbook: Path) -> None:
    """Refuse what is YAML but no list of plays, such as a file of tasks."""
    plays = load_any_tag(playbook)
    if not isinstance(plays, list) or not plays:
        raise PlanError("a playbook is a list of plays", where=f"{playbook}:1")
    for play in plays:
        keys = {str(key).rpartition(".")[2] for key in play} if isinstance(play, dict) else set()
        if not keys & {"hosts", "import_playbook"}:
            raise PlanError(
                "a play without 'hosts' is no play",
                where=str(playbook),
                do="Is it a file of tasks? Import it from a playbook",
            )


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return _mapping(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise PlanError(f"extra vars cannot be read: {error}", where=f"@{path}") from error


def _from_word(word: str) -> dict[str, Any]:
    if word.lstrip().startswith(("{", "[")):
        return _mapping(word, "--extra-vars")
    found = {}
    for pair in word.split():
        key, equals, value = pair.partition("=")
        if not equals or not key.isidentifier():
            raise PlanError(
                f"{pair!r} is no variable",
                where="--extra-vars",
                do="Write name=value, @file.yml or JSON; values with spaces need JSON",
            )
        found[key] = value
    return found


def _mapping(text: str, where: str) -> dict[str, Any]:
    try:
        data = yaml.load(text, StrictLoader)  # noqa: S506 - a safe loader, made stricter
        json.dumps(data)
    except (yaml.YAMLError, TypeError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or error
        line = f":{mark.line + 1}" if mark else ""
        raise PlanError(
            f"extra vars are not plain YAML or JSON: {problem}", where=f"{where}{line}"
        ) from error
    if not isinstance(data, dict) or not all(isinstance(key, str) for key in data):
        raise PlanError("extra vars are names with values", where=where)
    return data
