"""What one typed line does to a configuration of lines and sections, by a platform's grammar."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ictops.lab.farm.config import (
    Line,
    Lines,
    Path,
    as_list,
    below,
    numbers_of,
    placed,
    with_below,
    without,
)
from ictops.lab.farm.kind import Grammar, Section


@dataclass(frozen=True, slots=True)
class Edited:
    """A configuration after a line."""

    lines: Lines
    path: Path
    """The section in which the next line is read."""


@dataclass(frozen=True, slots=True)
class _Scope:
    """A section, or the whole, with what it takes."""

    path: Path
    takes: Grammar | Section

    def section(self, text: str) -> tuple[Section, re.Match[str]] | None:
        for section in self.takes.sections:
            found = re.search(section.enter, text)
            if found is not None:
                return section, found
        return None

    def knows(self, text: str) -> bool:
        return any(re.search(one, text) for one in self.takes.lines)

    def rank(self, text: str) -> int:
        """Give a line's place: that of its expression, of ``lines`` first."""
        order = (*self.takes.lines, *(section.enter for section in self.takes.sections))
        return next((at for at, one in enumerate(order) if re.search(one, text)), -1)


def section_at(grammar: Grammar, path: Path) -> tuple[Section, re.Match[str]] | None:
    """Give the section that a path leads to and how its line matched; None at the top."""
    takes: Grammar | Section = grammar
    last = None
    for text in path:
        last = _Scope((), takes).section(text)
        if last is None:
            return None
        takes = last[0]
    return last


def shown_form(grammar: Grammar, typed: str) -> str:
    """Give a typed line as the switch shows it."""
    as_it_is = re.search(r"[\"'\n]", typed) is not None
    line = typed if as_it_is else " ".join(typed.split())
    for expression, form in grammar.rewrite:
        line = re.sub(expression, form, line)
    return line.strip()


def edit(grammar: Grammar, lines: Lines, path: Path, typed: str) -> Edited | None:
    """Give the configuration after a line, or None if the switch does not know it.

    A section also takes the lines of those around it, and leaves itself for them.
    """
    line = shown_form(grammar, typed)
    nothing_to_do = None
    for scope in _scopes(grammar, path):
        if below(lines, scope.path) is None:  # removed by another session meanwhile
            continue
        if line.startswith("no "):
            done = _Change(grammar, lines, scope).take_away(line.removeprefix("no ").strip())
        else:
            done = _Change(grammar, lines, scope).put(line)
        if done is not None and (done.lines != lines or not line.startswith("no ")):
            return done
        # What is not here to be taken away may be further out.
        nothing_to_do = nothing_to_do or done
    return nothing_to_do


def _scopes(grammar: Grammar, path: Path) -> Iterator[_Scope]:
    for depth in range(len(path), 0, -1):
        found = section_at(grammar, path[:depth])
        if found is not None:
            yield _Scope(path[:depth], found[0])
    yield _Scope((), grammar)


