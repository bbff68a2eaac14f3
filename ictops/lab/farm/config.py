"""A configuration as a tree of lines, and what one line does to it.

Trees do not change: each change gives a new one that shares what it did not touch. So a
copy to come back to costs nothing, and a thousand switches with like lines share them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

_NUMBER = re.compile(r"(\d+)")


@dataclass(frozen=True, slots=True)
class Line:
    """A line and those that stand below it."""

    text: str
    children: Lines = ()


Lines = tuple[Line, ...]
Path = tuple[str, ...]
"""The texts of the sections that lead to a line, the outermost first."""

_shared: dict[Line, Line] = {}


def _share(line: Line) -> Line:
    return _shared.setdefault(line, line)


def parse(text: str, leave_out: Callable[[str], bool] = lambda _: False, banner: str = "") -> Lines:
    """Give the tree of a text in which lines are below those that they are indented under.

    :param leave_out: whether a line, without its indentation, is none of the configuration.
    :param banner: an expression of a line that starts a banner; its group is the text that
        ends it. A banner is one line of the tree, whatever is in it.
    """
    rows: list[tuple[int, str]] = []
    given = iter(text.splitlines())
    for row in given:
        line = row.strip()
        if banner and (start := re.search(banner, line)):
            whole = [line]
            while whole[-1] is line or not whole[-1].rstrip().endswith(start[1]):
                whole.append(next(given, start[1]))
            rows.append((0, "\n".join(whole)))
        elif line and not leave_out(line):
            rows.append((len(row) - len(row.lstrip()), line))
    return _block(rows, 0, len(rows))


def _block(rows: Sequence[tuple[int, str]], start: int, end: int) -> Lines:
    lines: list[Line] = []
    at = start
    while at < end:
        indent, text = rows[at]
        stop = at + 1
        while stop < end and rows[stop][0] > indent:
            stop += 1
        lines.append(_share(Line(text, _block(rows, at + 1, stop))))
        at = stop
    return tuple(lines)


def render(lines: Lines, indent: str = " ", depth: int = 0) -> Iterator[str]:
    """Give a tree's lines as a text shows them."""
    for line in lines:
        yield indent * depth + line.text
        yield from render(line.children, indent, depth + 1)


def below(lines: Lines, path: Path) -> Lines | None:
    """Give the lines of a section, or None where there is no such section."""
    for text in path:
        found = next((line for line in lines if line.text == text), None)
        if found is None:
            return None
        lines = found.children
    return lines


def with_below(lines: Lines, path: Path, children: Lines) -> Lines:
    """Give the tree with other lines in a section that it has."""
    if not path:
        return children
    return tuple(
        replace(line, children=with_below(line.children, path[1:], children))
        if line.text == path[0]
        else line
        for line in lines
    )


def without(lines: Lines, drop: Callable[[str], bool]) -> Lines:
    """Give lines without some of them."""
    return tuple(line for line in lines if not drop(line.text))


def placed(lines: Lines, new: Line, rank: Callable[[str], int], *, by_number: bool) -> Lines:
    """Give lines with a new one where a switch would show it.

    A switch shows lines in an order of its own, not in the one in which they were typed:
    kinds of lines by rank, and sections of one kind by their numbers. A line of a rank below
    zero stays where it is.
    """
    own = (rank(new.text), natural(new.text) if by_number else [])
    for at, line in enumerate(lines):
        if (rank(line.text), natural(line.text) if by_number else []) > own:
            return (*lines[:at], new, *lines[at:])
    return (*lines, new)


def natural(text: str) -> list[tuple[int, int, str]]:
    """Give what to sort by, so that port 10 follows port 9."""
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in _NUMBER.split(text)]


def numbers_of(text: str) -> set[str]:
    """Give the members of a list such as ``1-3,8``; words that are no numbers stay."""
    members: set[str] = set()
    for part in text.replace(" ", "").split(","):
        first, dash, last = part.partition("-")
        if dash and first.isdigit() and last.isdigit():
            members |= {str(number) for number in range(int(first), int(last) + 1)}
        elif part:
            members.add(part)
    return members


def as_list(members: Iterable[str]) -> str:
    """Give members as a switch shows them: ``1-3,8``."""
    parts: list[str] = []
    run: list[int] = []
    whole = set(members)
    for number in sorted(int(one) for one in whole if one.isdigit()):
        if run and number == run[-1] + 1:
            run.append(number)
            continue
        parts += _span(run)
        run = [number]
    parts += _span(run)
    parts += sorted((one for one in whole if not one.isdigit()), key=natural)
    return ",".join(parts)


def _span(run: Sequence[int]) -> list[str]:
    if not run:
        return []
    return [str(run[0])] if len(run) == 1 else [f"{run[0]}-{run[-1]}"]
