"""What a boot server keeps of a disk that is captured, until the control box fetches it.

A folder with three files. :data:`PIECES` has the pieces as they came, one behind the other, and
:data:`LISTED` a line for each: its digest, where it begins, and its bytes. :data:`CAPTURED` is the
:class:`~ictops.imaging.wire.said.Captured` of a disk that is there as a whole.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PIECES, LISTED, CAPTURED = "pieces", "listed", "captured.json"
_LINE = re.compile(r"([0-9a-f]{64}) (\d{1,16}) (\d{1,8})\n")


@dataclass(frozen=True, slots=True)
class Kept:
    """Where a piece is. Bytes."""

    offset: int
    size: int

    @property
    def end(self) -> int:
        return self.offset + self.size


def line(digest: str, kept: Kept) -> str:
    """Write the line of a piece."""
    return f"{digest} {kept.offset} {kept.size}\n"


def read_listed(text: str) -> tuple[dict[str, Kept], int]:
    """Read the lines of pieces, up to the first that is not whole.

    :returns: where pieces are by their digests, and how many characters were read.
    """
    found: dict[str, Kept] = {}
    at = end = 0
    while match := _LINE.match(text, at):
        kept = Kept(int(match[2]), int(match[3]))
        if kept.offset != end:
            break
        found[match[1]] = kept
        at, end = match.end(), kept.end
    return found, at
