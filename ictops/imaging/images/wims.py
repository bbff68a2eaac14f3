"""A version whose Windows is kept as a WIM: file by file, not block by block.

It goes to a disk of any size, and comes from Microsoft's own media too; what makes it boot is kept
as blocks. The WIM's bytes are known by positions behind the disk's, so that all else need not know.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from ictops.errors import ImageDamaged, ImageError
from ictops.imaging.agent import wim as agent
from ictops.imaging.agent import windows
from ictops.imaging.agent.cutting import Found
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.images.layout import Layout
from ictops.imaging.images.packing import Readable, Tell
from ictops.imaging.images.reading import alone
from ictops.imaging.images.wim import captured, cut, imported
from ictops.imaging.wire.manifest import Partition
from ictops.imaging.wire.words import digest_of

_READ = 2**20


@dataclass(frozen=True, slots=True)
class WimChoice:
    """Where the WIM of a Windows comes from."""

    file: Path | None = None
    """A .wim or .esd; None for what is on the disk itself."""
    image: str = "1"
    """Which of the file's images, by number or name."""


@dataclass(frozen=True, slots=True)
class Wim:
    """The WIM of a partition. Bytes."""

    partition: Partition
    path: Path
    position: int
    """Where its bytes are, for whoever reads disk and WIM as one."""


def keep_as_wim(disk: Path, layout: Layout, choice: WimChoice, work: Path) -> tuple[Layout, Wim]:
    """Give the layout of a disk whose Windows is a WIM, and the WIM.

    :raises ImageError: if there is no NTFS volume on it, or no such image in the file.
    """
    ntfs = [one for one in layout.partitions if one.filesystem == "ntfs"]
    if not ntfs:
        raise ImageError("there is no NTFS volume to keep as a WIM", where=str(disk))
    largest = max(ntfs, key=lambda one: one.size)
    path = work / "windows.wim"
    with path.open("xb") as file:
        if choice.file is not None:
            with imported(choice.file, choice.image) as stream:
                shutil.copyfileobj(stream, file, _READ)
        else:
            with alone(disk, layout, largest, work) as volume, captured(volume) as stream:
                shutil.copyfileobj(stream, file, _READ)
    made = replace(largest, content="wim")
    partitions = tuple(made if one is largest else one for one in layout.partitions)
    return replace(layout, partitions=partitions), Wim(made, path, layout.smallest_disk)


def find_wim_chunks(wim: Wim, tell: Tell) -> list[Found]:
    """Cut a WIM."""
    found, offset = [], 0
    with wim.path.open("rb") as file:
        for data in cut(file.read):
            position = wim.position + offset
            found.append(Found(wim.partition.number, offset, len(data), digest_of(data), position))
            offset += len(data)
            tell(len(data))
    return found


class _Joined:
    """A disk, and behind it a WIM."""

    def __init__(self, disk: BinaryIO, wim: BinaryIO, position: int) -> None:
        self._disk, self._wim, self._position = disk, wim, position
        self._at = disk

    def seek(self, offset: int, /) -> int:
        self._at = self._wim if offset >= self._position else self._disk
        return self._at.seek(offset - self._position * (self._at is self._wim))

    def read(self, size: int, /) -> bytes:
        return self._at.read(size)


@contextmanager
def joined(disk: BinaryIO, wim: Wim | None) -> Iterator[Readable]:
    """Give a disk and its WIM, if it has one, as one file."""
    if wim is None:
        yield disk
        return
    with wim.path.open("rb") as file:
        yield _Joined(disk, file, wim.position)


def check_wim(wim: Wim, restored: Path, work: Path) -> None:
    """See that a WIM came back, and fill a volume from it as an agent does.

    :raises ImageDamaged: if it did not.
    :raises ImageError: if what it holds does not fit, or is no Windows that can become a host.
    """
    size = wim.path.stat().st_size
    with wim.path.open("rb") as one, restored.open("rb") as other:
        other.seek(wim.position)
        for at in range(0, size, _READ):
            part = min(_READ, size - at)
            if one.read(part) != other.read(part):
                raise ImageDamaged(
                    f"the WIM that came back from the store differs from byte {at}",
                    do="It is not published. Look at the disk and memory of this machine",
                )
    volume = work / "applied"
    try:
        with volume.open("xb") as file:
            file.truncate(wim.partition.size)
        with restored.open("rb") as file:
            file.seek(wim.position)
            chunks = (file.read(min(_READ, size - at)) for at in range(0, size, _READ))
            wanted = agent.apply(chunks, volume, start=wim.partition.start, label="Windows")
        agent.verify(volume, wanted)
        windows.check(volume)
    except JobFailed as error:
        size = wim.partition.size
        do = error.do if error.kind == "image-damaged" else f"Its partition has {size} bytes"
        raise ImageError(error.what, where="the WIM", do=do) from error
    finally:
        volume.unlink(missing_ok=True)
