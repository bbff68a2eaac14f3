"""From what a switch shows to what is kept: without volatile lines, secrets masked."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass

from ictops.network.platform import Blocks, Platform

MASK = "<secret>"
MARK = re.compile(r"<secret(?::[0-9a-f]{8})?>")
"""What stands in a secret's place."""

# Old switches end lines with \n\r or \r\r\n, and a lone \r would overwrite the line on a terminal.
_NEWLINES = re.compile(r"\r*\n\r*|\r+")
# ECMA-48: control sequences, strings up to their end, and escapes of two or more characters.
_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"
    r"|\x1b[\]P^_X][^\x07\x1b\r\n]*(?:\x07|\x1b\\)"
    r"|\x1b[ -/]*[0-Z\\^-~]"
)
_NEXT_LINE = "\x1bE"
# What a pager leaves: its question, wiped out again by backspaces and blanks.
_PAGER = re.compile(r"^[ \x08]*(?:-+ ?more ?-+[^\x08]*?)?\x08[\x08 ]*", re.IGNORECASE)

# RFC 7468; old tools write headers between BEGIN and the key, and some quote all of it in one line.
_KEY_BEGINS = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
_KEY_ENDS = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----")
# Secrets that look the same on every platform: the hash of a password, as crypt(5) and Junos's $9$
# write it, and the password in a URL (RFC 3986, 3.2.1).
_HASH = re.compile(r'(?<![\w$])\$[0-9a-z]{1,12}\$(?!<secret[:>])(?P<secret>[^\s";]{6,})')
_URL = re.compile(r'://[^\s/:@"]*:(?!<secret[:>])(?P<secret>[^\s/"]+)@')

MOST_PLAIN, LONGEST_PLAIN = 50_000, 200
"""Lines without a secret that are remembered, and their characters: a few megabytes."""


@dataclass(frozen=True, slots=True)
class Mask:
    """Hides secrets, but not that one was changed.

    :param key: bytes that nobody who reads the backups has; without them a short password
        could be guessed from its mark.
    """

    key: bytes

    def of(self, secret: str, *, salted_anew: bool = False) -> str:
        """Give what stands in a secret's place: one word, the same for the same secret."""
        if salted_anew:
            return MASK
        digest = hmac.new(self.key, secret.encode(errors="surrogatepass"), hashlib.sha256)
        return f"<secret:{digest.hexdigest()[:8]}>"


def lines_of(text: str) -> list[str]:
    """Give the lines of what a switch said, with nothing in them that acts on a terminal.

    Whatever a switch or a person's description holds, a line stays one line of printable text.
    """
    if "\x1b" in text or "\x9b" in text:
        text = _ESCAPES.sub("", text.replace(_NEXT_LINE, "\n"))
    return [
        line.rstrip() if line.isprintable() else _printable(line) for line in _NEWLINES.split(text)
    ]


def _printable(line: str) -> str:
    kept = (c if c.isprintable() else _named(c) for c in _PAGER.sub("", line).expandtabs(8))
    return "".join(kept).rstrip()


