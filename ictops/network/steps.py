"""The lines that lead from one configuration to another, where a switch has blocks and ``no``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from hier_config import HConfig, HConfigChild

from ictops.network.members import Members, members_in
from ictops.network.rules import Rules
from ictops.network.tree import CONFIGURE, GONE, Tree, opposite


@dataclass(frozen=True, slots=True)
class Step:
    """A line that is sent, and the lines that open the blocks around it."""

    text: str = field(repr=False)
    within: tuple[str, ...] = field(default=(), repr=False)


def steps(rules: Rules, before: HConfig, after: HConfig) -> Iterator[Step]:
    """Give what makes one configuration the other, in an order that a switch takes.

    First what others use, such as VLANs, then all others, each at its place; then what goes as a
    whole, the last first; and what others used last of all.
    """
    found = _Steps(rules, after).between(before, after)
    return _configured(rules, found) if rules.privileged else found


@dataclass(frozen=True, slots=True)
class _Inside:
    """What changes in a block."""

    comes: list[Step]
    goes: list[Step]
    fewer: list[Step]
    """What takes members from lists that stay."""

    def all(self) -> list[Step]:
        """Give all of it: a list is not empty for a moment."""
        return [*self.goes, *self.comes, *self.fewer]


class _Steps:
    def __init__(self, rules: Rules, after: HConfig) -> None:
        self._rules = rules
        self._owners = _owners(rules, after)

    def between(self, before: HConfig, after: HConfig) -> Iterator[Step]:
        early: list[Step] = []
        middle: list[Step] = []
        gone: list[list[Step]] = []
        late: list[list[Step]] = []
        gone_late: list[list[Step]] = []
        for line in before.config_to_get_to(after).children:
            first = self._rules.matches("first", line.text.removeprefix(GONE)) is not None
            if line.text.startswith(GONE):
                text = line.text.removeprefix(GONE)
                if self._rules.matches("fixed", text) is not None:
                    middle += self._emptied(before.children[text])
                else:
                    (gone_late if first else gone).append(self._away(text, ()))
                continue
            old = before.children.get(line.text)
            new = after.children[line.text]
            if old is None:
                (early if first else middle).extend(self._set(line, before, ()))
                middle += self._fewer(line, before, ())
            elif self._is_anew(old, new):
                middle += [*self._away(line.text, ()), *_deep(new, ())]
            elif first:
                inside = self._inside(line, old, new, ())
                early += _in_block(line.text, inside.comes)
                late.append(_in_block(line.text, [*inside.goes, *inside.fewer]))
            else:
                middle += _in_block(line.text, self._inside(line, old, new, ()).all())
        yield from [*early, *middle]
        for chunk in (*reversed(gone), *reversed(late), *reversed(gone_late)):
            yield from chunk

    def _inside(self, delta: Tree, before: Tree, after: Tree, around: tuple[str, ...]) -> _Inside:
        """Give what comes into a block and what goes from it."""
        comes: list[Step] = []
        goes: list[list[Step]] = []
        fewer: list[Step] = []
        within = (*around, delta.text) if isinstance(delta, HConfigChild) else around
        for line in delta.children:
            if line.text.startswith(GONE):
                goes.append(self._away(line.text.removeprefix(GONE), within))
                continue
            old, new = before.children.get(line.text), after.children[line.text]
            if old is None:
                fewer += self._fewer(line, before, within)
                comes += self._set(line, before, within)
            elif self._is_anew(old, new):
                comes += [*self._away(line.text, within), *_deep(new, within)]
            else:
                comes += _in_block(line.text, self._inside(line, old, new, within).all(), within)
        return _Inside(comes, [step for chunk in reversed(goes) for step in chunk], fewer)

    def _set(self, line: HConfigChild, before: Tree, within: tuple[str, ...]) -> list[Step]:
        """Give what sets a line that was not there, with all in it."""
        members = members_in(self._rules, line.text)
        if members is None:
            return _deep(line, within)
        old = _list_of(self._rules, before, members.key)
        if old is None:
            return [Step(line.text, within)]
        if members.rule.add is None:
            return [Step(line.text, within)]
        more = members.members - old.members
        return [Step(members.line(members.rule.add, more), within)] if more else []

    def _fewer(self, line: HConfigChild, before: Tree, within: tuple[str, ...]) -> list[Step]:
        """Give what takes members from a list of which some stay."""
        members = members_in(self._rules, line.text)
        other = None if members is None else _list_of(self._rules, before, members.key)
        if members is None or other is None or members.rule.add is None:
            return []
        return self._without(other, other.members - members.members, within)

    def _away(self, text: str, within: tuple[str, ...]) -> list[Step]:
        """Give what takes a line away."""
        members = members_in(self._rules, text)
        if members is not None and members.rule.none is None:
            return self._without(members, members.members, within)
        if members is not None:
            return [Step(members.line(members.rule.none or "", members.members), within)]
        away = negated(self._rules, text)
        return [Step(away, within)] if away else []

    def _without(
        self, listed: Members, less: frozenset[str], within: tuple[str, ...]
    ) -> list[Step]:
        """Give what takes members from a list; not those that went to another by themselves."""
        if listed.rule.one_owner:
            less = frozenset(
                one for one in less if self._owners.get((listed.key, one), within) == within
            )
        return [Step(listed.line(listed.rule.remove, less), within)] if less else []

    def _emptied(self, block: HConfigChild) -> list[Step]:
        """Give what takes all lines of a block away that stays itself."""
        away = [
            step
            for line in reversed(list(block.children))
            for step in self._away(line.text, (block.text,))
        ]
        return _in_block(block.text, away)

    def _is_anew(self, before: Tree, after: Tree) -> bool:
        if not isinstance(before, HConfigChild):
            return False
        if self._rules.matches("ordered", before.text) is None:
            return False
        old, new = ([line.text for line in block.children] for block in (before, after))
        return new[: len(old)] != old


def negated(rules: Rules, text: str) -> str:
    """Give the line that takes another away; nothing where it goes by itself."""
    for rule in rules.negate:
        found = rule.expression.match(text)
        if found is not None:
            return found.expand(rule.by)
    return opposite(text)


def _configured(rules: Rules, found: Iterator[Step]) -> Iterator[Step]:
    """Give lines with ``configure`` around those that are not typed in the privileged mode."""
    inside = False
    for step in found:
        margin = (*step.within, step.text)[0]
        if rules.matches("privileged", margin) is not None:
            inside = False
            yield step
            continue
        if not inside:
            yield Step(CONFIGURE)
        inside = True
        yield Step(step.text, (CONFIGURE, *step.within))


def _list_of(rules: Rules, block: Tree, key: str) -> Members | None:
    found = (members_in(rules, line.text) for line in block.children)
    return next((one for one in found if one is not None and one.key == key), None)


def _owners(rules: Rules, after: HConfig) -> dict[tuple[str, str], tuple[str, ...]]:
    """Give the block in which a member is listed, where it can be in one only."""
    return {
        (found.key, member): (block.text,)
        for block in after.children
        for line in block.children
        if (found := members_in(rules, line.text)) is not None and found.rule.one_owner
        for member in found.members
    }


def _deep(line: HConfigChild, within: tuple[str, ...]) -> list[Step]:
    inside = (*within, line.text)
    return [Step(line.text, within), *(s for one in line.children for s in _deep(one, inside))]


def _in_block(text: str, inside: Sequence[Step], within: tuple[str, ...] = ()) -> list[Step]:
    return [Step(text, within), *inside] if inside else []
