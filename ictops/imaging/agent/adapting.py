"""What comes between an image's blocks and a system that boots: WIMs, and making it this host."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from ictops.imaging.agent import linux, ntfs, table, wim, windows
from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.heal import Memory
from ictops.imaging.agent.keeping import Keeping
from ictops.imaging.agent.mount import CAN_MOUNT, attached, mounted
from ictops.imaging.agent.stream import stream
from ictops.imaging.agent.work import Work
from ictops.imaging.wire import said
from ictops.imaging.wire.index import ImageIndex
from ictops.imaging.wire.manifest import Manifest, Partition

_PATIENCE = 300.0
"""Seconds that a boot server is waited for when something must be said to it."""


def apply_wims(
    work: Work,
    disk: Disk,
    manifest: Manifest,
    index: ImageIndex,
    wanted: table.Table,
    keeping: Keeping,
) -> None:
    """Fill the partitions whose content is a WIM, and read them back file by file."""
    entries = {one.number: one for one in wanted.entries}
    for one in manifest.partitions:
        if one.content != "wim":
            continue
        entry = entries[one.number]
        lengths = (index.chunks[p.chunk].length for p in index.places if p.partition == one.number)
        work.tally.begin("fetching", sum(lengths), "WIM")
        chunks = stream(keeping.keeps(work.source), index, one.number, work.tally, keeping.piece)
        with attached(disk, entry) as device:
            applied = wim.apply(chunks, device, start=entry.start, label=one.name)
        disk.forget()
        work.tally.begin("verifying", note="WIM")
        with attached(disk, entry) as device:
            wim.verify(device, applied)


def adapt(
    work: Work, disk: Disk, manifest: Manifest, wanted: table.Table, keeping: Keeping
) -> tuple[str, ...]:
    """Let the file system fill its partition, and make the system this host."""
    entries = {one.number: one for one in wanted.entries}
    # Largest first: a system is not in its /boot.
    parts = sorted(manifest.partitions, key=lambda one: -one.size)
    if manifest.system == "windows":
        return _adapt_windows(work, disk, manifest, [(one, entries[one.number]) for one in parts])
    _adapt_linux(work, disk, [(one, entries[one.number]) for one in parts], keeping)
    return ()


def _secret(work: Work) -> str:
    return work.session.ask("secret", said.Answer(), said.Secret, _PATIENCE).secret


def _adapt_linux(
    work: Work, disk: Disk, parts: Sequence[tuple[Partition, table.Entry]], keeping: Keeping
) -> None:
    wanted = work.job.adapt
    adapted = wanted is None
    for one, entry in parts:
        if one.filesystem not in CAN_MOUNT or (adapted and not one.grow):
            continue
        with mounted(disk, entry, one.filesystem, grow=one.grow) as folder:
            root = linux.root_of(folder)
            if wanted is not None and not adapted and root is not None:
                keys = linux.adapt(root, wanted, _secret(work) if wanted.secret else "")
                keys = _same_identity(work, keeping, root, wanted.host_name) or keys
                work.session.tell("host-keys", said.HostKeys(keys), _PATIENCE)
                adapted = True
    if not adapted:
        raise JobFailed("image-damaged", "no partition of the image has a Linux system")


def _same_identity(work: Work, keeping: Keeping, root: Path, host: str) -> tuple[str, ...]:
    """Let a healed PC be known by the keys that it had; keep those of one that is new."""
    if keeping.cache is None:
        return ()
    memory = Memory(keeping.cache.folder)
    if work.job.kind == "heal" and (keys := memory.give_identity(root, host)):
        return keys
    try:
        memory.keep_identity(root, host)
    except OSError as error:
        keeping.say(f"a healed PC will have other host keys: {error.strerror}")
    return ()


def _adapt_windows(
    work: Work,
    disk: Disk,
    manifest: Manifest,
    parts: Sequence[tuple[Partition, table.Entry]],
) -> tuple[str, ...]:
    def get(path: str, most: int) -> bytes:
        return work.source.small(f"/{quote(path)}", most)

    wanted, notes = work.job.adapt, tuple[str, ...]()
    adapted = wanted is None
    for one, entry in parts:
        if one.filesystem != "ntfs" or (adapted and not one.grow):
            continue
        with attached(disk, entry) as device:
            if one.grow and one.content == "blocks":
                ntfs.grow(device)
            if wanted is None or adapted or not windows.is_on(device):
                continue
            written = windows.adapt(
                device,
                wanted,
                image=manifest.folder,
                model=work.machine.hardware.model,
                secret=lambda: _secret(work),
                get=get,
            )
            notes, adapted = written.notes, True
            if written.host_keys:
                work.session.tell("host-keys", said.HostKeys(written.host_keys), _PATIENCE)
    if not adapted:
        raise JobFailed("image-damaged", "no partition of the image has a Windows")
    return notes
