"""From what a switch shows to records: a line begins one, and expressions say what it holds.

One way for tables, whose line is all of a record, and for blocks of many lines. A line can hold
what somebody else wrote, such as a neighbour's name or a description: an expression has to take
it from what stands around it, and nothing that does not fit is guessed at.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from ictops.network.declared import Part, as_expression

LONGEST_LINE = 2000
"""Characters of a line that are read. RouterOS has the longest lines, about half as long."""


def _compiled(text: object) -> object:
    return re.compile(as_expression(text), re.MULTILINE) if isinstance(text, str) else text


def _of_a_line(expression: re.Pattern[str]) -> re.Pattern[str]:
    if not expression.pattern.startswith("^"):
        raise ValueError(f"{expression.pattern!r} does not begin with ^")
    return expression


Expression = Annotated[re.Pattern[str], BeforeValidator(_compiled)]
"""A regular expression; its named groups are parts of a record."""
LineExpression = Annotated[Expression, AfterValidator(_of_a_line)]


class Reading(Part):
    """How one kind of record looks."""

    begins: LineExpression
    """The line that begins a record; for a table, all of it."""
    says: tuple[Expression, ...] = ()
    """What is searched for in a record's lines; the first that is found of each part counts."""
    heading: LineExpression | None = None
    """A line whose parts hold for all records below it."""


class Reads(Part):
    """How what a platform shows is read."""

    neighbours: tuple[Reading, ...] = ()
    """Parts: ``port``, ``name``, ``its_port``, ``address``, ``description``, and ``chassis``,
    which names what gives no name."""
    ports: tuple[Reading, ...] = ()
    """Parts: ``port``, ``description``, ``vlan``, ``speed``, and, where found, ``trunk``, ``up``
    and ``disabled``. Records of one port are one."""
    names: tuple[tuple[Expression, str], ...] = ()
    """How a port's names become the one that its configuration has."""

    def port_name(self, said: str) -> str:
        """Give a port's name as the configuration has it."""
        name = said.strip()
        for expression, instead in self.names:
            name = expression.sub(instead, name)
        return name


def records(readings: Sequence[Reading], lines: Sequence[str]) -> Iterator[dict[str, str]]:
    """Give the records that lines hold; each part that is there is not empty."""
    headed: dict[str, str] = {}
    begun: tuple[Reading, dict[str, str]] | None = None
    body: list[str] = []
    for whole in lines:
        line = whole[:LONGEST_LINE]
        heading = _first(line, [(one, one.heading) for one in readings if one.heading])
        starts = None if heading else _first(line, [(one, one.begins) for one in readings])
        if heading is None and starts is None:
            body.append(line)
            continue
        if begun is not None:
            yield _filled(*begun, body)
        body = [line]
        begun = None
        if heading is not None:
            headed = heading[1]
        elif starts is not None:
            above = headed if starts[0].heading is not None else {}
            begun = (starts[0], {**above, **starts[1]})
    if begun is not None:
        yield _filled(*begun, body)


def _first(
    line: str, tries: list[tuple[Reading, re.Pattern[str]]]
) -> tuple[Reading, dict[str, str]] | None:
    for reading, expression in tries:
        found = expression.match(line)
        if found is not None:
            return reading, _parts(found)
    return None


def _filled(reading: Reading, parts: dict[str, str], body: list[str]) -> dict[str, str]:
    text = "\n".join(body)
    for expression in reading.says:
        for found in expression.finditer(text):
            for name, said in _parts(found).items():
                parts.setdefault(name, said)
    return parts


def _parts(found: re.Match[str]) -> dict[str, str]:
    said = {name: value.strip() for name, value in found.groupdict().items() if value}
    return {name: value for name, value in said.items() if value}
