"""The lines that lead from one Junos configuration to another, in the set form."""

from __future__ import annotations

from collections.abc import Iterator

from hier_config import HConfig

from ictops.network.declared import compiled
from ictops.network.rules import Rules
from ictops.network.steps import Step
from ictops.network.tree import GONE, place_of

_BACK = {"deactivate": "activate", "protect": "unprotect"}


def steps(rules: Rules, before: HConfig, after: HConfig) -> Iterator[Step]:
    """Give what makes one configuration the other; all of it comes true with one commit.

    What is empty then is deleted with what was in it, for Junos keeps an empty statement.
    """
    changes = [line.text for line in before.config_to_get_to(after).children]
    wanted = [line.text for line in after.children]
    deleted: list[str] = []
    undone: list[tuple[str, str]] = []
    for line in (text.removeprefix(GONE) for text in changes if text.startswith(GONE)):
        verb, _, rest = line.partition(" ")
        if verb in _BACK:
            undone.append((verb, rest))
        else:
            path = _whole(rules, line, wanted) or place_of(rules, line) or line
            if not any(_is_in(path, other) for other in deleted):
                deleted.append(path)
    for path in deleted:
        yield Step(f"delete {path.removeprefix('set ')}")
    for verb, rest in undone:
        if not any(_is_in(f"set {rest}", other) for other in deleted):
            yield Step(f"{_BACK[verb]} {rest}")
    for text in changes:
        if not text.startswith(GONE):
            yield Step(text)


def _whole(rules: Rules, line: str, wanted: list[str]) -> str | None:
    """Give the outermost statement around a line of which nothing is wanted."""
    found = (compiled(one).match(line) for one in rules.containers)
    around = sorted({match[0] for match in found if match is not None}, key=len)
    empty = (one for one in around if not any(_is_in(text, one) for text in wanted))
    return next(empty, None)


def _is_in(line: str, path: str) -> bool:
    return f"{line} ".startswith(f"{path} ")
