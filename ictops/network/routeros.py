"""The lines that lead from one RouterOS configuration to another, in the terse form of an export.

An entry is known by some of its values, which the platform's file names for each menu; what
only the order of entries says, as in firewalls, is not compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from hier_config import HConfig

from ictops.errors import SwitchError
from ictops.network.declared import compiled
from ictops.network.rules import Rules
from ictops.network.steps import Step

_WORD = re.compile(r'\[[^\]]*\]|[^\s="\[\]]+=(?:"(?:[^"\\]|\\.)*"|\S*)|\S+')
_VERBS = ("add", "set")
# In a text, $ is replaced and ; ends the command where it stands outside quotes
_ACTS = re.compile(r'(?<!\\)\$|(?<!\\)`|;(?=(?:[^"]*"[^"]*")*[^"]*$)')


@dataclass(frozen=True, slots=True)
class _Entry:
    menu: str
    verb: str
    find: str
    """What says which entry it is, in a command; empty where the menu has but one."""
    values: dict[str, str] = field(repr=False)
    text: str = field(repr=False)


def steps(rules: Rules, before: HConfig, after: HConfig) -> Iterator[Step]:
    """Give what makes one configuration the other: what comes, then what goes, the last first.

    :raises SwitchError: if a wanted line would do more than set something, or nothing says how
        a value is taken back.
    """
    _refuse(before, after)
    old = _entries(rules, (line.text for line in before.children))
    new = _entries(rules, (line.text for line in after.children))
    for key, entry in new.items():
        was = old.get(key)
        if was is None:
            yield Step(entry.text)
        elif was.values != entry.values:
            yield from _set(rules, entry, was.values, entry.values)
    for key in reversed([key for key in old if key not in new]):
        entry = old[key]
        if entry.verb == "add":
            yield Step(f"{entry.menu} remove {entry.find}")
        else:
            yield from _set(rules, entry, entry.values, {})


def _refuse(before: HConfig, after: HConfig) -> None:
    """Refuse what is no setting, and what would do more than set something."""
    for one, other in ((before, after), (after, before)):
        for line in one.children:
            if line.text in other.children:
                continue
            where = line.text.split("=")[0]
            if _split(line.text) is None:
                raise SwitchError("there is no telling how this line comes or goes", where=where)
            if one is after and _ACTS.search(line.text):
                raise SwitchError(
                    "a wanted line holds a character that RouterOS acts on",
                    where=where,
                    do="Put a backslash before $ and quotes around a text with ;",
                )


def _set(rules: Rules, entry: _Entry, old: dict[str, str], new: dict[str, str]) -> Iterator[Step]:
    words = [f"{name}={value}" for name, value in new.items() if old.get(name) != value]
    for name in old:
        if name in new:
            continue
        if name in rules.defaults:
            words.append(f"{name}={rules.defaults[name]}")
        elif name in rules.unset:
            words.append(f"!{name}")
        else:
            raise SwitchError(
                f"nothing says how {name} is taken back",
                where=entry.menu,
                do="Say in the inventory what it is to be, or add it to rules.defaults of the"
                " platform's file",
            )
    if words:
        yield Step(" ".join([entry.menu, "set", *([entry.find] if entry.find else []), *words]))


def _entries(rules: Rules, lines: Iterable[str]) -> dict[tuple[str, str], _Entry]:
    """Give entries by what they are known by; of those that are alike, by all that they say."""
    entries: dict[tuple[str, str], _Entry] = {}
    for text in lines:
        entry = _entry(rules, text)
        if entry is not None:
            key = (entry.menu, entry.find)
            entries[key if key not in entries else (entry.menu, text)] = entry
    return entries


def _entry(rules: Rules, text: str) -> _Entry | None:
    said = _split(text)
    if said is None:
        return None
    menu, verb, rest = said
    find = next((word for word in rest if word.startswith("[")), "")
    pairs = (word.partition("=") for word in rest if not word.startswith("["))
    values = {name: value for name, _, value in pairs}
    if verb == "add":
        find = f"[ find {' '.join(_known_by(rules, menu, values))} ]"
    return _Entry(menu, verb, find, values, text)


def _split(text: str) -> tuple[str, str, list[str]] | None:
    """Give the menu, the verb and the words after it of a line that sets something."""
    words = _WORD.findall(text)
    at = next((number for number, word in enumerate(words) if word in _VERBS), None)
    if at is None or not text.startswith("/"):
        return None
    return " ".join(words[:at]), words[at], words[at + 1 :]


def _known_by(rules: Rules, menu: str, values: dict[str, str]) -> list[str]:
    names = next((one.key for one in rules.entries if compiled(one.menu).match(menu)), ("name",))
    known = [name for name in names if name in values]
    return [f"{name}={values[name]}" for name in known or values]
