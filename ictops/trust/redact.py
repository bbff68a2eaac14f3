"""Taking secrets out of text by their value, however they were written.

``no_log`` hides a task's arguments, not a secret in a task's name or in a later debug of a
registered value; so everything that is kept goes through here first.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Collection, Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus

REPLACEMENT = "«secret»"

SHORTEST = 4
"""Shorter secrets are left: they would blank out half of every log, and hide nothing."""

SHORTEST_LINE = 8
"""A line of a secret of several lines (a private key) counts from this length, and so does
what stands beside a template in a secret."""

_GAP = r"(?:\s|\\+[nrt]){1,64}"
"""Any white space, or a line's end escaped for JSON: a text may have been folded anew."""
_GAP_STARTS = " \n\r\t\\"
_TEMPLATE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}|\w+://", re.DOTALL)


class Redactor:
    """Replaces every form of the secrets that it is given.

    :param spared: words that are never hidden, though a vault may hold them: those that a
        run is steered by.
    """

    def __init__(self, secrets: Iterable[str], spared: Collection[str] = ()) -> None:
        self._whole = {part for secret in secrets for part in _parts(secret)} - set(spared)
        self._forms: dict[str, list[str]] = {}
        """By their first four characters: each form that stands as it is."""
        self._folded: dict[str, list[re.Pattern[str]]] = {}
        """By their first two: those in which white space may have changed."""
        self._longest = 0
        for part in self._whole:
            for form in _forms(part):
                self._forms.setdefault(form[:SHORTEST], []).append(form)
                self._longest = max(self._longest, len(form))
            for start, pattern in _folded(part):
                self._folded.setdefault(start, []).append(pattern)
                self._longest = max(self._longest, 2 * len(pattern.pattern))
        self._start = _starts({form[:2] for form in self._forms} | self._folded.keys())

    def text(self, text: str, most: int | None = None) -> str:
        """Give ``text`` without secrets, and of it the first ``most`` characters at the least.

        It is cut only after a look beyond the cut: the half of a secret is one too.
        """
        size = len(text) if most is None else min(most, len(text))
        if self._start is None:
            return text[:size]
        pieces: list[str] = []
        done = 0
        for first, end in self._spans(text[: size + self._longest], self._start):
            if first >= size:
                break
            pieces += (text[done:first], REPLACEMENT)
            done = end
        pieces.append(text[done:size])
        return "".join(pieces)

    def scalar(self, value: Any, most: int | None = None) -> Any:
        """Give a text, number, truth value or None without secrets; only a text is cut."""
        if isinstance(value, str):
            return self.text(value, most)
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return REPLACEMENT if number and str(value) in self._whole else value

    def _spans(self, text: str, start: re.Pattern[str]) -> Iterator[tuple[int, int]]:
        """Give where secrets stand, those that overlap or touch as one."""
        span: tuple[int, int] | None = None
        found = start.search(text)
        while found is not None:
            at = found.start()
            end = self._end(text, at)
            if end > at:
                if span is not None and at > span[1]:
                    yield span
                    span = None
                span = (span[0], max(span[1], end)) if span else (at, end)
            found = start.search(text, at + 1)
        if span is not None:
            yield span

    def _end(self, text: str, at: int) -> int:
        """Give where the longest secret ends that begins here; 0 if none does."""
        end = 0
        for form in self._forms.get(text[at : at + SHORTEST], ()):
            if text.startswith(form, at):
                end = max(end, at + len(form))
        for pattern in self._folded.get(text[at : at + 2], ()):
            match = pattern.match(text, at)
            end = max(end, match.end() if match else 0)
        return end


def _starts(starts: Iterable[str]) -> re.Pattern[str] | None:
    """Give what finds any of these pairs of characters, or None without any."""
    by_first: dict[str, set[str]] = {}
    for pair in starts:
        by_first.setdefault(pair[0], set()).add(re.escape(pair[1]))
    pairs = (f"{re.escape(first)}[{''.join(sorted(by_first[first]))}]" for first in by_first)
    return re.compile("|".join(pairs)) if by_first else None


def _parts(secret: str) -> Iterator[str]:
    """Give what must be hidden of a secret: all of it, its lines, what is beside templates."""
    if len(secret.strip()) < SHORTEST:
        return
    yield secret.strip()
    lines = secret.splitlines()
    if len(lines) > 1:
        yield from (line for line in map(str.strip, lines) if len(line) >= SHORTEST_LINE)
    beside = _TEMPLATE.split(secret)
    if "{" in secret and len(beside) > 1:
        yield from (part for part in map(str.strip, beside) if len(part) >= SHORTEST_LINE)


def _forms(part: str) -> set[str]:
    """Give the ways in which a secret may stand in a text, white space as it is."""
    encoded = part.encode()
    quoted = {part, quote(part, safe=""), quote(part), quote_plus(part), html.escape(part)}
    quoted |= {re.sub("%..", lambda match: match[0].lower(), one) for one in quoted if "%" in one}
    quoted |= {shlex.quote(part), part.replace("'", "''")}
    quoted |= {repr(part)[1:-1], ascii(part)[1:-1], repr(encoded)[2:-1]}
    written = {form for one in quoted for form in _escaped(one)}
    return written | {encoded.hex(), encoded.hex().upper(), *_base64(encoded)}


def _folded(part: str) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Give a secret of several words, whatever white space is between, by its first letters."""
    words = part.split()
    if len(words) < 2:  # noqa: PLR2004
        return
    for escaped in set(zip(*map(_escaped, words), strict=True)):
        pattern = re.compile(_GAP.join(map(re.escape, escaped)))
        first = escaped[0]
        starts = [first[:2]] if len(first) > 1 else [first + gap for gap in _GAP_STARTS]
        yield from ((start, pattern) for start in starts)


def _escaped(text: str) -> Iterator[str]:
    """Give ``text`` as it is, in JSON, in JSON inside JSON, and once more inside that."""
    for ascii_only in (True, False):
        form = text
        for _ in range(4):
            yield form
            form = json.dumps(form, ensure_ascii=ascii_only)[1:-1]


def _base64(secret: bytes) -> Iterator[str]:
    """Give the part of the secret's base64 that stands fast at each of three alignments."""
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for shift in range(3):
            encoded = encode(b"\0" * shift + secret).decode()
            first = (0, 2, 3)[shift]  # characters that the bytes before it have a share in
            last = (len(secret) + shift) * 8 // 6  # characters wholly of the secret
            inner = encoded[first:last]
            if len(inner) >= SHORTEST:
                yield inner
