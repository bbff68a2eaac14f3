"""The order in which people list hosts, rooms and ports."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"([0-9]+)")


def natural(name: str) -> tuple[list[tuple[int, str]], str]:
    """Give a sort key by which ``ws-9`` comes before ``ws-10``; no two names share one."""
    parts = [
        (int(part), "") if part.isdecimal() else (-1, part) for part in _NUMBER.split(name) if part
    ]
    return parts, name
