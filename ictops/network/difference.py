"""What parts one configuration from another, and the commands that lead from one to the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from hier_config import HConfig, HConfigChild, WorkflowRemediation, get_hconfig_fast_load
from hier_config import Platform as Hierarchy

from ictops.network.clean import Mask, masked, settings_of
from ictops.network.platform import Platform


@dataclass(frozen=True, slots=True)
class Command:
    """A line that is sent to a switch.

    :ivar text: the line, not indented.
    :ivar within: the lines that open the blocks around it, the outermost first.
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
    """Compare all that two configurations set, given by their normalised lines."""
    before, after = (_tree(platform, lines) for lines in (running, wanted))
    remedy = WorkflowRemediation(before, after).remediation_config
    return Difference(
        tuple(masked(platform, list(before.unified_diff(after)), mask)),
        tuple(_commands(platform, remedy.all_children_sorted(), mask)),
    )


def _tree(platform: Platform, lines: Sequence[str]) -> HConfig:
    hierarchy = Hierarchy[platform.hierarchy]
    return get_hconfig_fast_load(hierarchy, settings_of(platform, list(lines)))


def _commands(platform: Platform, lines: Iterable[HConfigChild], mask: Mask) -> Iterator[Command]:
    for line in lines:
        (shown,) = masked(platform, [line.cisco_style_text()], mask)
        *within, text = line.path()
        yield Command(text, tuple(within), shown)
