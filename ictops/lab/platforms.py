"""Which switches of an inventory a lab can simulate."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ictops.estate.source import InventoryFile
from ictops.estate.variables import group_variables, host_variables, values, variable_files
from ictops.lab.startup import PLATFORMS
from ictops.network.described import PLATFORM

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
"""What a farm's switch can be called."""


def variables_of(
    folder: Path, source: InventoryFile, names: Iterable[str]
) -> dict[str, dict[str, Any]]:
    """Give the variables of switches as they are written; files of groups are read once.

    :raises InventoryError: with file and line, if a file is broken.
    """
    of_groups: dict[tuple[str, ...], dict[str, Any]] = {}
    found = {}
    for name in names:
        if variable_files(folder / "host_vars", name):
            found[name] = values(host_variables(folder, name, source))
            continue
        groups = tuple(source.in_order(source.groups_of(name)))
        if groups not in of_groups:
            of_groups[groups] = values(group_variables(folder, groups, source))
        found[name] = of_groups[groups] | source.hosts[name].variables
    return found


def platforms_of(folder: Path, source: InventoryFile, names: Iterable[str]) -> dict[str, str]:
    """Give the platform of each switch; nothing for one that cannot be simulated."""
    found = {}
    for name, variables in variables_of(folder, source, names).items():
        platform = str(variables.get(PLATFORM, ""))
        found[name] = platform if platform in PLATFORMS and _NAME.fullmatch(name) else ""
    return found
