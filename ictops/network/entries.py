"""The entries of RouterOS's menus, as the lines of a terse export set them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ictops.network.declared import compiled
from ictops.network.rules import Rules

_WORD = re.compile(r'\[[^\]]*\]|[^\s="\[\]]+=(?:"(?:[^"\\]|\\.)*"|\S*)|\S+')
_VERBS = ("add", "set")


@dataclass(frozen=True, slots=True)
class Entry:
    """A line that adds or sets something."""

    menu: str
    verb: str
    find: str
    """What says which entry it is, in a command; empty where the menu has but one."""
    values: dict[str, str] = field(repr=False)
    text: str = field(repr=False)


def entry_of(rules: Rules, text: str) -> Entry | None:
    """Give the entry that a line sets, or None."""
    said = words_of(text)
    if said is None:
        return None
    menu, verb, rest = said
    find = next((word for word in rest if word.startswith("[")), "")
    pairs = (word.partition("=") for word in rest if not word.startswith("["))
    values = {name: value for name, _, value in pairs}
    if verb == "add":
        find = f"[ find {' '.join(_known_by(rules, menu, values))} ]"
    return Entry(menu, verb, find, values, text)


def merged(rules: Rules, wanted: str, running: str, *, managed: bool) -> str:
    """Give an entry as wanted, with those values of the running one that stay.

    :param managed: whether a value that is not wanted goes, where it is known what to.
    """
    new, old = entry_of(rules, wanted), entry_of(rules, running)
    if new is None or old is None:
        return wanted
    left = {
        name: value
        for name, value in old.values.items()
        if not (managed and (name in rules.defaults or name in rules.unset))
    }
    find = [new.find] if new.verb == "set" and new.find else []
    values = [f"{name}={value}" for name, value in sorted({**left, **new.values}.items())]
    return " ".join([new.menu, new.verb, *find, *values])


def words_of(text: str) -> tuple[str, str, list[str]] | None:
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
