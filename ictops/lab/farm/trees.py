"""What a kind of switch reads out of a tree of its configuration."""

from __future__ import annotations

import re

from ictops.lab.farm import junos_tree, routeros_tree
from ictops.lab.farm.config import Line, Lines, below, numbers_of, parse, render
from ictops.lab.farm.kind import Kind, Paths
from ictops.lab.farm.model import Management


def read_config(kind: Kind, text: str) -> Lines:
    """Give the tree of a configuration's text, such as a switch shows it."""
    if kind.dialect == "junos":
        return junos_tree.parse(kind.grammar, text)
    if kind.dialect == "routeros":
        return routeros_tree.parse(text)
    none = re.compile(f"{kind.grammar.comment}|{kind.grammar.around}")
    return parse(text, lambda line: none.search(line) is not None, kind.grammar.banner)


def config_lines(kind: Kind, lines: Lines) -> list[str]:
    """Give the lines in which a switch shows a configuration, without what is around it."""
    if kind.dialect == "junos":
        return list(junos_tree.render(lines))
    if kind.dialect == "routeros":
        return list(routeros_tree.render(lines))
    shown: list[str] = []
    separator = kind.grammar.separator
    for at, line in enumerate(lines):
        before = lines[at - 1] if at else None
        if separator and (before is None or _apart(before, line)):
            shown.append(separator)
        shown += render((line,), kind.grammar.indent)
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
    interface = below(lines, (paths.interface.format(vlan=management.vlan),))
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
    return allowed is None or vlan in allowed or "all" in allowed


def _members(expressions: tuple[str, ...], section: Lines) -> set[str] | None:
    """Give what the lines of a section list, or None where there is no such line."""
    members: set[str] | None = None
    for line in section:
        for expression in expressions:
            found = re.search(expression, line.text)
            if found is not None:
                members = (members or set()) | numbers_of(found["vlans"])
    return members
