"""A Junos configuration as a tree: ``set`` and ``delete``, braces, and what ``set`` lines it is.

What a platform's file calls ``statements`` says which words are one statement: in ``vlans / * /
vlan-id *`` the last part is a leaf, ``*`` is a word of its own, and a ``+`` after it says
that there may be many.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ictops.lab.farm.config import Line, Lines, Path
from ictops.lab.farm.kind import Grammar
from ictops.lab.farm.model import Management

_WORD = re.compile(r'"[^"]*"|\S+')
_BRACKETED = ("members",)
"""Statements whose values stand in one pair of brackets."""


@dataclass(frozen=True, slots=True)
class Statement:
    """The statements that lead to what a line names, and how its last one is put."""

    path: Path
    key: str
    """What the last one replaces begins with so; empty where it replaces none."""


def words_of(text: str) -> list[str]:
    """Give the words of a line; a quoted text is one."""
    return _WORD.findall(text)


def understand(grammar: Grammar, words: Sequence[str], *, whole: bool) -> Statement | None:
    """Give what words name, or None if the switch does not know it.

    :param whole: for ``set``, which needs a value; ``delete`` may stop at any statement.
    """
    for line in grammar.statements:
        found = _match(line, words, whole=whole)
        if found is not None:
            return found
    return None


def _match(line: str, words: Sequence[str], *, whole: bool) -> Statement | None:
    path: list[str] = []
    rest = list(words)
    parts = line.split(" / ")
    for number, part in enumerate(parts):
        if not rest:
            return None if whole else Statement(tuple(path), "")
        pattern = part.removesuffix("+").split(" ")
        taken, rest = rest[: len(pattern)], rest[len(pattern) :]
        if not all(p in {"*", w} for p, w in zip(pattern, taken, strict=False)):
            return None
        if len(taken) < len(pattern) and (whole or number < len(parts) - 1):
            return None
        path.append(" ".join(taken))
    if rest:
        return None
    last = parts[-1]
    literal = " ".join(word for word in last.split(" ") if word not in {"*", "*+"})
    return Statement(tuple(path), "" if last.endswith("+") else literal)


def put(lines: Lines, statement: Statement) -> Lines:
    """Give the tree with a statement."""
    return _put(lines, statement.path, statement.key)


def _put(lines: Lines, path: Path, key: str) -> Lines:
    text, rest = path[0], path[1:]
    for at, line in enumerate(lines):
        same = line.text == text
        replaced = not rest and key and f"{line.text} ".startswith(f"{key} ")
        if same or replaced:
            children = _put(line.children, rest, key) if rest else line.children
            return (*lines[:at], Line(text, children), *lines[at + 1 :])
    return (*lines, Line(text, _put((), rest, key) if rest else ()))


def take_away(lines: Lines, path: Path) -> Lines | None:
    """Give the tree without a statement and what it alone held; None if it is not there."""
    text, rest = path[0], path[1:]
    if not rest:
        kept = tuple(one for one in lines if not f"{one.text} ".startswith(f"{text} "))
        return None if kept == lines else kept
    for at, line in enumerate(lines):
        if line.text == text:
            below = take_away(line.children, rest)
            if below is None:
                return None
            left = (Line(text, below),) if below else ()
            return (*lines[:at], *left, *lines[at + 1 :])
    return None


def render(lines: Lines, depth: int = 0) -> Iterator[str]:
    """Give the tree in braces."""
    indent = "    " * depth
    done: set[str] = set()
    for line in lines:
        word = line.text.split(" ", 1)[0]
        if line.children:
            yield f"{indent}{line.text} {{"
            yield from render(line.children, depth + 1)
            yield f"{indent}}}"
        elif word not in _BRACKETED:
            yield f"{indent}{line.text};"
        elif word not in done:
            done.add(word)
            values = [
                one.text.removeprefix(f"{word} ") for one in lines if one.text.startswith(word)
            ]
            listed = values[0] if len(values) == 1 else f"[ {' '.join(values)} ]"
            yield f"{indent}{word} {listed};"


def as_set(lines: Lines, before: str = "set") -> Iterator[str]:
    """Give the tree as the lines that make it."""
    for line in lines:
        if line.children:
            yield from as_set(line.children, f"{before} {line.text}")
        else:
            yield f"{before} {line.text}"


def parse(grammar: Grammar, text: str) -> Lines:
    """Give the tree of a text in braces or of ``set`` lines."""
    rows = [row.strip() for row in text.splitlines()]
    rows = [row for row in rows if row and not row.startswith(("#", "/*"))]
    if rows and rows[0].startswith("set "):
        lines: Lines = ()
        for row in rows:
            words = words_of(row)[1:]
            lines = put(
                lines, understand(grammar, words, whole=True) or Statement(tuple(words), "")
            )
        return lines
    return _braces(iter(rows))


def _braces(rows: Iterator[str]) -> Lines:
    lines: list[Line] = []
    for row in rows:
        if row == "}":
            break
        if row.endswith("{"):
            lines.append(Line(row.removesuffix("{").strip(), _braces(rows)))
            continue
        statement = row.split("; ##", 1)[0].rstrip(";")
        listed = re.fullmatch(r"(\S+) \[ (.*) \]", statement)
        if listed is None:
            lines.append(Line(statement))
        else:
            lines += [Line(f"{listed[1]} {value}") for value in listed[2].split()]
    return tuple(lines)


def reachable(management: Management, lines: Lines) -> bool:
    """Whether a configuration leaves the path by which the switch is managed."""
    shown = set(as_set(lines))
    vlan = str(management.vlan)
    names = {vlan, "all"}
    for line in shown:
        found = re.fullmatch(rf"set vlans (\S+) vlan-id {vlan}", line)
        if found is not None:
            names.add(found[1])
    if len(names) == 2:  # noqa: PLR2004 - nothing but the two that need no name
        return False
    irb = f"set interfaces irb unit {vlan}"
    if {"set interfaces irb disable", f"{irb} disable"} & shown:
        return False
    if not any(line.startswith(f"{irb} family inet address ") for line in shown):
        return False
    if management.uplink is None:
        return True
    port = f"set interfaces {management.uplink}"
    if {f"{port} disable", f"{port} unit 0 disable"} & shown:
        return False
    member = f"{port} unit 0 family ethernet-switching vlan members"
    return any(f"{member} {name}" in shown for name in names)
