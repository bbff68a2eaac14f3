"""The list of a folder of drivers: a line a file, with its digest, its bytes and its path.

The folder is named by the digest of its list, and the job that names it is signed: so what comes
by plain HTTP is checked without a second signature.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ictops.imaging.wire.strict import NotAsAgreed

LIST = "list"
"""The name of the list in its folder."""
LARGEST_LIST = 4 * 2**20
LARGEST_FILE = 2**30
"""Bytes; graphics drivers have files of some hundred MB."""
_LINE = re.compile(r"(?P<digest>[0-9a-f]{64}) (?P<size>[0-9]{1,10}) (?P<path>[^\x00-\x1f]+)")


@dataclass(frozen=True, slots=True)
class Driver:
    """A file of a folder of drivers."""

    digest: str
    size: int
    path: str


def line(driver: Driver) -> str:
    """Write the line of a file."""
    return f"{driver.digest} {driver.size} {driver.path}\n"


def read_list(data: bytes) -> tuple[Driver, ...]:
    """Read a list.

    :raises NotAsAgreed: if it is none.
    """
    try:
        *lines, last = data.decode().split("\n")
    except UnicodeDecodeError as error:
        raise NotAsAgreed(f"the list is no UTF-8: {error}") from error
    if last or len(data) > LARGEST_LIST:
        raise NotAsAgreed("the list is cut off, or too long")
    found = []
    for one in lines:
        read = _LINE.fullmatch(one)
        if read is None or int(read["size"]) > LARGEST_FILE:
            raise NotAsAgreed(f"the list has a line that cannot be: {one[:80]!r}")
        found.append(Driver(read["digest"], int(read["size"]), read["path"]))
    return tuple(found)
