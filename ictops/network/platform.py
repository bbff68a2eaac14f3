"""What ictops knows of a kind of switch: one file of ``platforms/`` each.

Adding a platform is adding its file, named by what an inventory says in ``switch_platform``,
and its test data in ``tests/data/network/<platform>/``.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from ictops.errors import SwitchError

FOLDER = Path(__file__).parent / "platforms"


def _expression(text: str) -> str:
    re.compile(text)
    return text


Expression = Annotated[str, AfterValidator(_expression)]
"""A regular expression, searched for in one line at a time."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Shows(_Part):
    """The commands that show what a backup holds; a list is tried in turn until one is known."""

    running: str
    startup: str | None = None
    """None where a switch runs what it has stored, always."""
    version: str
    modules: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    """By LLDP first, then CDP."""
    interfaces: str | None = None


class Secret(_Part):
    """A secret in a configuration."""

    pattern: Expression
    """Its group ``secret`` is what nobody may see; it may be there more than once."""
    salted_anew: bool = False
    """Whether the switch shows it differently each time, though it is the same."""


class Platform(_Part):
    """One kind of switch."""

    name: str
    title: str
    netmiko: str
    """netmiko's device type: prompts, modes, paging and the like are its affair."""
    shows: Shows
    whole: Expression
    """What the last line of a whole configuration looks like: without it, it was cut off."""
    volatile: tuple[Expression, ...] = ()
    """Lines that change though nobody changed anything."""
    secrets: tuple[Secret, ...] = ()
    refusals: tuple[Expression, ...]
    """What the switch says to a command that it does not take."""
    save: str | None
    """The command that stores the running configuration; None where that is done always."""


def platform_names() -> list[str]:
    """Give the names of all platforms."""
    return sorted(path.stem for path in FOLDER.glob("*.yml"))


@cache
def load_platform(name: str) -> Platform:
    """Give a platform by its name.

    :raises SwitchError: if there is none of that name.
    """
    if name not in platform_names():
        raise SwitchError(
            f"there is no platform {name!r}",
            where="switch_platform",
            do=f"There are {', '.join(platform_names())}; docs/switches.md says how to add one",
        )
    path = FOLDER / f"{name}.yml"
    try:
        return Platform(name=name, **yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError, TypeError) as error:
        raise SwitchError(f"the platform's file is wrong: {error}", where=str(path)) from error
