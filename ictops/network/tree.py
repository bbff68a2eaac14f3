"""A configuration's lines as hier_config's tree, by the rules of their platform.

hier_config finds what is to go and what is to come. How a line is taken away, which one takes
the place of which, and lists are the platform's rules: its own drivers join what must be kept
apart (any ``snmp-server user`` would take the place of any other) and drop lines.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hier_config import HConfig, HConfigChild
from hier_config.platforms.driver_base import HConfigDriverBase, HConfigDriverRules

from ictops.network.clean import settings_of
from ictops.network.declared import compiled, first_match
from ictops.network.entries import entry_of
from ictops.network.members import members_in, numbers_of
from ictops.network.platform import Platform
from ictops.network.rules import Rules

Tree = HConfig | HConfigChild

GONE = "\x00"
"""Stands before a line of a difference that is to go; no line of a switch holds it."""

CONFIGURE = "configure"
"""Opens the block of a switch that has most of its lines in one."""


class _Driver(HConfigDriverBase):
    def __init__(self, rules: Rules) -> None:
        self._of_platform = rules
        super().__init__()

    @staticmethod
    def _instantiate_rules() -> HConfigDriverRules:
        return HConfigDriverRules(indentation=1)

    def idempotent_for(
        self, config: HConfigChild, other_children: Iterable[HConfigChild]
    ) -> HConfigChild | None:
        place = place_of(self._of_platform, config.text)
        against = opposite(config.text)
        for one in other_children:
            if one.text == against:
                return one
            if place is not None and place_of(self._of_platform, one.text) == place:
                return one
        return None

    def negate_with(self, config: HConfigChild) -> str | None:
        return f"{GONE}{config.text}"


def place_of(rules: Rules, line: str) -> str | None:
    """Give what a line shares with any that takes its place; None for a line that stays."""
    if rules.dialect == "routeros":
        entry = entry_of(rules, line)
        return None if entry is None else f"{entry.menu} {entry.find}"
    members = members_in(rules, line)
    if members is not None:
        return members.key.replace("*", "").strip()
    # A "no" takes the place of what it speaks against
    said = first_match(rules.single, line) or first_match(rules.single, f"{_positive(line)} ")
    return None if said is None else said[0].strip()


def opposite(line: str) -> str:
    """Give a line with ``no``, or one that has it without."""
    return line.removeprefix("no ") if line.startswith("no ") else f"no {line}"


def _positive(line: str) -> str:
    return line.removeprefix("no ")


def tree_of(platform: Platform, lines: Sequence[str]) -> HConfig:
    """Give the tree of a configuration's normalised lines.

    Lists are each one line, lines that stand for several are several, and what ``configure``
    holds stands at the margin.
    """
    tree = empty_tree(platform)
    blocks: list[tuple[int, HConfigChild]] = []
    for indent, text in _rows(platform, lines):
        while blocks and blocks[-1][0] >= indent:
            blocks.pop()
        within: Tree = blocks[-1][1] if blocks else tree
        if platform.rules.matches("derived", text) is not None:
            continue
        blocks += [
            (indent, put(platform.rules, within, one)) for one in _each(platform.rules, text)
        ]
    return tree


def empty_tree(platform: Platform) -> HConfig:
    """Give a tree without lines."""
    return HConfig(_Driver(platform.rules))


def put(rules: Rules, within: Tree, text: str) -> HConfigChild:
    """Add a line to a block, or join it with the list of the same kind; give where it is."""
    members = members_in(rules, text)
    if members is None:
        return within.add_child(text, return_if_present=True)
    whole = members.line(members.rule.whole, members.members)
    for one in within.children:
        other = members_in(rules, one.text)
        if other is not None and other.key == members.key:
            one.text = other.line(other.rule.whole, other.members | members.members)
            return one
    return within.add_child(whole, return_if_present=True)


def replace(rules: Rules, within: Tree, text: str) -> None:
    """Put a line in the place of the one that it takes the place of, or add it."""
    place = place_of(rules, text)
    for one in within.children:
        if place is not None and place_of(rules, one.text) == place:
            one.text = text
            return
    put(rules, within, text)


def _rows(platform: Platform, lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Give each setting and how deep it stands; one of several lines is one."""
    ends: str | None = None
    whole: list[str] = []
    within_configure = 0
    for row in settings_of(platform, list(lines)):
        text = row.strip()
        indent = len(row) - len(row.lstrip())
        if ends is not None:
            whole.append(row.rstrip())
            if text.endswith(ends):
                yield 0, "\n".join(whole)
                ends, whole = None, []
            continue
        if platform.blocks is not None and indent == 0:
            within_configure = int(text == CONFIGURE)
            if within_configure:
                continue
        ends = _end_of(platform.rules, text)
        if ends is not None:
            whole = [text]
            continue
        yield max(indent - within_configure, 0), text
    if whole:
        yield 0, "\n".join(whole)


def _end_of(rules: Rules, text: str) -> str | None:
    """Give what ends a setting of several lines that this one begins."""
    for one in rules.texts:
        found = compiled(one.opens).match(text)
        if found is not None:
            end = one.end or found["end"]
            rest = text[found.end() :]
            return None if rest.endswith(end) and rest else end
    return None


def _each(rules: Rules, text: str) -> Iterator[str]:
    """Give the lines that one stands for."""
    found = rules.matches("several", text)
    if found is None:
        yield text
        return
    before, after = text[: found.start("members")], text[found.end("members") :]
    for member in numbers_of(found["members"]):
        yield f"{before}{member}{after}"
