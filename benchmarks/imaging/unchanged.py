"""A PC that has its image already: how long it takes to see that, with so many bytes used.

The agent's own code works on a plain file; before it reads, the kernel is told to let go of what it
keeps of it in memory. The disk is first filled with files of which no two blocks are alike, so
that each of its chunks is another one; their bytes compress well, or the image's packs would need
as much room again. The image is made of that disk by the image store's own code, but for the
restore before it is published, which needs the same room. The PC is imaged twice: by then it has
all that an agent changes, and the second time is what is measured.
"""

from __future__ import annotations

import os
import struct
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.imaging.files import Put, blank, server_of
from benchmarks.imaging.shop import IMAGE, Shop, need_room, system_of
from ictops.imaging.agent import table
from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.mount import attached
from ictops.imaging.agent.used import used_extents
from ictops.imaging.images.layout import read_layout
from ictops.imaging.images.packing import find_chunks, pack_version
from ictops.imaging.images.store import INDEX, MANIFEST, SIGNATURE, Version, place_whole, writing
from ictops.imaging.published import Published
from ictops.imaging.wire import strict
from ictops.imaging.wire.index import stored_bytes
from ictops.imaging.wire.manifest import Index
from ictops.imaging.wire.signature import sign
from ictops.imaging.wire.words import digest_of

GB = 10**9
MIB = 2**20
SPARE = 3 * GB
"""The file system's own tables, and some room."""
FILE = 64 * MIB
BLOCK = 4096


@dataclass(frozen=True)
class Unchanged:
    """What it takes to see that a PC has its image."""

    used: int
    """Bytes."""
    put: Put


def measure(shop: Shop, first: Published, size: int, folder: Path) -> Unchanged:
    """Look through a PC with so many bytes used."""
    folder.mkdir()
    need_room(folder, size + 2 * SPARE)
    disk = blank(folder / "disk.img", (size + SPARE) // MIB * MIB)
    with server_of(shop, folder / "server") as server:
        server.put(first, disk)
        shop.say(f"filling a disk with {size / GB:.0f} GB")
        fill(disk, size - first.manifest.used)
        shop.say("making an image of it")
        full = _publish(shop, first, disk)
        shop.say("imaging the PC that has it, twice")
        server.put(full, disk)
        return Unchanged(full.manifest.used, server.put(full, disk))


def blocks(number: int, like: bytes) -> bytes:
    """Give the bytes of a file: no two blocks of any two are alike.

    :param like: what each block is but for its first bytes.
    """
    count = FILE // BLOCK
    words = bytearray(like * count)
    numbers = struct.pack(f"<{count}Q", *range(number * count, (number + 1) * count))
    for at in range(8):
        words[at::BLOCK] = numbers[at::8]
    return bytes(words)


def fill(disk: Path, size: int) -> None:
    """Put files of so many bytes into the system of a disk."""
    like = os.urandom(BLOCK)
    with system_of(disk) as root:
        folder = root / "srv/filled"
        folder.mkdir()
        for number in range(size // FILE):
            (folder / str(number)).write_bytes(blocks(number, like))


def _publish(shop: Shop, first: Published, disk: Path) -> Published:
    """Make a version of a disk without restoring it."""
    imaging, layout, used = shop.imaging, read_layout(disk), []
    version = Version(f"{IMAGE}-full", "1")
    entries = table.found(disk).entries
    with closing(Disk(disk)) as opened:
        for one, entry in zip(layout.partitions, entries, strict=True):
            with attached(opened, entry) as device:
                used.append((one, used_extents(device, one.filesystem, one.size)))
    with writing(imaging.store) as work:
        with disk.open("rb") as file:
            found = find_chunks(file, used, lambda _: None)
            before = [imaging.store.index(one) for one in imaging.store.versions()]
            index, packs = pack_version(file, found, before, work, lambda _: None)
        data = index.pack()
        manifest = replace(
            first.manifest,
            name=version.name,
            partitions=layout.partitions,
            smallest_disk=layout.smallest_disk,
            index=Index(digest_of(data).hex(), len(data)),
            used=sum(index.chunks[one.chunk].length for one in index.places),
            stored=stored_bytes(index.pieces),
        )
        text = strict.dumps(manifest)
        place = work / "version"
        place.mkdir()
        (place / INDEX).write_bytes(data)
        (place / MANIFEST).write_bytes(text)
        (place / SIGNATURE).write_text(sign(text, "ictops-image", imaging.key))
        place_whole(work, imaging.store, version, packs)
    return imaging.read(version)
