"""Values that Ansible would run on this machine."""

from __future__ import annotations

from collections.abc import Mapping

from ictops.errors import PlanError

_MARKS = ("{{", "{%", "{#")


def holds_template(text: str) -> bool:
    """Tell whether Ansible would take a text for a template."""
    return any(mark in text for mark in _MARKS)


def refuse_templates(value: object, where: str = "--extra-vars") -> None:
    """Refuse Jinja in extra vars, in names and in values however deep.

    :raises PlanError: naming the variable.
    """
    if isinstance(value, Mapping):
        for key, item in value.items():
            refuse_templates(str(key), where)
            refuse_templates(item, f"{where} {key}")
    elif isinstance(value, list | tuple):
        for item in value:
            refuse_templates(item, where)
    elif isinstance(value, str) and holds_template(value):
        raise PlanError(
            "a value holds a template ({{, {% or {#), which would run on this machine",
            where=where,
            do="Give the plain value, or put the template into the playbook",
        )