def _named(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def normalised(platform: Platform, text: str) -> list[str]:
    """Give a configuration's lines without those that change by themselves."""
    lines = lines_of(text)
    if platform.continued is not None:
        lines = _joined(lines, re.compile(f"(?:{platform.continued})$"))
    volatile = platform.volatile_line.match
    kept = [line for line in lines if not volatile(line)]
    while kept and not kept[0]:
        kept.pop(0)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _joined(lines: list[str], continued: re.Pattern[str]) -> list[str]:
    """Join lines that a switch cut because they were long: a secret may be on either part."""
    joined: list[str] = []
    begun: str | None = None
    for line in lines:
        text = line if begun is None else begun + line.lstrip()
        goes_on = continued.search(line)
        if goes_on is None:
            joined.append(text)
            begun = None
        else:
            begun = text[: len(text) - len(goes_on.group())]
    if begun is not None:
        joined.append(begun)
    return joined


def is_whole(platform: Platform, lines: list[str]) -> bool:
    """Say whether a configuration's normalised lines are all of it, not cut off on the way.

    Where a platform prints an end mark this is certain; where not, a cut between two late lines
    can stay unseen. docs/switches.md says which is which.
    """
    if not lines or not re.search(platform.whole, lines[-1]):
        return False
    if platform.blocks is not None:
        opens, closes = re.compile(platform.blocks.opens), re.compile(platform.blocks.closes)
        opened = sum(opens.match(line) is not None for line in lines)
        if sum(closes.match(line) is not None for line in lines) < opened:
            return False
    return all(
        any(needed.match(line) for line in lines) for needed in map(re.compile, platform.holds)
    )


def settings_of(platform: Platform, lines: list[str]) -> list[str]:
    """Give the normalised lines that set something, each indented as deep as its block is.

    For comparing what runs with what is stored, and for hier_config, which reads indentation.
    """
    settings = [line for line in lines if not platform.frame_line.match(line)]
    if platform.repeats:
        settings = _once(settings)
    return settings if platform.blocks is None else _indented(platform.blocks, settings)


def _once(lines: list[str]) -> list[str]:
    """Give lines without those at the margin that were there before and open no block."""
    seen: set[str] = set()
    kept = []
    for line, following in zip(lines, (*lines[1:], ""), strict=False):
        opens = following[:1].isspace()
        if line[:1].isspace() or opens or line not in seen:
            kept.append(line)
            seen.add(line)
    return kept


def _indented(blocks: Blocks, lines: list[str]) -> list[str]:
    opens, closes = re.compile(blocks.opens), re.compile(blocks.closes)
    indented, depth = [], 0
    for line in lines:
        if closes.match(line):
            depth = max(depth - 1, 0)
            continue
        indented.append(" " * depth + line)
        depth += opens.match(line) is not None
    return indented


def masked(platform: Platform, lines: list[str], mask: Mask) -> list[str]:
    """Give lines with every secret of the platform masked; there may be fewer of them."""
    kept: list[str] = []
    plain = platform.plain_lines
    section = ""
    rest = iter(lines)
    for line in rest:
        if line[:1].strip():
            section = line
        if line not in plain:
            if platform.secret_line.match(line):
                line = _mask_line(platform, section, line, mask)  # noqa: PLW2901
            elif len(plain) < MOST_PLAIN and len(line) <= LONGEST_PLAIN:
                plain.add(line)
        if "$" in line or "://" in line:
            line = _mask_anywhere(line, mask)  # noqa: PLW2901
        if "-----BEGIN" in line and (begins := _KEY_BEGINS.search(line)):
            kept.extend(_key_masked(line, begins.end(), rest, mask))
        else:
            kept.append(line)
    return kept


def _mask_line(platform: Platform, section: str, line: str, mask: Mask) -> str:
    for secret in platform.secrets:
        if secret.section is not None and not secret.section.match(section):
            continue
        while (found := secret.expression.match(line)) is not None:
            line = _replaced(line, found, mask, salted_anew=secret.salted_anew)
    return line


def _mask_anywhere(line: str, mask: Mask) -> str:
    for expression in (_HASH, _URL):
        while (found := expression.search(line)) is not None:
            line = _replaced(line, found, mask, salted_anew=False)
    return line


def _replaced(line: str, found: re.Match[str], mask: Mask, *, salted_anew: bool) -> str:
    start, end = found.span("secret")
    if end - start > 1 and line[start] == line[end - 1] == '"':  # the quotes are none of it
        start, end = start + 1, end - 1
    return line[:start] + mask.of(line[start:end], salted_anew=salted_anew) + line[end:]


def _key_masked(line: str, begins: int, rest: Iterator[str], mask: Mask) -> list[str]:
    """Mask a private key: to its end, or to the end of all lines if it was cut off."""
    head, tail = line[:begins], line[begins:]
    body: list[str] = []
    while (ends := _KEY_ENDS.search(tail)) is None:
        body.append(tail.strip())
        following = next(rest, None)
        if following is None:
            return [head, _mark_of("".join(body), mask)]
        tail = following
    mark = _mark_of("".join((*body, tail[: ends.start()].strip())), mask)
    end = tail[ends.start() :]
    return [head, mark, end] if body else [head + mark + end]


def _mark_of(key: str, mask: Mask) -> str:
    return key if MARK.fullmatch(key) else mask.of(key)
