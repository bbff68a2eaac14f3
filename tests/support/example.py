"""The example of the role ``switch_config``, as each platform can have it."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.ictops.schools.plugins.plugin_utils.role_values import role_values

from ictops.errors import SwitchError
from ictops.lab.farm.kind import load_kind
from ictops.network.rendered import rendered
from ictops.network.wanted import Wanted, wanted_of

ROLE = Path(__file__).parents[2] / "roles" / "switch_config"
FOLDER = Path(__file__).parents[1] / "data" / "switch_config"


def school(platform: str) -> dict[str, Any]:
    """Give the variables of the example, without what a platform cannot do."""
    values, own = copy.deepcopy(_read("school")), copy.deepcopy(_read(platform))
    ports = own.get("ports", {})
    for entry in values["switch_config_ports"]:
        entry["ports"] = [ports.get(name, name) for name in entry["ports"]]
    values |= own.get("instead", {})
    for path in own.get("without", ()):
        take_away(values, path.split("."))
    for path, value in own.get("replaced", {}).items():
        group, name = path.split(".")
        values[group][name] = value
    return values


@cache
def _read(name: str) -> dict[str, Any]:
    said: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yml").read_text())
    return said


def take_away(value: Any, names: list[str]) -> None:
    """Take a setting out of wherever it stands."""
    if isinstance(value, list):
        for one in value:
            take_away(one, names)
    elif len(names) == 1:
        value.pop(names[0], None)
    elif names[0] in value:
        take_away(value[names[0]], names[1:])


def wanted(platform: str, variables: dict[str, Any], host: str = "oak-sw-01") -> Wanted:
    """Give what variables want of a switch, as the action has it."""
    role = role_values(ROLE)
    values = role.of(copy.deepcopy(variables), host)
    return wanted_of(values, role.ready_made, role.limits(platform), host)


def lines(platform: str, variables: dict[str, Any], host: str = "oak-sw-01") -> list[str]:
    """Give the lines that a switch is to have."""
    return rendered(wanted(platform, variables, host), platform, ROLE / "templates", host)


def said_of(platform: str, variables: dict[str, Any]) -> tuple[list[str], str]:
    """Give the lines that a switch is to have, or none and why it cannot."""
    try:
        return lines(platform, variables), ""
    except SwitchError as error:
        return [], str(error)


def with_ports(platform: str, running: str) -> str:
    """Give a simulated switch's configuration with all ports of the example: it makes none."""
    names = [name for entry in school(platform)["switch_config_ports"] for name in entry["ports"]]
    new = [name for name in names if f"interface {name}\n" not in running]
    if load_kind(platform).dialect != "lines":
        return running
    closing = "exit\n" if load_kind(platform).grammar.exits else ""
    ports = "".join(f"interface {name}\n{closing}" for name in new)
    head, end, tail = running.rpartition("end\n")
    return f"{head}{ports}{end}{tail}" if end else f"{running}{ports}"
