"""Which bytes of a partition hold something: partclone knows the file systems."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path

from ictops.errors import ImageError
from ictops.imaging.images.chunking import BLOCK, Extent
from ictops.imaging.images.tools import attempt, last_words
from ictops.imaging.wire.manifest import Filesystem


def used_extents(path: Path, filesystem: Filesystem, size: int) -> tuple[Extent, ...]:
    """Give the used parts of a partition in their order, at block borders, with gaps between them.

    :param path: the partition's device, or a file that holds nothing but it.
    :param size: the partition's, in bytes; what its file system leaves of it is unused.
    :raises ImageError: if its file system is not whole.
    """
    if filesystem == "none":
        return ((0, size),)
    with tempfile.TemporaryDirectory(prefix="ictops-") as folder:
        log, file = Path(folder) / "log", Path(folder) / "map"
        # Its display sleeps for two seconds at the end, if it is not told to be fresh.
        command = (f"partclone.{filesystem}", "-D", "-q", "-f", "0", "-s", path, "-O", file)
        done = attempt(*command, "-L", log)
        if done.returncode or not file.exists():
            raise ImageError(
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
