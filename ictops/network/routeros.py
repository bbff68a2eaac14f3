"""The lines that lead from one RouterOS configuration to another, in the terse form of an export.

An entry is known by some of its values, which the platform's file names for each menu; what
only the order of entries says, as in firewalls, is not compared.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from hier_config import HConfig

from ictops.errors import SwitchError
from ictops.network.entries import Entry, entry_of, words_of
from ictops.network.rules import Rules
from ictops.network.steps import Step

# In a text, $ is replaced and ; ends the command where it stands outside quotes
_ACTS = re.compile(r'(?<!\\)\$|(?<!\\)`|;(?=(?:[^"]*"[^"]*")*[^"]*$)')


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
            if words_of(line.text) is None:
                raise SwitchError("there is no telling how this line comes or goes", where=where)
            if one is after and _ACTS.search(line.text):
                raise SwitchError(
                    "a wanted line holds a character that RouterOS acts on",
                    where=where,
                    do="Put a backslash before $ and quotes around a text with ;",
                )


def _set(rules: Rules, entry: Entry, old: dict[str, str], new: dict[str, str]) -> Iterator[Step]:
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


def _entries(rules: Rules, lines: Iterable[str]) -> dict[tuple[str, str], Entry]:
    """Give entries by what they are known by; of those that are alike, by all that they say."""
    entries: dict[tuple[str, str], Entry] = {}
    for text in lines:
        entry = entry_of(rules, text)
        if entry is not None:
            key = (entry.menu, entry.find)
            entries[key if key not in entries else (entry.menu, text)] = entry
    return entries
