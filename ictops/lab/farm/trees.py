"""What a kind of switch reads out of a tree of its configuration."""

from __future__ import annotations

import re

from ictops.lab.farm import junos_tree, routeros_tree
from ictops.lab.farm.config import Line, Lines, below, numbers_of, parse, render
from ictops.lab.farm.kind import Grammar, Kind, Paths
from ictops.lab.farm.model import Management


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


def reachable(kind: Kind, management: Management, lines: Lines, original: Lines) -> bool:
    """Whether a configuration leaves the path by which the switch is managed.

    :param original: the configuration that it came with; a VLAN that it lists must stay.
    """
    if kind.dialect == "junos":
        return junos_tree.reachable(management, lines)
    paths = kind.management
    if paths is None:
        return True
    vlan = f"vlan {management.vlan}"
    if below(original, (vlan,)) is not None and below(lines, (vlan,)) is None:
        return False
    if paths.also and not any(
        line.text == paths.also.format(vlan=management.vlan) for line in lines
    ):
        return False
    name = paths.interface.format(vlan=management.vlan)
    interface = below(lines, (name,) if name else ())
    if interface is None or _is_shut(paths, interface):
        return False
    if not any(re.search(paths.address, line.text) for line in interface):
        return False
    return management.uplink is None or _carried(paths, management, lines)


def _is_shut(paths: Paths, section: Lines) -> bool:
    if any(re.search(paths.shut, line.text) for line in section):
        return True
    return bool(paths.open) and not any(re.search(paths.open, line.text) for line in section)


def _carried(paths: Paths, management: Management, lines: Lines) -> bool:
    """Whether the uplink carries the VLAN."""
    port = below(lines, (paths.port.format(port=management.uplink),))
    if port is not None and _is_shut(paths, port):
        return False
    vlan = str(management.vlan)
    if paths.vlan_ports:
        members = _members(paths.vlan_ports, below(lines, (f"vlan {vlan}",)) or ())
        return members is not None and management.uplink in members
    if port is None:
        return False
    if paths.trunk and not any(re.search(paths.trunk, line.text) for line in port):
        own = _members((paths.access,), port) if paths.access else None
        return vlan in (own if own is not None else {"1"})
    allowed = _members(paths.carries, port)
    if allowed is None:
        return paths.carries_all or vlan == "1"
    return vlan in allowed or "all" in allowed


def _members(expressions: tuple[str, ...], section: Lines) -> set[str] | None:
    """Give what the lines of a section list, or None where there is no such line."""
    members: set[str] | None = None
    for line in section:
        for expression in expressions:
            found = re.search(expression, line.text)
            if found is not None:
                members = (members or set()) | numbers_of(found["vlans"])
    return members
