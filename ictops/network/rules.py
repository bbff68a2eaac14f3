"""How a platform's lines are compared and changed: ``rules`` and ``manages`` of its file.

docs/switches.md says what each key means, and tests/data/network/<platform> has the lines.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, Literal

from pydantic import BeforeValidator, model_validator

from ictops.network.declared import LineExpression, Part, first_match

Feature = Literal[
    "vlans",
    "ports",
    "management",
    "ntp",
    "syslog",
    "snmp",
    "aaa",
    "dhcp_snooping",
    "storm_control",
    "spanning_tree",
    "dot1x",
    "hostname",
    "banner",
]
"""A part of a configuration that the role ``switch_config`` manages, by its variable's name."""


class Listed(Part):
    """A line that lists members, such as VLANs or ports, of which some can come or go."""

    line: LineExpression
    """Group ``members`` is the list; other groups stand in the templates."""
    whole: str
    """The line with ``{members}``."""
    add: str | None = None
    """How members are added; None where the whole line adds."""
    remove: str
    """How members are taken away."""
    none: str | None = None
    """How the line goes; None where that is taking all members away."""
    between: str = ","
    """What stands between two members."""
    ports: bool = False
    """Whether the members are ports."""
    one_owner: bool = False
    """Whether a member that another block lists so, is not in this one's any more."""

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """The line, compiled."""
        return re.compile(self.line)

    @model_validator(mode="after")
    def _has_members(self) -> Listed:
        if "members" not in self.expression.groupindex:
            raise ValueError(f"{self.line!r} has no group members")
        return self


class Negated(Part):
    """How a line is taken away where ``no`` before it is not right."""

    line: LineExpression
    by: str
    r"""What is sent, with ``\1`` for a group; nothing where it goes with something else."""

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """The line, compiled."""
        return re.compile(self.line)


class Text(Part):
    """A setting of several lines, such as a banner."""

    opens: LineExpression
    """Its first line; a group ``end`` is what ends it."""
    end: str | None = None
    """The line that ends it, where the first one does not say."""


class Entries(Part):
    """A menu of RouterOS whose entries are known by some of their values."""

    menu: LineExpression
    key: tuple[str, ...]
    """The names of these values."""


class Rules(Part):
    """How two configurations are compared and one is made the other."""

    dialect: Literal["lines", "junos", "routeros"] = "lines"
    single: tuple[LineExpression, ...] = ()
    """Lines of which a block has one: what it begins with, so that another takes its place."""
    lists: tuple[Listed, ...] = ()
    several: tuple[LineExpression, ...] = ()
    """Lines that stand for several; group ``members`` says for which."""
    negate: tuple[Negated, ...] = ()
    fixed: tuple[LineExpression, ...] = ()
    """Blocks that cannot be removed, such as ports: their lines are, each by itself."""
    first: tuple[LineExpression, ...] = ()
    """Lines at the margin that others use: they come first, and go last."""
    ordered: tuple[LineExpression, ...] = ()
    """Blocks in which the order counts: what is not appended makes them anew."""
    derived: tuple[LineExpression, ...] = ()
    """Lines that only tell what others set; they are not compared."""
    texts: tuple[Text, ...] = ()
    opens: LineExpression | None = None
    """Lines that open a block even if nothing stands in it."""
    privileged: tuple[LineExpression, ...] = ()
    """Lines at the margin that are typed in the privileged mode, outside the configuration."""
    containers: tuple[LineExpression, ...] = ()
    """Junos: what is deleted as a whole when nothing of it is wanted."""
    entries: tuple[Entries, ...] = ()
    defaults: dict[str, str] = {}
    """RouterOS: what is set where a value is not wanted any more, by its name."""
    unset: tuple[str, ...] = ()
    """RouterOS: the values that ``!`` before their name takes away."""

    def matches(
        self,
        what: Literal["fixed", "first", "ordered", "derived", "several", "privileged"],
        line: str,
    ) -> re.Match[str] | None:
        """Give how a line matches the first of some expressions that it matches."""
        return first_match(getattr(self, what), line)


class Managed(Part):
    """Lines of a feature."""

    line: LineExpression
    """A line at the margin, or in a block that ``within`` says.

    A group ``port`` names what is compared only if a wanted line names it, too; a group ``vlan``
    a VLAN.
    """
    within: LineExpression | None = None
    only: LineExpression | None = None
    """What is compared of what stands in its block; the rest stays. Nothing said means all."""

    @cached_property
    def expression(self) -> re.Pattern[str]:
        """The line, compiled."""
        return re.compile(self.line)


def _managed(value: object) -> object:
    return {"line": value} if isinstance(value, str) else value


Manages = dict[Feature, tuple[Annotated[Managed, BeforeValidator(_managed)], ...]]
