"""What a kind of switch reads out of a tree of its configuration."""

from __future__ import annotations

import re

from ictops.lab.farm import junos_tree, routeros_tree
from ictops.lab.farm.config import Line, Lines, parse, render
from ictops.lab.farm.kind import Grammar, Kind


def read_config(kind: Kind, text: str) -> Lines:
    """Give the tree of a configuration's text, such as a switch shows it."""
    if kind.dialect == "junos":
        return junos_tree.parse(kind.grammar, text)
    if kind.dialect == "routeros":
        return routeros_tree.parse(text)
    none = re.compile(f"{kind.grammar.comment}|{kind.grammar.around}")
    if kind.grammar.exits:
        rows = [row.strip() for row in text.splitlines()]
        return _parse_exits(kind.grammar, [row for row in rows if row and not none.search(row)])
    return parse(text, lambda line: none.search(line) is not None, kind.grammar.banner)


def _parse_exits(grammar: Grammar, rows: list[str]) -> Lines:
    """Give the tree of a text in which ``exit`` ends a section."""
    lines: list[Line] = []
    section: str | None = None
    inside: list[Line] = []
    for row in rows:
        if section is None and any(re.search(one.enter, row) for one in grammar.sections):
            section, inside = row, []
        elif section is not None and row == "exit":
            lines.append(Line(section, tuple(inside)))
            section = None
        elif section is not None:
            inside.append(Line(row))
        elif row not in {"configure", "exit"}:
            lines.append(Line(row))
    return tuple(lines)


def config_lines(kind: Kind, lines: Lines) -> list[str]:
    """Give the lines in which a switch shows a configuration, without what is around it."""
    if kind.dialect == "junos":
        return list(junos_tree.render(lines))
    if kind.dialect == "routeros":
        return list(routeros_tree.render(lines))
    grammar = kind.grammar
    if not grammar.exits:
        return _shown(grammar, lines)
    outside = tuple(
        line for line in lines if any(re.search(one, line.text) for one in grammar.outside)
    )
    inside = tuple(line for line in lines if line not in outside)
    return [*_shown(grammar, outside), "configure", *_shown(grammar, inside), "exit"]


def _shown(grammar: Grammar, lines: Lines) -> list[str]:
    shown: list[str] = []
    separator = grammar.separator
    for at, line in enumerate(lines):
        before = lines[at - 1] if at else None
        if separator and (before is None or _apart(before, line)):
            shown.append(separator)
        shown += render((line,), grammar.indent)
        if grammar.closing and any(re.search(one.enter, line.text) for one in grammar.sections):
            shown.append(grammar.closing)
    return shown


def _apart(before: Line, line: Line) -> bool:
    if before.children or line.children:
        return True
    return before.text.split(" ", 1)[0] != line.text.split(" ", 1)[0]


def hostname(kind: Kind, lines: Lines) -> str | None:
    """Give the name that a configuration gives the switch."""
    expression = re.compile(kind.grammar.hostname)
    for line in _all(lines) if kind.dialect != "lines" else (one.text for one in lines):
        found = expression.search(line)
        if found is not None:
            return found[1]
    return None


def _all(lines: Lines) -> list[str]:
    texts: list[str] = []
    for line in lines:
        texts.append(line.text)
        texts += _all(line.children)
    return texts