class _Change:
    def __init__(self, grammar: Grammar, lines: Lines, scope: _Scope) -> None:
        self._grammar = grammar
        self._lines = lines
        self._scope = scope
        self._here = below(lines, scope.path) or ()

    def put(self, line: str) -> Edited | None:
        found = self._scope.section(line)
        if found is not None:
            return self._open(line, *found)
        self._here = without(self._here, lambda text: _speaks_against(text, line))
        if (of_list := self._list(line)) is not None:
            return self._join(line, of_list)
        if not self._scope.knows(line):
            return None
        return self._with(self._single(line))

    def take_away(self, line: str) -> Edited | None:
        found = self._scope.section(line)
        if found is not None:
            if re.search(found[0].makes, line) is None or not found[0].makes:
                return None
            return self._with(without(self._here, lambda text: text == line))
        if self._is_negative(line):
            rest = without(self._here, lambda text: f"{text} ".startswith(f"{line} "))
            return self._with(self._placed(rest, f"no {line}"))
        of_list = self._list(line)
        if of_list is not None and of_list["members"]:
            return self._part(of_list["key"], numbers_of(of_list["members"]))
        keys = self._single_keys(line)
        gone = [text for text in (one.text for one in self._here) if _starts(text, line, keys)]
        if not gone and not any(self._scope.knows(line + end) for end in ("", " 1", " x")):
            return None
        return self._with(without(self._here, lambda text: text in gone))

    def _open(self, line: str, section: Section, _found: re.Match[str]) -> Edited | None:
        path = (*self._scope.path, line)
        if below(self._lines, path) is not None:
            return Edited(self._lines, path)
        if not section.makes or re.search(section.makes, line) is None:
            return None
        new = placed(self._here, Line(line), self._scope.rank, by_number=True)
        return Edited(with_below(self._lines, self._scope.path, new), path)

    def _with(self, here: Lines) -> Edited:
        return Edited(with_below(self._lines, self._scope.path, here), self._scope.path)

    def _placed(self, here: Lines, line: str) -> Lines:
        if any(one.text == line for one in here):
            return here
        return placed(here, Line(line), self._scope.rank, by_number=False)

    def _is_negative(self, line: str) -> bool:
        """Whether ``no line`` is a line of its own here; what is around a section knows others."""
        if not self._scope.knows(line) and not self._scope.knows(f"no {line}"):
            return False
        return any(one.search(line) for one in self._grammar.in_place("negatives"))

    def _single_keys(self, line: str) -> set[str]:
        """Give what else a line of which there is one begins with."""
        found = (one.search(line + " ") for one in self._grammar.in_place("single"))
        return {match[0] for match in found if match is not None}

    def _single(self, line: str) -> Lines:
        keys = self._single_keys(line)
        for at, one in enumerate(self._here):
            if keys and self._single_keys(one.text) & keys:
                return (*self._here[:at], Line(line, one.children), *self._here[at + 1 :])
        return self._placed(self._here, line)

    def _list(self, line: str) -> re.Match[str] | None:
        found = (one.search(line) for one in self._grammar.in_place("lists"))
        return next((match for match in found if match is not None), None)

    def _join(self, line: str, found: re.Match[str]) -> Edited | None:
        key, members = found["key"], numbers_of(found["members"] or "")
        if not members or not self._scope.knows(line):
            return None
        operation = found.groupdict().get("op")
        if operation == "remove":
            return self._part(key, members)
        had = self._members(self._here, key)
        if operation == "add" or self._grammar.adds:
            members |= had
        lines = self._lines
        if any(one.search(line) for one in self._grammar.in_place("one_owner")):
            lines = self._from_others(key, numbers_of(found["members"]))
        here = self._replaced(self._apart(line, key, found["members"]), key, members)
        if any(one.search(line) for one in self._grammar.in_place("unshown")):
            here = self._replaced(here, key, set())
        return Edited(with_below(lines, self._scope.path, here), self._scope.path)

    def _apart(self, line: str, key: str, listed: str) -> Lines:
        """Give what is here without what a list takes the place of: members of others, ``all``."""
        kinds = self._grammar.in_place("apart")
        here = without(
            self._here, lambda text: text.startswith(f"{key} ") and self._list(text) is None
        )
        if not any(one.search(line) for one in kinds):
            return here
        for one in self._here:
            found = self._list(one.text)
            if found is not None and found["key"] != key and any(k.search(one.text) for k in kinds):
                left = numbers_of(found["members"]) - numbers_of(listed)
                here = self._replaced(here, found["key"], left)
        return here

    def _part(self, key: str, members: set[str]) -> Edited:
        return self._with(self._replaced(self._here, key, self._members(self._here, key) - members))

    def _from_others(self, key: str, members: set[str]) -> Lines:
        """Take members from the like sections, such as a port from the VLAN that it was in."""
        around = below(self._lines, self._scope.path[:-1]) or ()
        kind = self._scope.path[-1].split(" ")[0]
        others = tuple(
            Line(
                one.text,
                self._replaced(one.children, key, self._members(one.children, key) - members),
            )
            if one.text.split(" ")[0] == kind and one.text != self._scope.path[-1]
            else one
            for one in around
        )
        return with_below(self._lines, self._scope.path[:-1], others)

    def _members(self, here: Lines, key: str) -> set[str]:
        found = (self._list(one.text) for one in here)
        return {
            member
            for match in found
            if match is not None and match["key"] == key
            for member in numbers_of(match["members"] or "")
        }

    def _replaced(self, here: Lines, key: str, members: set[str]) -> Lines:
        line = f"{key} {as_list(members)}"
        for at, one in enumerate(here):
            found = self._list(one.text)
            if found is not None and found["key"] == key:
                new = (Line(line),) if members else ()
                return (*here[:at], *new, *here[at + 1 :])
        return self._placed(here, line) if members else here


def _speaks_against(text: str, line: str) -> bool:
    """Whether a shown ``no ip address`` is over with ``ip address 10.0.0.1``."""
    return text.startswith("no ") and f"{line} ".startswith(f"{text.removeprefix('no ')} ")


def _starts(text: str, line: str, keys: set[str]) -> bool:
    """Whether ``no line`` takes a line away; a first word alone is too little to say."""
    if text == line or any(text.startswith(key) for key in keys):
        return True
    return " " in line and text.startswith(f"{line} ")
