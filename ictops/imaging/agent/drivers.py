"""Drivers for the PC's model, from the image server.

A folder of drivers is named by the digest of its list, and the job that names it is signed: so
what came by plain HTTP is checked without a second signature. The list has a line a file: digest,
bytes, path.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ictops.imaging.agent import ntfs
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.words import DIGEST, digest_of

LIST = "list"
"""The name of the list in its folder."""
LARGEST_LIST = 4 * 2**20
LARGEST_FILE = 2**30
"""Bytes; graphics drivers have files of some hundred MB."""
_LINE = re.compile(r"(?P<digest>[0-9a-f]{64}) (?P<size>[0-9]{1,10}) (?P<path>[^\x00-\x1f]+)")

Get = Callable[[str, int], bytes]
"""Gives a file of the image server, by its path and the most bytes it may have."""


@dataclass(frozen=True, slots=True)
class Driver:
    """A file of a folder of drivers."""

    digest: str
    size: int
    path: str


def choose(model: str, folders: Mapping[str, str]) -> str | None:
    """Give the folder for a model: that of the pattern which says most of it.

    ``*`` stands for anything, case does not matter, and a pattern is for the whole model. Of two
    patterns the one with more letters of its own wins; of two alike, the one with fewer stars.
    """
    fitting = [one for one in folders if _pattern(one).fullmatch(" ".join(model.split()))]
    if not fitting:
        return None
    best = max(fitting, key=lambda one: (len(one.replace("*", "")), -one.count("*"), one))
    return folders[best]


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.IGNORECASE)


def read_list(folder: str, data: bytes) -> tuple[Driver, ...]:
    """Read a folder's list, and see that it is the one that the folder is named by.

    :raises JobFailed: ``image-damaged``.
    """
    digest = folder.rpartition("/")[2]
    if not DIGEST.fullmatch(digest) or digest_of(data).hex() != digest:
        raise _damaged(folder, "its list is not the one that the job names")
    found = []
    for line in data.decode(errors="strict").splitlines():
        read = _LINE.fullmatch(line)
        if read is None or int(read["size"]) > LARGEST_FILE:
            raise _damaged(folder, f"its list has a line that cannot be: {line[:80]!r}")
        found.append(Driver(read["digest"], int(read["size"]), read["path"]))
    return tuple(found)


def put(root: Path, at: str, folder: str, get: Get) -> int:
    """Fetch a folder of drivers into a volume; every file is checked. Gives how many there are.

    :param at: where on the volume.
    :raises JobFailed: ``image-damaged`` if what comes is not what the list says.
    """
    listed = read_list(folder, get(f"drivers/{folder}/{LIST}", LARGEST_LIST))
    for one in listed:
        data = get(f"drivers/{folder}/{one.path}", one.size)
        if len(data) != one.size or digest_of(data).hex() != one.digest:
            raise _damaged(folder, f"{one.path} is not the file that its list names")
        ntfs.write(root, f"{at}/{one.path}", data)
    return len(listed)


def _damaged(folder: str, why: str) -> JobFailed:
    return JobFailed(
        "image-damaged",
        f"the drivers cannot be used: {why}",
        where=folder,
        do="Publish the folder of drivers again",
    )
