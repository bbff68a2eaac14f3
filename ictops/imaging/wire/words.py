"""What names, addresses, digests and times may be."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
"""An image's name: it becomes a folder."""
VERSION = re.compile(r"[0-9a-z][0-9a-z.-]{0,62}")
"""An image's version: it becomes a folder."""
FILE = re.compile(r"[a-z0-9][a-z0-9.-]{0,62}")
"""A file's name, without a folder."""
HOST = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}")
MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}")
GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
DIGEST = re.compile(r"[0-9a-f]{64}")
DIGEST_BYTES = 32


def check(pattern: re.Pattern[str], value: str, what: str) -> None:
    """Look whether a word is what it may be.

    :raises ValueError: if not.
    """
    if not pattern.fullmatch(value) or ".." in value:
        raise ValueError(f"{value!r} is no {what}")


def digest_of(data: bytes | bytearray | memoryview) -> bytes:
    """Give the digest that everything is known by: BLAKE2b (RFC 7693) of 32 bytes.

    It is the quickest strong one of the standard library on PCs without SHA instructions.
    """
    return hashlib.blake2b(data, digest_size=DIGEST_BYTES).digest()


def moment(text: str) -> datetime:
    """Read a time in UTC.

    :raises ValueError: if it is none, or says no zone.
    """
    read = datetime.fromisoformat(text)
    if read.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return read.astimezone(UTC)
