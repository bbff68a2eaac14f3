"""A RouterOS configuration as a tree: menus, and the ``add`` and ``set`` lines in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ictops.lab.farm.config import Line, Lines, below, with_below

_WORD = re.compile(r'\[[^\]]*\]|[\w.-]+=(?:"[^"]*"|\S*)|\S+')
_FIND = re.compile(r"\[\s*find\s*(.*?)\s*\]")
VERBS = ("add", "set", "remove")


@dataclass(frozen=True, slots=True)
class Order:
    """A line that changes something: ``/interface vlan add name=v10``."""

    menu: str
    verb: str
    find: tuple[str, ...]
    """What the entry has that it is about; empty where it is about the menu."""
    values: dict[str, str]


def words_of(text: str) -> list[str]:
    """Give the words of a line; brackets, and values in quotes, are one."""
    return _WORD.findall(text)


def understand(menu: str, text: str) -> Order | None:
    """Give what a line orders, or None where it is no such line.

    :param menu: where one is; a line that begins with a slash names its own.
    """
    words = words_of(text)
    at = next((number for number, word in enumerate(words) if word in VERBS), None)
    if at is None:
        return None
    names = " ".join(words[:at])
    place = names if names.startswith("/") else f"{menu} {names}".strip()
    find: tuple[str, ...] = ()
    values: dict[str, str] = {}
    for word in words[at + 1 :]:
        inside = _FIND.fullmatch(word)
        name, equals, value = word.partition("=")
        if inside is not None:
            find = tuple(words_of(inside[1]))
        elif not equals:
            return None
        else:
            values[name] = value
    return Order(place, words[at], find, values)


def change(lines: Lines, order: Order) -> Lines | str:
    """Give the tree after an order, or what the switch says against it."""
    here = below(lines, (order.menu,)) or ()
    if order.verb == "add":
        name = order.values.get("name")
        if name is not None and any(f"name={name}" in words_of(one.text) for one in here):
            return "failure: already have such name"
        return _with(lines, order.menu, (*here, Line(_entry("add", "", order.values))))
    if not order.find and order.verb == "set":
        merged = _values(here[0].text) if here else {}
        return _with(lines, order.menu, (Line(_entry("set", "", merged | order.values)),))
    built_in = tuple(word for word in order.find if word.startswith("default-name="))
    if built_in and not any(
        word in words_of(_plain(one.text)) for one in here for word in built_in
    ):
        # A port is there though an export says nothing of it
        here = (*here, Line(f"set [ find {built_in[0]} ]"))
    hits = [one for one in here if all(word in words_of(_plain(one.text)) for word in order.find)]
    if not order.find or not hits:
        return "no such item"
    if order.verb == "remove":
        if any(one.text.startswith("set") for one in hits):
            return "failure: cannot remove what is built in"
        return _with(lines, order.menu, tuple(one for one in here if one not in hits))
    return _with(lines, order.menu, tuple(_set(one, order) if one in hits else one for one in here))


def _set(line: Line, order: Order) -> Line:
    verb, _, rest = line.text.partition(" ")
    found = _FIND.match(rest)
    values = _values(line.text) | order.values
    return Line(_entry(verb, found[0] if found is not None else "", values))


def _plain(text: str) -> str:
    return _FIND.sub(r"\1", text)


def _values(text: str) -> dict[str, str]:
    pairs = (word.partition("=") for word in words_of(text) if not word.startswith("["))
    return {name: value for name, equals, value in pairs if equals}


def _entry(verb: str, find: str, values: dict[str, str]) -> str:
    named = [f"{name}={value}" for name, value in sorted(values.items()) if value != '""']
    return " ".join([verb, *([find] if find else []), *named])


def _with(lines: Lines, menu: str, entries: Lines) -> Lines:
    if below(lines, (menu,)) is not None:
        return tuple(one for one in with_below(lines, (menu,), entries) if one.children)
    return tuple(sorted((*lines, Line(menu, entries)), key=lambda line: line.text))


def render(lines: Lines) -> Iterator[str]:
    """Give the tree as ``/export`` shows it."""
    for line in lines:
        yield line.text
        for entry in line.children:
            yield entry.text


def parse(text: str) -> Lines:
    """Give the tree of what ``/export`` shows."""
    lines: Lines = ()
    menu = ""
    for row in re.sub(r"\\\r?\n\s*", "", text).splitlines():
        line = row.strip()
        if not line or line.startswith("#"):
            continue
        found = understand(menu, line)
        if found is None:
            menu = line
            continue
        menu = found.menu
        entry = Line(line.removeprefix(menu).strip())
        here = below(lines, (menu,))
        if here is None:
            lines = (*lines, Line(menu, (entry,)))
        else:
            lines = with_below(lines, (menu,), (*here, entry))
    return lines
