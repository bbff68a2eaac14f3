"""Lines for people: secrets masked, whatever stands before a line and wherever it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence

from ictops.network.clean import MASK, Mask, masked
from ictops.network.platform import Platform

_BEFORE = re.compile(r"(?:no |default |delete |activate |unprotect |/)?+")
# RFC 7468; what stands between these is a secret, line by line
_KEY = re.compile(r"-----(?P<what>BEGIN|END) [A-Z0-9 ]*PRIVATE KEY")


class Veil:
    """Masks the lines of some configurations and what is made of them."""

    def __init__(self, platform: Platform, mask: Mask, *configurations: Sequence[str]) -> None:
        """:param configurations: all that a masked line may come from."""
        self._platform = platform
        self._mask = mask
        self._keys = {
            line.strip() for lines in configurations for line in _lines_of_keys(lines) if line
        }

    def line(self, text: str, within: Sequence[str] = ()) -> str:
        """Give a line masked.

        :param within: the lines that open the blocks around it, the outermost first: what is a
            secret in one block is none in another.
        """
        return "\n".join(self._one(one, within) for one in text.split("\n"))

    def _one(self, text: str, within: Sequence[str]) -> str:
        if text.strip() in self._keys:
            return MASK
        found = _BEFORE.match(text)
        before = found[0] if found is not None and not text.startswith("/") else ""
        rest = text[len(before) :]
        if self._platform.rules.dialect == "junos":
            return self._junos(text)
        # Both with and without what stands before: expressions begin at the start of a line
        shown = before + self._of(rest, within)
        return self._of(shown, within) if before else shown

    def _junos(self, text: str) -> str:
        verb, _, rest = text.partition(" ")
        return f"{verb} " + self._of(f"set {rest}", ()).removeprefix("set ")

    def _of(self, text: str, within: Sequence[str]) -> str:
        blocks = self._platform.blocks is not None  # such a switch does not indent
        lines = [
            ("" if blocks else " " * depth) + line for depth, line in enumerate((*within, text))
        ]
        return masked(self._platform, lines, self._mask)[-1].strip()


def _lines_of_keys(lines: Sequence[str]) -> list[str]:
    inside, found = False, []
    for line in lines:
        mark = _KEY.search(line)
        ends = mark is not None and _KEY.search(line, mark.end()) is not None
        if mark is not None and mark["what"] == "BEGIN" and not ends:
            inside = True
        elif mark is not None:
            inside = False
        elif inside:
            found.append(line)
    return found
