"""A version of an image from a disk: cut, stored, restored once, compared, signed, put in place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal

from ictops.errors import ImageError
from ictops.imaging.agent.chunking import Extent
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.used import image_extents
from ictops.imaging.images.checking import check_filesystems, compare
from ictops.imaging.images.layout import Layout, read_layout
from ictops.imaging.images.packing import Tell, find_chunks, pack_version
from ictops.imaging.images.reading import alone
from ictops.imaging.images.restore import restore
from ictops.imaging.images.signing import Signing
from ictops.imaging.images.store import (
    INDEX,
    MANIFEST,
    SIGNATURE,
    Store,
    Version,
    pack_path,
    place_whole,
    published_before,
)
from ictops.imaging.images.wims import (
    WimChoice,
    check_wim,
    find_wim_chunks,
    joined,
    keep_as_wim,
)
from ictops.imaging.wire import strict
from ictops.imaging.wire.index import ImageIndex, stored_bytes
from ictops.imaging.wire.manifest import Index, Manifest, Partition
from ictops.imaging.wire.signature import sign
from ictops.imaging.wire.words import digest_of

Seed = Literal["files", "nocloud", "unattend"]
Used = tuple[tuple[Partition, tuple[Extent, ...]], ...]
Say = Callable[[str], None]
"""Told now and then what is being done, and how far it is."""


@dataclass(frozen=True, slots=True)
class Published:
    """What a version came to. Bytes."""

    name: str
    version: str
    digest: str
    """Of its manifest: what a job names it by."""
    used: int
    stored: int
    """What a PC with nothing fetches."""
    added: int
    """What the store grew by."""
    chunks: int


def next_version(store: Store, name: str, today: date) -> str:
    """Give the version that a new one has if nobody names it: the day, and a number."""
    day = f"{today:%Y.%m.%d}"
    there = [one.version for one in store.versions() if one.name == name]
    numbers = [re.fullmatch(re.escape(day) + r"-(\d+)", one) for one in there]
    return f"{day}-{max((int(one[1]) for one in numbers if one), default=0) + 1}"


def publish(
    disk: Path,
    version: Version,
    *,
    store: Store,
    signing: Signing,
    work: Path,
    seed: Seed | None,
    say: Say,
    wim: WimChoice | None = None,
) -> Published:
    """Make a version of what is on a disk, which nothing writes to meanwhile.

    :param work: an empty folder of the store that is being written to.
    :param seed: how the system learns which host it is; None to go by what it is.
    :param wim: to keep its Windows as a WIM.
    :raises ImageError: if the disk is not what a PC could boot, or its file systems not whole.
    :raises ImageDamaged: if what came back from the store is not what went in.
    """
    if store.has(version):
        raise published_before(version)
    layout, made = read_layout(disk), None
    if wim is not None:
        say("capturing the Windows as a WIM")
        layout, made = keep_as_wim(disk, layout, wim, work)
    used = _used(disk, layout, work)
    size = sum(end - first for _, extents in used for first, end in extents)
    size += made.path.stat().st_size if made else 0
    reading = _telling(say, "reading the disk", size)
    with disk.open("rb") as file, joined(file, made) as source:
        found = find_chunks(file, used, reading)
        found += find_wim_chunks(made, reading) if made else []
        before = _newest_first(store, version.name)
        wanted = sum({one.digest: one.length for one in found}.values())
        compressing = _telling(say, "compressing what is new", wanted)
        index, packs = pack_version(source, found, before, work, compressing)
    (work / "version").mkdir()
    manifest = _manifest(version, layout, index, seed)
    data = index.pack()
    text = strict.dumps(manifest)
    (work / "version" / INDEX).write_bytes(data)
    (work / "version" / MANIFEST).write_bytes(text)

    def find(digest: bytes) -> Path:
        new = work / pack_path(digest)
        return new if new.exists() else store.pack(digest)

    restored = work / "restored"
    elsewhere = {made.partition.number: made.position} if made else {}
    telling = _telling(say, "restoring it once", size)
    restore(manifest, index, find, restored, telling, elsewhere)
    compare(disk, restored, used, _telling(say, "comparing", size))
    say("checking the file systems")
    check_filesystems(restored, layout, work)
    if made is not None:
        check_wim(made, restored, work)
        made.path.unlink()
    restored.unlink()
    (work / "version" / SIGNATURE).write_text(sign(text, "ictops-image", signing.key))
    place_whole(work, store, version, packs)
    return Published(
        version.name,
        version.version,
        digest_of(text).hex(),
        used=manifest.used,
        stored=manifest.stored,
        added=sum(one.size for one in index.packs if one.digest in packs),
        chunks=len(index.chunks),
    )


def _used(disk: Path, layout: Layout, work: Path) -> Used:
    used = []
    for partition in layout.partitions:
        if partition.content != "blocks":
            continue
        try:
            with alone(disk, layout, partition, work) as path:
                extents = image_extents(path, partition.filesystem, partition.size)
        except (ImageError, JobFailed) as error:
            where = f"{disk}, partition {partition.number}"
            raise ImageError(error.what, where=where, do=error.do) from error
        used.append((partition, extents))
    return tuple(used)


def _newest_first(store: Store, name: str) -> Iterable[ImageIndex]:
    """Give the indexes that may have its chunks: those of its own name first."""
    versions = list(reversed(store.versions()))
    return (store.index(one) for one in sorted(versions, key=lambda one: one.name != name))


def _manifest(version: Version, layout: Layout, index: ImageIndex, seed: Seed | None) -> Manifest:
    data = index.pack()
    return Manifest(
        ictops_image=1,
        name=version.name,
        version=version.version,
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        system="windows" if layout.windows else "linux",
        firmware=layout.firmware,
        disk_guid=layout.disk_guid,
        smallest_disk=layout.smallest_disk,
        partitions=layout.partitions,
        boot_entry=layout.boot_entry,
        boot_code=layout.boot_code.hex(),
        index=Index(digest_of(data).hex(), len(data)),
        used=sum(index.chunks[one.chunk].length for one in index.places),
        stored=stored_bytes(index.pieces),
        seed=seed or ("unattend" if layout.windows else "files"),
    )


def _telling(say: Say, what: str, total: int) -> Tell:
    """Give what tells how far a step is, when another hundredth of it is done."""
    done, said = 0, -1

    def tell(size: int) -> None:
        nonlocal done, said
        done += size
        percent = 100 * done // total if total else 100
        if percent > said:
            said = percent
            say(f"{what}: {percent} %")

    return tell
