"""Whether what came back from the store is the disk that went in, and its file systems whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from ictops.errors import ImageDamaged, ImageError
from ictops.imaging.agent.chunking import Extent
from ictops.imaging.agent.tools import last_words
from ictops.imaging.images.layout import Layout
from ictops.imaging.images.reading import alone
from ictops.imaging.images.tools import attempt
from ictops.imaging.wire.manifest import Filesystem, Partition

_READ = 4 * 2**20
CHECKS: dict[Filesystem, tuple[str, ...]] = {
    "ext4": ("e2fsck", "-f", "-n"),
    "vfat": ("fsck.vfat", "-n"),
    "ntfs": ("ntfsfix", "-n"),
    "btrfs": ("btrfs", "check", "--readonly"),
}
"""What looks at a file system and changes nothing."""


def compare(
    source: Path,
    restored: Path,
    used: Iterable[tuple[Partition, Iterable[Extent]]],
    tell: Callable[[int], None],
) -> None:
    """See that all that is used of a disk came back, byte by byte.

    :raises ImageDamaged: saying where not.
    """
    with source.open("rb") as one, restored.open("rb") as other:
        for partition, extents in used:
            for first, end in extents:
                for at in range(first, end, _READ):
                    size = min(_READ, end - at)
                    position = partition.start + at
                    if _read(one, position, size) != _read(other, position, size):
                        raise ImageDamaged(
                            f"what came back from the store differs within {size} bytes from "
                            f"byte {position}",
                            where=str(source),
                            do="It is not published. Look at the disk and the memory of this "
                            "machine, and see that nothing writes to the source",
                        )
                    tell(size)


def check_filesystems(restored: Path, layout: Layout, scratch: Path) -> None:
    """Let each file system's own tool look at what came back.

    :raises ImageError: with what it says, if one is not whole.
    """
    for partition in layout.partitions:
        check = CHECKS.get(partition.filesystem)
        if check is None or partition.content != "blocks":
            continue
        with alone(restored, None, partition, scratch) as path:
            done = attempt(*check, path)
        if done.returncode:
            raise ImageError(
                f"{check[0]} finds partition {partition.number} not whole: {last_words(done)}",
                do="It is not published. Check the file system where it comes from",
            )


def _read(file: BinaryIO, position: int, size: int) -> bytes:
    file.seek(position)
    return file.read(size)
