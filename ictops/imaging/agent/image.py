"""The job that writes an image: the order of its steps is what makes it safe.

Whatever can be known before the first write is refused before it. Then the disk is made unable to
boot, and can boot again only when all else is written, read back and right. So a power cut at any
point leaves a PC that asks its boot server again; it then fetches only what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ictops.imaging.agent import table
from ictops.imaging.agent.adapting import adapt, apply_wims
from ictops.imaging.agent.bring import bring
from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.disks import choose
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.layout import Held, Spot, first_blocks, lying, overlap, spots_of, unboot
from ictops.imaging.agent.machine import Machine
from ictops.imaging.agent.place import Move
from ictops.imaging.agent.scan import Scan, scan, scan_seed
from ictops.imaging.agent.verify import differing
from ictops.imaging.agent.work import Work
from ictops.imaging.agent.write import Writer
from ictops.imaging.wire.index import ImageIndex
from ictops.imaging.wire.manifest import Manifest

_ROUNDS = 3
"""How often what reads back wrong is written, before the disk is called failing."""
_SHARE = 8
"""One part of so many of the free memory is for chunks that change places."""



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
    chosen = choose(machine.hardware.disks, job.disk)
    disk = machine.open_disk(Path(chosen.path))
    try:
        wanted = table.wanted(manifest, disk.size, job.cache)
        held = Held(manifest)
        seen = _look(work, disk, index, spots, held)
        _unboot(work, disk, manifest, wanted, spots, held, seen)
        _fill(work, disk, index, spots, held, seen)
        apply_wims(work, disk, manifest, index, wanted)
        held.write_file_systems(disk)
        work.tally.begin("adapting")
        notes = adapt(work, disk, manifest, wanted)
        work.tally.begin("finishing")
        held.write_boot(disk)
        if manifest.boot_entry is not None:
            machine.entries.add(manifest.boot_entry, disk.path)
    finally:
        disk.close()
    bad = f"{seen.unreadable} places could not be read before they were written"
    return (*notes, bad) if seen.unreadable else notes


def _refuse(manifest: Manifest, machine: Machine) -> None:
    firmware = machine.hardware.firmware
    if firmware not in manifest.firmware:
        raise JobFailed(
            "job-refused",
            f"this PC has started by {firmware.upper()}, and the image boots by"
            f" {' or '.join(manifest.firmware).upper() or 'nothing'}",
            do="Change the PC's firmware settings, or choose another image",
        )
    for one in manifest.partitions:
        if one.content == "wim" and one.filesystem != "ntfs":
            raise JobFailed("image-damaged", "a WIM can be applied to NTFS alone")


def _look(work: Work, disk: Disk, index: ImageIndex, spots: Sequence[Spot], held: Held) -> Scan:
    """Find out what the disk has, of this image and of those that it may have had."""
    work.tally.begin("looking", sum(one.length for one in spots))
    seen = scan(disk, index, spots, held, lambda count: work.tally.add(done=count))
    missing = {
        index.chunks[spot.chunk].digest
        for number, spot in enumerate(spots)
        if number not in seen.there
    } - set(seen.found)
    for ref in work.job.seeds:
        if missing and ref != work.job.image:
            try:
                manifest, other = bring(work.source, ref, work.allowed)
                scan_seed(disk, other, spots_of(manifest, other), missing, seen.found)
            except JobFailed as error:
                # It only saves time; what it would have given is fetched.
                work.machine.show(f"{ref.name} {ref.version} is not used: {error}")
    return seen


def _unboot(
    work: Work,
    disk: Disk,
    manifest: Manifest,
    wanted: table.Table,
    spots: Sequence[Spot],
    held: Held,
    seen: Scan,
) -> None:
    """Make the disk unable to boot, and give it its table; forget what that writes over."""
    work.tally.begin("partitioning")
    there = table.found(disk.path)
    guids = {one.guid for one in (*there.entries, *wanted.entries)}
    if manifest.boot_entry is not None:
        work.machine.entries.remove(manifest.boot_entry.label, guids)
    areas = [(one.start, one.size) for one in (*there.entries, *wanted.entries)]
    gone = unboot(disk, [one for one in areas if 0 < one[0] < disk.size])
    if there != wanted:
        table.write(disk, wanted)
        gone = [(0, table.TABLE), *(one for one in gone if one[0] >= table.TABLE)]
        gone.append((disk.size - table.TABLE, disk.size))
    blocks = {one for entry in wanted.entries for one in first_blocks(entry.start, entry.size)}
    lost = [one for one in gone if one not in blocks]
    # What is held back was taken into memory where the disk had it.
    seen.there -= {n for n in seen.there if overlap(lost, spots[n].offset, spots[n].end)}
    seen.found = {
        digest: (at, length)
        for digest, (at, length) in seen.found.items()
        if not overlap(gone, at, at + length)
    }


def _fill(
    work: Work, disk: Disk, index: ImageIndex, spots: Sequence[Spot], held: Held, seen: Scan
) -> None:
    """Write what is not there, and read it back until it is right."""
    tally = work.tally
    writer = Writer(disk, held, index, tally)
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
        absent = fetched = differing(disk, index, absent, held, lambda count: tally.add(done=count))
        if not fetched:
            return
        tally.begin("fetching", sum(one.length for one in fetched), "again")
    raise lying(disk, fetched[0].offset)
