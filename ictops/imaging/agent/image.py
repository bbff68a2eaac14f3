"""The job that writes an image: the order of its steps is what makes it safe.

Whatever can be known before the first write is refused before it. Then the disk is made unable to
boot, and can boot again only when all else is written, read back and right. So a power cut at any
point leaves a PC that asks its boot server again; it then fetches only what is missing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ictops.imaging.agent import linux, table
from ictops.imaging.agent.bring import bring
from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.disks import choose
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.fetch import Source
from ictops.imaging.agent.layout import Held, Spot, first_blocks, lying, overlap, spots_of, unboot
from ictops.imaging.agent.machine import Machine
from ictops.imaging.agent.mount import CAN_MOUNT, mounted
from ictops.imaging.agent.place import Move
from ictops.imaging.agent.progress import Tally
from ictops.imaging.agent.scan import Scan, scan, scan_seed
from ictops.imaging.agent.session import Session
from ictops.imaging.agent.verify import differing
from ictops.imaging.agent.write import Writer
from ictops.imaging.wire import said
from ictops.imaging.wire.index import ImageIndex
from ictops.imaging.wire.job import Job
from ictops.imaging.wire.manifest import Manifest

_ROUNDS = 3
"""How often what reads back wrong is written, before the disk is called failing."""
_SHARE = 8
"""One part of so many of the free memory is for chunks that change places."""
_PATIENCE = 300.0
"""Seconds that a boot server is waited for when something must be said to it."""


@dataclass(frozen=True)
class Work:
    """What a job is done with."""

    job: Job
    machine: Machine
    session: Session
    source: Source
    allowed: Path
    """The file of allowed signers."""
    tally: Tally


@dataclass(frozen=True)
class _Target:
    """What is to be on which disk."""

    disk: Disk
    manifest: Manifest
    index: ImageIndex
    spots: list[Spot]
    table: table.Table
    held: Held


def write_image(work: Work) -> tuple[str, ...]:
    """Write the job's image to the disk that it names.

    :returns: notes for a person.
    :raises JobFailed: if the disk does not hold all of it; the PC then does not boot from it.
    """
    job, machine = work.job, work.machine
    if job.image is None:
        raise JobFailed("job-refused", "the job names no image")
    work.tally.begin("looking")
    manifest, index = bring(work.source, job.image, work.allowed)
    _refuse(manifest, machine)
    spots = spots_of(manifest, index)
    disk = machine.open_disk(Path(choose(machine.hardware.disks, job.disk).path))
    try:
        wanted = table.wanted(manifest, disk.size, job.cache)
        target = _Target(disk, manifest, index, spots, wanted, Held(manifest))
        seen = _look(work, target)
        _unboot(work, target, seen)
        _fill(work, target, seen)
        target.held.write_file_systems(disk)
        work.tally.begin("adapting")
        _adapt(work, target)
        work.tally.begin("finishing")
        target.held.write_boot(disk)
        if manifest.boot_entry is not None:
            machine.entries.add(manifest.boot_entry, disk.path)
    finally:
        disk.close()
    bad = f"{seen.unreadable} places could not be read before they were written"
    return (bad,) if seen.unreadable else ()


def _refuse(manifest: Manifest, machine: Machine) -> None:
    firmware = machine.hardware.firmware
    if firmware not in manifest.firmware:
        raise JobFailed(
            "job-refused",
            f"this PC has started by {firmware.upper()}, and the image boots by"
            f" {' or '.join(manifest.firmware).upper() or 'nothing'}",
            do="Change the PC's firmware settings, or choose another image",
        )
    if any(one.content == "wim" for one in manifest.partitions):
        raise JobFailed("job-refused", "this agent does not apply WIM files")


def _look(work: Work, target: _Target) -> Scan:
    """Find out what the disk has, of this image and of those that it may have had."""
    tally, chunks = work.tally, target.index.chunks
    tally.begin("looking", sum(one.length for one in target.spots))
    seen = scan(
        target.disk,
        target.index,
        target.spots,
        target.held,
        lambda count: tally.add(done=count),
    )
    absent = [one for number, one in enumerate(target.spots) if number not in seen.there]
    missing = {chunks[one.chunk].digest for one in absent} - set(seen.found)
    for ref in work.job.seeds:
        if not missing or ref == work.job.image:
            continue
        try:
            manifest, other = bring(work.source, ref, work.allowed)
            scan_seed(target.disk, other, spots_of(manifest, other), missing, seen.found)
        except JobFailed as error:
            # It only saves time; what it would have given is fetched.
            work.machine.show(f"{ref.name} {ref.version} is not used: {error}")
    return seen


def _unboot(work: Work, target: _Target, seen: Scan) -> None:
    """Make the disk unable to boot, and give it its table; forget what that writes over."""
    work.tally.begin("partitioning")
    disk, wanted, spots = target.disk, target.table, target.spots
    there = table.found(disk.path)
    entries = (*there.entries, *wanted.entries)
    if target.manifest.boot_entry is not None:
        guids = {one.guid for one in entries}
        work.machine.entries.remove(target.manifest.boot_entry.label, guids)
    gone = unboot(disk, [(one.start, one.size) for one in entries if 0 < one.start < disk.size])
    if there != wanted:
        table.write(disk, wanted)
        gone = [(0, table.TABLE), *(one for one in gone if one[0] >= table.TABLE)]
        gone.append((disk.size - table.TABLE, disk.size))
    # What is held back was taken into memory where the disk had it.
    blocks = {one for entry in wanted.entries for one in first_blocks(entry.start, entry.size)}
    lost = [one for one in gone if one not in blocks]
    seen.there -= {n for n in seen.there if overlap(lost, spots[n].offset, spots[n].end)}
    seen.found = {
        digest: (at, length)
        for digest, (at, length) in seen.found.items()
        if not overlap(gone, at, at + length)
    }


def _fill(work: Work, target: _Target, seen: Scan) -> None:
    """Write what is not there, and read it back until it is right."""
    tally, index, spots = work.tally, target.index, target.spots
    writer = Writer(target.disk, target.held, index, tally)
    absent = [spot for number, spot in enumerate(spots) if number not in seen.there]
    tally.add(reused=sum(spots[number].length for number in seen.there))
    tally.begin("fetching", sum(one.length for one in absent))
    moved, moves, fetched = [], [], []
    for spot in absent:
        source = seen.found.get(index.chunks[spot.chunk].digest)
        if source is None:
            fetched.append(spot)
        else:
            moved.append(spot)
            moves.append(Move(source[0], spot.offset, spot.length))
    room = work.machine.free_memory() // _SHARE
    fetched += [moved[number] for number in writer.move(moves, room)]
    for _ in range(_ROUNDS):
        writer.fetch(work.source, fetched)
        tally.begin("verifying", sum(one.length for one in absent))
        fetched = differing(
            target.disk, index, absent, target.held, lambda count: tally.add(done=count)
        )
        if not fetched:
            return
        absent = fetched
        tally.begin("fetching", sum(one.length for one in fetched), "again")
    raise lying(target.disk, fetched[0].offset)


def _adapt(work: Work, target: _Target) -> None:
    """Let the file system fill its partition, and make the system this host."""
    adapt, secret = work.job.adapt, ""
    if adapt is not None and adapt.secret is not None:
        secret = work.session.ask("secret", said.Answer(), said.Secret, _PATIENCE).secret
    entries = {one.number: one for one in target.table.entries}
    adapted = adapt is None
    # Largest first: a system is not in its /boot.
    for one in sorted(target.manifest.partitions, key=lambda one: -one.size):
        if one.filesystem not in CAN_MOUNT or (adapted and not one.grow):
            continue
        with mounted(target.disk, entries[one.number], one.filesystem, grow=one.grow) as folder:
            root = linux.root_of(folder)
            if adapt is not None and not adapted and root is not None:
                keys = linux.adapt(root, adapt, secret)
                work.session.tell("host-keys", said.HostKeys(keys), _PATIENCE)
                adapted = True
    if not adapted:
        raise JobFailed("image-damaged", "no partition of the image has a Linux system")
