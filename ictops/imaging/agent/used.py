"""Which bytes of a partition an image of it has: partclone knows the file systems.

It changes nothing, wherever it is done: on a reference PC, or on a disk of the control box.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from ictops.imaging.agent import windows
from ictops.imaging.agent.chunking import BLOCK, Extent
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.tools import last_words, run
from ictops.imaging.wire.manifest import Filesystem

EMPTY = ("e3c9e316-0b5c-4db8-817d-f92df00215ae",)
"""Types of partitions that nobody writes to: Microsoft's reserved one."""
_FILESYSTEMS: dict[str, Filesystem] = {
    "ext2": "ext4", "ext3": "ext4", "ext4": "ext4", "btrfs": "btrfs", "vfat": "vfat",
    "ntfs": "ntfs",
}  # fmt: skip
PARTCLONE: dict[Filesystem, str] = {
    "ext4": "partclone.ext4", "btrfs": "partclone.btrfs", "vfat": "partclone.fat",
    "ntfs": "partclone.ntfs",
}  # fmt: skip
"""What knows a file system; the agent's Linux has them by no other names."""
_UNKNOWN = 2
"""blkid's exit code for what it does not know."""


def filesystem_at(disk: Path, start: int, size: int) -> Filesystem:
    """Give the file system at a place of a disk; ``none`` if it is of no kind that is known.

    :raises ToolFailed: if nobody can tell.
    """
    words = ["--probe", "--offset", str(start), "--size", str(size), "--match-tag", "TYPE"]
    command = ("blkid", *words, "--output", "value", str(disk))
    return _FILESYSTEMS.get(run(*command, fine=(0, _UNKNOWN)).strip(), "none")


def image_extents(path: Path, filesystem: Filesystem, size: int) -> tuple[Extent, ...]:
    """Give the used parts of a partition that can become an image: see :func:`used_extents`.

    :raises JobFailed: ``image-damaged`` if its file system is not whole, or its Windows would not
        ask who it is.
    """
    extents = used_extents(path, filesystem, size)
    if filesystem == "ntfs" and windows.is_on(path):
        windows.check(path)
    return extents


def used_extents(path: Path, filesystem: Filesystem, size: int) -> tuple[Extent, ...]:
    """Give the used parts of a partition in their order, at block borders, with gaps between them.

    :param path: the partition's device, or a file that holds nothing but it.
    :param size: the partition's, in bytes; what its file system leaves of it is unused.
    :raises JobFailed: ``image-damaged`` if its file system is not whole.
    """
    if filesystem == "none":
        return ((0, size),)
    with tempfile.TemporaryDirectory(prefix="ictops-") as folder:
        log, file = Path(folder) / "log", Path(folder) / "map"
        # Its display sleeps for two seconds at the end, if it is not told to be fresh.
        program = PARTCLONE[filesystem]
        command = (program, "-D", "-q", "-f", "0", "-s", path, "-O", file, "-L", log)
        try:
            done = subprocess.run(
                [str(word) for word in command],
                env={"TERM": "dumb", **os.environ, "LC_ALL": "C"},  # it wants a TERM everywhere
                stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
                check=False,
            )  # fmt: skip
        except FileNotFoundError as error:
            why = f"{program} is not on this machine"
            raise JobFailed("agent", why, do="Install Debian's package partclone") from error
        if done.returncode or not file.exists():
            raise JobFailed(
                "image-damaged",
                f"its {filesystem} file system cannot be read: {last_words(done)}",
                where=str(path),
                do="Shut the PC down in good order (Windows: without fast startup), or check it",
            )
        used = read_map(file.read_text())
    if filesystem == "ntfs":  # the copy of its first sector lies behind the file system
        used.append((size - BLOCK, size))
    return merged(used, size)


def read_map(text: str) -> list[Extent]:
    """Read what is used from a map as ddrescue has them."""
    lines = [line.split() for line in text.splitlines() if not line.startswith("#")]
    parts = [line for line in lines if len(line) == 3]  # noqa: PLR2004 - position, size, status
    return [
        (int(at, 16), int(at, 16) + int(size, 16)) for at, size, status in parts if status == "+"
    ]


def merged(extents: Iterable[Extent], size: int) -> tuple[Extent, ...]:
    """Give extents in order, widened to block borders, no two of which touch."""
    found: list[Extent] = []
    for first, last in sorted(extents):
        begin, end = first // BLOCK * BLOCK, min(-(-last // BLOCK) * BLOCK, size)
        if found and begin <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif begin < end:
            found.append((begin, end))
    return tuple(found)
