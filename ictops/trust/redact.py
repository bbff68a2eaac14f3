"""Taking secrets out of text by their value, however they were written.

``no_log`` hides a task's arguments, not a secret in a task's name or in a later debug of a
registered value; so everything that is kept goes through here first.
"""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

REPLACEMENT = "«secret»"

SHORTEST = 4
"""Shorter secrets are left: they would blank out half of every log, and hide nothing."""

SHORTEST_LINE = 8
"""A line of a secret of several lines (a private key) counts from this length."""


class Redactor:
    """Replaces every form of the secrets that it is given."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms = {form for secret in secrets for form in _forms(secret)}
        # The longest first: a secret may be the beginning of another one.
        ordered = sorted(forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """Give ``text`` without secrets. What was JSON before is JSON after."""
        return self._pattern.sub(REPLACEMENT, text) if self._pattern else text

    line = text


def _forms(secret: str) -> Iterator[str]:
    """Give the ways in which a secret may stand in a log or in JSON."""
    if len(secret) < SHORTEST:
        return
    parts = [secret, secret.strip()]
    lines = secret.splitlines()
    if len(lines) > 1:
        parts += [line for line in map(str.strip, lines) if len(line) >= SHORTEST_LINE]
    for part in parts:
        if len(part) < SHORTEST:
            continue
        quoted = {part, quote(part, safe=""), quote(part), quote_plus(part)}
        quoted |= {shlex.quote(part), part.replace("'", "''"), repr(part)[1:-1]}
        quoted |= set(_base64(part.encode()))
        for form in quoted:
            yield from _escaped(form)


def _escaped(text: str) -> Iterator[str]:
    """Give ``text`` as it is, in JSON, in JSON inside JSON, and once more inside that."""
    for ascii_only in (True, False):
        form = text
        for _ in range(4):
            yield form
            form = json.dumps(form, ensure_ascii=ascii_only)[1:-1]


def _base64(secret: bytes) -> Iterator[str]:
    """Give the part of the secret's base64 that stands fast at each of three alignments."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + secret).decode()
        first = (0, 2, 3)[shift]  # characters that the bytes before it have a share in
        last = (len(secret) + shift) * 8 // 6  # characters wholly of the secret
        inner = encoded[first:last]
        if len(inner) >= SHORTEST:
            yield inner
