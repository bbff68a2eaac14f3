"""Lengths of time as a person writes them: ``45s``, ``15m``, ``1h30m``, ``2d``."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

_UNITS = {"w": 604_800.0, "d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0}
_PART = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)\s*([wdhms])\s*")
_LONGEST = timedelta(days=366)


def parse_duration(text: str) -> timedelta:
    """Give the length of time that ``text`` says; the largest unit comes first.

    :raises ValueError: where it is none, or is longer than a year.
    """
    rest, seconds, last = text.strip().lower(), 0.0, float("inf")
    if rest == "0":
        return timedelta(0)
    while rest:
        part = _PART.match(rest)
        if not part or _UNITS[part[2]] >= last:
            raise ValueError(f"{text!r} is no length of time; write 45s, 15m, 1h30m or 2d")
        last = _UNITS[part[2]]
        seconds += float(part[1]) * last
        rest = rest[part.end() :]
    if last == float("inf"):
        raise ValueError("a length of time is empty; write 45s, 15m, 1h30m or 2d")
    length = timedelta(seconds=seconds)
    if length > _LONGEST:
        raise ValueError(f"{text!r} is longer than a year")
    return length


def format_duration(length: timedelta) -> str:
    """Give ``length`` as :func:`parse_duration` reads it, to the microsecond."""
    micros = length // timedelta(microseconds=1)
    if micros <= 0:
        return "0s"
    seconds, micros = divmod(micros, 1_000_000)
    parts = []
    for unit in ("d", "h", "m"):
        count, seconds = divmod(seconds, int(_UNITS[unit]))
        if count:
            parts.append(f"{count}{unit}")
    if micros:
        parts.append(f"{seconds}.{micros:06d}".rstrip("0") + "s")
    elif seconds:
        parts.append(f"{seconds}s")
    return "".join(parts)


def _read(value: object) -> object:
    """Read the short form; leave ISO 8601 (``PT15M``) and numbers to pydantic."""
    if isinstance(value, str) and not value.upper().startswith(("P", "-", "+")):
        return parse_duration(value)
    return value


def _not_negative(value: timedelta) -> timedelta:
    if value < timedelta(0):
        raise ValueError("a length of time cannot be negative")
    return value


Duration = Annotated[
    timedelta,
    BeforeValidator(_read),
    AfterValidator(_not_negative),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
]
"""A ``timedelta`` that files and JSON hold in the short form."""
