"""What parts one configuration from another, and the commands that lead from one to the other."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from hier_config import HConfig, HConfigChild

from ictops.errors import SwitchError
from ictops.network import junos, routeros
from ictops.network.clean import Mask
from ictops.network.managed import Wanted, take_unseen, with_shown_secrets
from ictops.network.platform import Platform
from ictops.network.steps import Step, steps
from ictops.network.tree import GONE, Tree, opposite, place_of, replace, tree_of
from ictops.network.veil import Veil


@dataclass(frozen=True, slots=True)
class Command:
    """A line that is sent to a switch.

    :ivar text: the line, not indented; a banner has several, parted by line breaks.
    :ivar within: the lines that open the blocks around it, the outermost first. Each of them
        stands as a command of its own before what is in it.
    :ivar shown: how people see it: indented, secrets masked.
    """

    text: str = field(repr=False)
    within: tuple[str, ...] = field(repr=False)
    shown: str


@dataclass(frozen=True, slots=True)
class Difference:
    """What parts what runs from what is wanted.

    :ivar shown: the lines of both, in their blocks, with + and - before them; secrets masked.
    :ivar commands: what makes the one into the other, in their order.
    """

    shown: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.commands)


def difference(
    platform: Platform, running: Sequence[str], wanted: Sequence[str], mask: Mask
) -> Difference:
    """Compare all that two configurations set, given by their normalised lines.

    :raises SwitchError: if a wanted line holds a control character, or if there is no way from
        the one to the other.
    """
    refuse_control_characters(wanted)
    veil = Veil(platform, mask, running, wanted)
    return between(platform, tree_of(platform, running), tree_of(platform, wanted), veil)


def managed_difference(
    platform: Platform,
    running: Sequence[str],
    wanted: Sequence[str],
    features: Collection[str],
    mask: Mask,
    *,
    rotate: bool = False,
) -> Difference:
    """Compare what is managed; all else that runs is left alone, as if it were wanted too.

    Of the ports, those count that a wanted line names, with all their lines but those of a
    feature that is not managed. A VLAN goes if it is not wanted, but VLAN 1, and one that holds
    what is not managed. Two lines that differ only in a secret are alike, for a switch shows it
    otherwise than it was given; lines that it never shows count as there, and are sent with any
    other of their feature.

    :param running: the normalised lines of all that runs, with secrets as the switch shows them.
    :param wanted: the lines that are wanted, with secrets.
    :param features: names of the role's variables without its own, such as ``vlans``.
    :param rotate: send every line that holds a secret, whatever the switch shows.
    :raises SwitchError: if a wanted line holds a control character, or if there is no way from
        the one to the other.
    """
    refuse_control_characters(wanted)
    veil = Veil(platform, mask, running, wanted)
    before, asked = tree_of(platform, running), tree_of(platform, wanted)
    if rotate:
        return between(platform, before, Wanted(platform, before, asked, features).tree(), veil)
    with_shown_secrets(before, asked, veil)
    unseen = take_unseen(platform, before, asked)
    after = Wanted(platform, before, asked, features)
    found = between(platform, before, after.tree(), veil)
    if not unseen:
        return found
    sent = {
        feature
        for line in before.config_to_get_to(after.tree()).children
        for feature in after.features_of(line.text.removeprefix(GONE))
    }
    for line in unseen:
        if after.features_of(line) & sent:
            replace(platform.rules, asked, line)
    return between(platform, before, Wanted(platform, before, asked, features).tree(), veil)


def between(platform: Platform, before: HConfig, after: HConfig, veil: Veil) -> Difference:
    """Compare two configurations, given as trees."""
    sent = _steps(platform, before, after)
    return Difference(
        tuple(_shown(platform, before, after, veil)),
        tuple(
            Command(step.text, step.within, " " * len(step.within) + shown)
            for step in sent
            for shown in [veil.line(step.text, step.within)]
        ),
    )


def refuse_control_characters(lines: Sequence[str]) -> None:
    """Refuse lines in which a character could end the line or act on a terminal.

    :raises SwitchError: if there is one.
    """
    for number, line in enumerate(lines, 1):
        if not line.isprintable():
            raise SwitchError(
                "a wanted line holds a control character",
                where=f"line {number} of what is wanted",
                do="Look for it in the inventory's values that the template puts there",
            )


def _steps(platform: Platform, before: HConfig, after: HConfig) -> Iterator[Step]:
    if platform.rules.dialect == "junos":
        return junos.steps(platform.rules, before, after)
    if platform.rules.dialect == "routeros":
        return routeros.steps(platform.rules, before, after)
    return steps(platform.rules, before, after)


def _shown(platform: Platform, before: HConfig, after: HConfig, veil: Veil) -> Iterator[str]:
    for line in _changed(platform, before, after, before.config_to_get_to(after)):
        sign, text, within = line
        for part in veil.line(text, within).split("\n"):
            yield f"{sign} {' ' * len(within)}{part}"


_Shown = tuple[str, str, tuple[str, ...]]


def _changed(
    platform: Platform, before: Tree, after: Tree, delta: Tree, within: tuple[str, ...] = ()
) -> Iterator[_Shown]:
    """Give the lines of two blocks that are not alike, and those that open blocks with such."""
    replaced: dict[str, str] = {}
    for line in before.children:
        if line.text not in after.children:
            replaced[opposite(line.text)] = line.text
            replaced[place_of(platform.rules, line.text) or ""] = line.text
    for line in delta.children:
        if line.text.startswith(GONE):
            yield from _all("-", before.children[line.text.removeprefix(GONE)], within)
        elif line.text in before.children:
            yield " ", line.text, within
            inside = (*within, line.text)
            old, new = before.children[line.text], after.children[line.text]
            yield from _changed(platform, old, new, line, inside)
        else:
            place = place_of(platform.rules, line.text)
            was = replaced.get(line.text) or (place and replaced.get(place))
            if was:
                yield from _all("-", before.children[was], within)
            yield from _all("+", line, within)


def _all(sign: str, line: HConfigChild, within: tuple[str, ...]) -> Iterator[_Shown]:
    yield sign, line.text, within
    for one in line.children:
        yield from _all(sign, one, (*within, line.text))
