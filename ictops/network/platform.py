"""What ictops knows of a kind of switch: one file of ``platforms/`` each.

Adding a platform is adding its file, named by what an inventory says in ``switch_platform``,
and its test data in ``tests/data/network/<platform>/``; docs/switches.md says how.
"""

from __future__ import annotations

import re
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, ValidationError

from ictops.errors import SwitchError
from ictops.network.declared import Expression, LineExpression, Part, line_expression, read_declared
from ictops.network.methods import Changing
from ictops.network.reach import Reach
from ictops.network.reading import Reads
from ictops.network.rules import Manages, Rules

FOLDER = Path(__file__).parent / "platforms"

# What is masked already is no secret, so that masking it again changes nothing.
_WORD = r'(?!"?<secret[:>])(?P<secret>"(?:[^"\\]|\\.)*"|\S+)'
_WORDS = r'(?:(?:"(?:[^"\\]|\\.)*"|[^"\s]\S*) )*?'
_REST = r'(?!"?<secret[:>])(?P<secret>\S.*)'


def _filled(text: str) -> str:
    for name, stands_for in (("secret", _WORD), ("rest", _REST), ("words", _WORDS)):
        text = text.replace(f"{{{name}}}", stands_for)
    return text


def _secret_expression(text: str) -> str:
    expression = line_expression(_filled(text))
    if "secret" not in re.compile(expression).groupindex:
        raise ValueError(f"{text!r} says neither {{secret}} nor {{rest}}")
    return expression


SecretExpression = Annotated[str, AfterValidator(_secret_expression)]
"""Likewise; ``{secret}`` stands for a word or a text in quotes, ``{rest}`` for all that follows,
``{words}`` for as few words and texts in quotes as will do.

What may stand between and may be missing must be possessive, as in ``(?:[0-9] )?+{secret}``: else
the digit would be taken for the secret where the secret is masked.
"""


class Shows(Part):
    """The commands that show what a backup holds; a list is tried in turn until one is known."""

    running: str
    startup: str | None = None
    """None where a switch runs what it has stored, always."""
    version: str
    modules: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()
    """By LLDP first, then CDP."""
    interfaces: tuple[str, ...] = ()
    """All of them are asked: one may say what another does not."""


class Secret(Part):
    """A secret in a configuration."""

    pattern: SecretExpression
    """A line with it; it may be there more than once."""
    within: LineExpression | None = None
    """The line without indentation above it, where the same words elsewhere mean no secret."""
    salted_anew: bool = False
    """Whether the switch shows it differently each time, though it is the same."""

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """The pattern, compiled."""
        return re.compile(self.pattern)

    @cached_property
    def section(self) -> re.Pattern[str] | None:
        """The line above, compiled."""
        return None if self.within is None else re.compile(self.within)


class Blocks(Part):
    """How blocks are opened and closed where indentation does not tell."""

    opens: LineExpression
    closes: LineExpression


class Platform(Part):
    """One kind of switch."""

    name: str
    title: str
    netmiko: str
    """netmiko's device type: prompts, modes, paging and the like are its affair."""
    shows: Shows
    whole: Expression
    """What the last line of a whole configuration looks like: without it, it was cut off."""
    holds: tuple[LineExpression, ...] = ()
    """Lines of which every whole configuration has one; for where the end has no mark of its own.

    One that comes late says most.
    """
    blocks: Blocks | None = None
    """A whole configuration closes at least as many of these as it opens."""
    continued: Expression | None = None
    """The end of a line that goes on in the next one; both are one line of what is kept."""
    volatile: tuple[LineExpression, ...] = ()
    """Lines that change though nobody changed anything, in whatever the switch shows."""
    frame: tuple[LineExpression, ...] = ()
    """Lines that set nothing, and of which running and stored configuration have others."""
    repeats: bool = False
    """Whether it shows a setting without a block more than once, though it is one."""
    secrets: tuple[Secret, ...] = ()
    refusals: tuple[Expression, ...]
    """What the switch says to a command that it does not take."""
    save: str | None
    """The command that stores the running configuration; None where that is done always."""
    rules: Rules = Rules()
    """How two configurations are compared and one is made the other."""
    manages: Manages = {}
    """Which lines belong to which feature of the role ``switch_config``."""
    unseen: tuple[LineExpression, ...] = ()
    """Lines that the switch takes and never shows."""
    path: Reach = Reach()
    """How ictops' way to the switch is found in its configuration."""
    change: Changing
    """How it is changed, and its dead-man switch."""
    reads: Reads = Reads()
    """How what it shows of its neighbours and ports is read."""

    @cached_property
    def volatile_line(self) -> re.Pattern[str]:
        """Any of the volatile lines; to be matched."""
        return _any(self.volatile)

    @cached_property
    def frame_line(self) -> re.Pattern[str]:
        """Any line that sets nothing, an empty one too; to be matched."""
        return _any((*self.frame, r"^\s*$"))

    @cached_property
    def secret_line(self) -> re.Pattern[str]:
        """Any line that may hold a secret; to be matched."""
        return _any(tuple(one.pattern.replace("?P<secret>", "?:") for one in self.secrets))

    @cached_property
    def plain_lines(self) -> set[str]:
        """Lines that were looked through already and hold no secret: most stand in every switch."""
        return set()

    def refuses(self, line: str) -> bool:
        """Say whether this line is the switch's answer to a command that it does not take."""
        return any(re.search(one, line.strip()) for one in self.refusals)


_NOTHING = r"(?!)"


def _any(expressions: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{one})" for one in expressions) or _NOTHING)


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
        return Platform(name=name, **read_declared(path))
    except (ValidationError, yaml.YAMLError, TypeError, AttributeError, OSError) as error:
        raise SwitchError(f"the platform's file is wrong: {error}", where=str(path)) from error
