"""From what a switch shows to what is kept: without volatile lines, secrets masked."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from ictops.network.platform import Platform

MASK = "<secret>"
_NEWLINES = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True, slots=True)
class Mask:
    """Hides secrets, but not that one was changed.

    :param key: bytes that nobody who reads the backups has; without them a short password
        could be guessed from its mark.
    """

    key: bytes

    def of(self, secret: str, *, salted_anew: bool = False) -> str:
        """Give what stands in a secret's place: the same for the same secret."""
        if salted_anew:
            return MASK
        digest = hmac.new(self.key, secret.encode(errors="surrogateescape"), hashlib.sha256)
        return f"<secret {digest.hexdigest()[:8]}>"


def lines_of(text: str) -> list[str]:
    """Give the lines of what a switch said, with nothing in them that acts on a terminal.

    Whatever a switch or a person's description holds, a line stays one line of printable text.
    """
    return [_printable(line).rstrip() for line in _NEWLINES.split(text)]


def _printable(line: str) -> str:
    if line.isprintable():
        return line
    kept = (c if c.isprintable() or c == "\t" else _named(c) for c in line)
    return "".join(kept).expandtabs(8)


def _named(character: str) -> str:
    kind = unicodedata.category(character)
    return "" if kind == "Cf" else f"\\x{ord(character):02x}"


def normalised(platform: Platform, text: str) -> list[str]:
    """Give a configuration's lines without those that change by themselves."""
    volatile = [re.compile(one) for one in platform.volatile]
    kept = [line for line in lines_of(text) if not any(one.search(line) for one in volatile)]
    while kept and not kept[0]:
        kept.pop(0)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def masked(platform: Platform, lines: list[str], mask: Mask) -> list[str]:
    """Give lines with every secret of the platform masked."""
    return [_mask_line(platform, line, mask) for line in lines]


def _mask_line(platform: Platform, line: str, mask: Mask) -> str:
    for pattern, salted_anew in _secrets(platform.name, platform.secrets):
        at = 0
        while (found := pattern.search(line, at)) is not None:
            start, end = found.span("secret")
            mark = mask.of(line[start:end], salted_anew=salted_anew)
            line = line[:start] + mark + line[end:]
            at = start + len(mark)
    return line


@cache
def _secrets(_name: str, secrets: tuple[object, ...]) -> tuple[tuple[re.Pattern[str], bool], ...]:
    return tuple((re.compile(s.pattern), s.salted_anew) for s in secrets)  # type: ignore[attr-defined]
