"""Windows as a WIM in the image store: captured or imported, and cut where its files begin.

The WIM is not compressed. LZX and LZMS pack a file, or many, by what stood before it, so that two
versions have little alike; our own pieces are compressed after what is alike has been found.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ictops.errors import ImageError
from ictops.imaging.agent.tools import ToolFailed, reading, run
from ictops.imaging.agent.wimstream import Blob, Read, parts
from ictops.imaging.wire.strict import NotAsAgreed
from ictops.imaging.wire.words import digest_of

BLOCK = 4096
SMALLEST, LARGEST = 16 * 2**10, 256 * 2**10
_ONE_IN = 16
"""A chunk ends at one block of so many: 64 KiB on average."""


class WimError(ImageError):
    """A WIM cannot be captured, imported or read."""


@contextmanager
def captured(source: Path) -> Iterator[IO[bytes]]:
    """Give a folder, or the NTFS volume in a device or file, as a pipable WIM's bytes.

    :raises WimError: if wimlib cannot capture it.
    """
    try:
        with reading(
            "wimlib-imagex", "capture", str(source), "-", "windows", "--pipable",
            "--compress=none", "--norpfix",
        ) as stream:  # fmt: skip
            yield stream
    except (ToolFailed, NotAsAgreed) as error:
        raise WimError(str(error), where=str(source)) from error


@contextmanager
def imported(source: Path, image: str) -> Iterator[IO[bytes]]:
    """Give one image of a .wim or .esd file as a pipable WIM's bytes.

    :param image: its number, from 1, or its name, such as ``Windows 11 Education``.
    :raises WimError: if there is no such image; tells which there are.
    """
    known = images(source)
    if image not in known and image not in known.values():
        raise WimError(
            f"there is no image {image!r}",
            where=str(source),
            do="It has: " + ", ".join(f"{number} {name}" for number, name in known.items()),
        )
    try:
        with reading(
            "wimlib-imagex", "export", str(source), image, "-", "--pipable", "--compress=none"
        ) as stream:
            yield stream
    except (ToolFailed, NotAsAgreed) as error:
        raise WimError(str(error), where=str(source)) from error


def images(source: Path) -> dict[str, str]:
    """Give the names of a file's images by their number.

    :raises WimError: if it is no WIM.
    """
    try:
        told = run("wimlib-imagex", "info", str(source))
    except ToolFailed as error:
        raise WimError(str(error), where=str(source)) from error
    found: dict[str, str] = {}
    number = ""
    for line in told.splitlines():
        word, _, value = line.partition(":")
        if word == "Index":
            number = value.strip()
        elif word == "Name" and number:
            found[number] = value.strip()
    return found


def cut(read: Read) -> Iterator[bytes]:
    """Cut a WIM into chunks that the next version of it shares, wherever its files then stand.

    A file of at least the smallest chunk begins one; within it, blocks are counted from its own
    first byte. Small files that stand together are cut where one of them says so by its content.

    :raises WimError: if it is no pipable WIM without compression.
    """
    kept = bytearray()
    try:
        for blob, data in parts(read, BLOCK):
            if kept and blob is not None and blob.size >= SMALLEST:
                yield bytes(kept)
                kept.clear()
            kept += data
            if len(kept) >= LARGEST - BLOCK or (len(kept) >= SMALLEST and _ends(data, blob)):
                yield bytes(kept)
                kept.clear()
    except NotAsAgreed as error:
        raise WimError(str(error)) from error
    if kept:
        yield bytes(kept)


def _ends(data: bytes, blob: Blob | None) -> bool:
    return blob is None and (len(data) < BLOCK or digest_of(data)[0] % _ONE_IN == 0)
