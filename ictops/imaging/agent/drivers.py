"""Drivers for the PC's model, from the image server."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from ictops.imaging.agent import ntfs
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.drivers import LARGEST_LIST, LIST, read_list
from ictops.imaging.wire.strict import NotAsAgreed
from ictops.imaging.wire.words import digest_of

Get = Callable[[str, int], bytes]
"""Gives a file of the image server, by its path and the most bytes it may have."""


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


def put(root: Path, at: str, folder: str, get: Get) -> int:
    """Fetch a folder of drivers into a volume; every file is checked. Gives how many there are.

    :param at: where on the volume.
    :raises JobFailed: ``image-damaged`` if what comes is not what the list says.
    """
    data = get(f"drivers/{folder}/{LIST}", LARGEST_LIST)
    if digest_of(data).hex() != folder.rpartition("/")[2]:
        raise _damaged(folder, "its list is not the one that the job names")
    try:
        listed = read_list(data)
    except NotAsAgreed as error:
        raise _damaged(folder, str(error)) from error
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
