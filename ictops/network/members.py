"""Lists in a line of configuration, such as ``10,20-29`` or ``1/1-1/4,Trk1``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ictops.network.rules import Listed, Rules

_MOST = 10_000
"""Of members that a list may stand for; a wrong one must not fill the memory."""
_NUMBERED = re.compile(r"(.*?)(\d+)$")


@dataclass(frozen=True, slots=True)
class Members:
    """A line that lists something.

    :ivar key: the line without its list, the same for all that speak of the same.
    """

    rule: Listed
    key: str
    members: frozenset[str]
    words: tuple[tuple[str, str], ...]

    def line(self, template: str, members: Iterable[str]) -> str:
        """Give a line by a template of the rule."""
        listed = as_list(members).replace(",", self.rule.between)
        return template.format(members=listed, **dict(self.words))


def members_in(rules: Rules, line: str) -> Members | None:
    """Give the list that a line has, or None."""
    for rule in rules.lists:
        found = rule.expression.match(line)
        if found is not None:
            words = {name: text or "" for name, text in found.groupdict().items()}
            members = frozenset(numbers_of(words.pop("members")))
            key = rule.whole.format(members="*", **words)
            return Members(rule, key, members, tuple(sorted(words.items())))
    return None


def numbers_of(text: str) -> Iterator[str]:
    """Give the members of a list, ranges written out."""
    left = _MOST
    for part in text.replace(" ", ",").split(","):
        first, dash, last = part.partition("-")
        start, end = _NUMBERED.match(first), _NUMBERED.match(last)
        if dash and start and end and end[1] in {"", start[1]}:
            for number in range(int(start[2]), min(int(end[2]), int(start[2]) + left) + 1):
                yield f"{start[1]}{number}"
                left -= 1
        elif part:
            yield part


def as_list(members: Iterable[str]) -> str:
    """Give members as a switch writes them: in order, those that follow each other as a range."""
    numbered: dict[str, list[int]] = {}
    others: list[str] = []
    for member in members:
        found = _NUMBERED.match(member)
        if found is not None and str(int(found[2])) == found[2]:
            numbered.setdefault(found[1], []).append(int(found[2]))
        else:
            others.append(member)
    parts = [part for before in sorted(numbered) for part in _spans(before, numbered[before])]
    return ",".join([*parts, *sorted(others)])


def _spans(before: str, numbers: Iterable[int]) -> Iterator[str]:
    spans: list[list[int]] = []
    for number in sorted(numbers):
        if spans and number == spans[-1][-1] + 1:
            spans[-1].append(number)
        else:
            spans.append([number])
    for span in spans:
        first = f"{before}{span[0]}"
        yield first if len(span) == 1 else f"{first}-{before}{span[-1]}"
