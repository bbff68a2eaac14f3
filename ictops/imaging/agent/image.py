"""The job that writes an image: the order of its steps is what makes it safe.

Whatever can be known before the first write is refused before it. Then the disk is made unable to
boot, and can boot again only when all else is written, read back and right. So a power cut at any
point leaves a PC that asks its boot server again; it then fetches only what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ictops.imaging.agent import table
from ictops.imaging.agent.adapting import adapt, apply_wims
from ictops.imaging.agent.area import Area
from ictops.imaging.agent.bootpart import LABEL, LOADER
from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.disks import choose
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.fetch import Pieces
from ictops.imaging.agent.heal import Memory
from ictops.imaging.agent.keeping import Keeping
from ictops.imaging.agent.layout import (
    BIOS_BOOT,
    EFI_SYSTEM,
    Held,
    Spot,
    first_blocks,
    lying,
    overlap,
    spots_of,
    unboot,
)
from ictops.imaging.agent.place import Move
from ictops.imaging.agent.room import RoomSource
from ictops.imaging.agent.scan import Scan, scan, scan_seed
from ictops.imaging.agent.verify import differing
from ictops.imaging.agent.work import Work
from ictops.imaging.agent.write import Writer
from ictops.imaging.wire import said
from ictops.imaging.wire.index import ImageIndex, stored_bytes
from ictops.imaging.wire.manifest import SECTOR, BootEntry, Manifest

_ROUNDS = 3
"""How often what reads back wrong is written, before the disk is called failing."""
_SHARE = 8
"""One part of so many of the free memory is for chunks that change places."""
_ROOM_SHARE = 4
"""One part of so many is for what a room receives faster than the disk writes."""
_ROOM_PATIENCE = 20.0
"""Seconds that a boot server is waited for before a PC leaves its room."""
_WORTH = 10
"""What is to be fetched is so many times another image's index, or that is not fetched for it."""
_LARGEST_MOVE = 4 * 2**20
"""Bytes."""


@dataclass(frozen=True)
class _Target:
    """What is to be on which disk."""

    disk: Disk
    manifest: Manifest
    index: ImageIndex
    spots: list[Spot]
    table: table.Table
    held: Held
    keeping: Keeping


def write_image(work: Work) -> tuple[str, ...]:
    """Write the job's image to the disk that it names.

    :returns: notes for a person.
    :raises JobFailed: if the disk does not hold all of it; the PC then does not boot from it.
    """
    job, machine = work.job, work.machine
    if job.image is None:
        raise JobFailed("job-refused", "the job names no image")
    work.tally.begin("looking")
    disk = machine.open_disk(Path(choose(machine.hardware.disks, job.disk).path))
    with closing(disk), Keeping(disk, job, work.source, work.allowed, machine.show) as keeping:
        if disk.sector != SECTOR:
            raise JobFailed(
                "job-refused",
                f"the disk has sectors of {disk.sector} bytes, and images are for {SECTOR}",
                where=str(disk.path),
                do="Some disks can be told to have smaller ones: see nvme-format(1)",
            )
        manifest, index = keeping.bring(job.image, work.allowed)
        _refuse(work, manifest)
        area = keeping.reserve()
        kept = (area.entries, area.start) if area is not None else ()
        wanted = table.wanted(manifest, disk.size, *kept)
        spots = spots_of(manifest, index)
        target = _Target(disk, manifest, index, spots, wanted, Held(manifest), keeping)
        seen = _look(work, target)
        if job.kind == "heal":
            _see_that_it_can_end(work, target, seen)
        _unboot(work, target, seen, area)
        keeping.make(area)
        keeping.describe(job.image, index)
        notes = _fill(work, target, seen)
        apply_wims(work, disk, manifest, index, wanted, keeping)
        target.held.write_file_systems(disk)
        work.tally.begin("adapting")
        notes = (*notes, *adapt(work, disk, manifest, wanted, keeping))
        work.tally.begin("finishing")
        _let_boot(work, target)
        if not work.local:
            work.tally.add(fetched=keeping.fill(index))
    notes = (*notes, *keeping.notes)
    bad = f"{seen.unreadable} places could not be read before they were written"
    return (*notes, bad) if seen.unreadable else notes


def _refuse(work: Work, manifest: Manifest) -> None:
    job, firmware = work.job, work.machine.hardware.firmware
    if firmware not in manifest.firmware:
        raise JobFailed(
            "job-refused",
            f"this PC has started by {firmware.upper()}, and the image boots by"
            f" {' or '.join(manifest.firmware).upper() or 'nothing'}",
            do="Change the PC's firmware settings, or choose another image",
        )
    if work.local and job.adapt is not None and job.adapt.secret is not None:
        raise JobFailed("job-refused", "the job has a one-time secret, and is for a boot server")
    if work.local and manifest.system != "linux":
        raise JobFailed("job-refused", f"{manifest.system} is put back by a boot server")
    for one in manifest.partitions:
        if one.content == "wim" and one.filesystem != "ntfs":
            raise JobFailed("image-damaged", "a WIM can be applied to NTFS alone")


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
    pieces = {one.piece for one in chunks if one.digest in missing}
    if (
        stored_bytes(target.index.pieces[one] for one in pieces)
        < _WORTH * target.manifest.index.size
    ):
        return seen
    for ref in work.job.seeds:
        if not missing or ref == work.job.image:
            continue
        try:
            manifest, other = target.keeping.bring(ref, work.allowed)
            scan_seed(target.disk, other, spots_of(manifest, other), missing, seen.found)
        except JobFailed as error:
            # It only saves time; what it would have given is fetched.
            work.machine.show(f"{ref.name} {ref.version} is not used: {error}")
    return seen


def _see_that_it_can_end(work: Work, target: _Target, seen: Scan) -> None:
    """See that all is at hand that the disk lacks, or may lack after a power cut.

    A PC that is healed was booting until now: it is left as it is rather than half written.

    :raises JobFailed: ``server-gone`` if the cache lacks something, and nobody else has it.
    """
    index = target.index
    pieces = {
        index.chunks[spot.chunk].piece
        for number, spot in enumerate(target.spots)
        if number not in seen.there or target.held.touches(spot.offset, spot.end)
    }
    # A WIM is applied anew each time.
    wims = {one.number for one in target.manifest.partitions if one.content == "wim"}
    pieces |= {index.chunks[one.chunk].piece for one in index.places if one.partition in wims}
    absent = target.keeping.absent(index, sorted(pieces))
    if absent:
        if target.keeping.cache is not None:
            target.keeping.say(f"the cache lacks {len(absent)} of {len(pieces)} pieces")
        for fetch in work.source.pieces(index, absent[:1], lambda _number, _data: None, 1):
            fetch()


def _let_boot(work: Work, target: _Target) -> None:
    """Make the disk bootable, now that all else is right."""
    keeping, entries, entry = target.keeping, work.machine.entries, target.manifest.boot_entry
    agent = keeping.put_boot(target.manifest, work.arguments) if not work.local else True
    if agent and work.machine.hardware.firmware == "bios" and keeping.boot_code is not None:
        target.held.boot_code = keeping.boot_code
    target.held.write_boot(target.disk)
    if keeping.area is not None and agent and not work.local:
        entries.keep(BootEntry(LABEL, keeping.area.boot.number, LOADER), target.disk.path)
    if entry is not None and (not work.local or not entries.has(entry.label)):
        entries.add(entry, target.disk.path)
    if work.local and keeping.cache is not None and keeping.area is not None:
        Memory(keeping.cache.folder).finish(target.disk, keeping.area)


def _unboot(work: Work, target: _Target, seen: Scan, area: Area | None) -> None:
    """Make the disk unable to boot, and give it its table; forget what that writes over."""
    work.tally.begin("partitioning")
    disk, wanted, spots = target.disk, target.table, target.spots
    keeping, there = target.keeping, table.found(disk.path)
    ours = {one.guid for one in keeping.area.entries} if keeping.area is not None else set()
    entries = [one for one in (*there.entries, *wanted.entries) if one.guid not in ours]
    code = keeping.boot_code if work.machine.hardware.firmware == "bios" else None
    if work.job.kind == "image":
        keeping.forget_orders()
    if work.local:
        _begin_alone(work, target)
    elif target.manifest.boot_entry is not None:
        guids = {one.guid for one in entries}
        work.machine.entries.remove(target.manifest.boot_entry.label, guids)
    able = [one for one in entries if 0 < one.start < disk.size]
    # What a firmware looks at first: no loader may find its system gone.
    first = [(one.start, one.size) for one in able if one.type in {EFI_SYSTEM, BIOS_BOOT}]
    unboot(disk, first, code or b"")
    gone = unboot(disk, [(one.start, one.size) for one in able], code or b"")
    if there != wanted:
        table.write(disk, wanted)
        gone = [(0, table.TABLE), *(one for one in gone if one[0] >= table.TABLE)]
        # What becomes ours is written over soon, too.
        behind = area.start if area is not None and keeping.area is None else disk.size
        end = min(behind, disk.size - table.TABLE)
        gone = [*(one for one in gone if one[0] < end), (end, disk.size)]
    # What is held back was taken into memory where the disk had it.
    blocks = {one for entry in wanted.entries for one in first_blocks(entry.start, entry.size)}
    lost = [one for one in gone if one not in blocks]
    seen.there -= {n for n in seen.there if overlap(lost, spots[n].offset, spots[n].end)}
    seen.found = {
        digest: (at, length)
        for digest, (at, length) in seen.found.items()
        if not overlap(gone, at, at + length)
    }


def _begin_alone(work: Work, target: _Target) -> None:
    """Let nothing but the agent boot, before the disk is half written.

    :raises JobFailed: ``job-refused`` if the PC could not go on by itself.
    """
    keeping = target.keeping
    if keeping.cache is None or keeping.area is None or keeping.boot_code is None:
        raise JobFailed("job-refused", "the PC cannot start its agent from its disk")
    Memory(keeping.cache.folder).begin(target.disk, keeping.area, work.job.id)


def _fill(work: Work, target: _Target, seen: Scan) -> tuple[str, ...]:
    """Write what is not there, and read it back until it is right; give notes for a person."""
    tally, index, spots = work.tally, target.index, target.spots
    writer = Writer(target.disk, target.held, index, tally)
    absent = [spot for number, spot in enumerate(spots) if number not in seen.there]
    tally.add(reused=sum(spots[number].length for number in seen.there))
    tally.begin("fetching", sum(one.length for one in absent))
    moved, moves, fetched = _moves(index, absent, seen)
    spare = work.machine.free_memory() // _SHARE
    for number in writer.move(moves, spare):
        fetched += moved[number]
    room = _room(work)
    pieces: Pieces = room or work.source
    if room and not target.keeping.lacks(index, fetched):
        room.leave()
        pieces = work.source
    for _ in range(_ROUNDS):
        target.keeping.fetch(writer, index, fetched, pieces)
        pieces = work.source
        target.disk.flush()  # what is written is on the disk before anyone says so
        tally.begin("verifying", sum(one.length for one in absent))
        fetched = differing(
            target.disk, index, absent, target.held, lambda count: tally.add(done=count)
        )
        if not fetched:
            return tuple(room.notes) if room else ()
        absent = fetched
        tally.begin("fetching", sum(one.length for one in fetched), "again")
    raise lying(target.disk, fetched[0].offset)


def _room(work: Work) -> RoomSource | None:
    if work.job.multicast is None:
        return None
    return RoomSource(
        work.job.multicast.group,
        work.source,
        lambda ready: work.session.ask("ready", ready, said.Session, _ROOM_PATIENCE),
        work.machine.show,
        work.machine.free_memory() // _ROOM_SHARE,
    )


def _moves(
    index: ImageIndex, absent: Sequence[Spot], seen: Scan
) -> tuple[list[list[Spot]], list[Move], list[Spot]]:
    """Give the spots that each move serves, the moves, and the spots that must be fetched.

    What moves together is one move: a disk that turns needs a turn for each.
    """
    moved: list[list[Spot]] = []
    moves: list[Move] = []
    fetched = []
    for spot in absent:
        source = seen.found.get(index.chunks[spot.chunk].digest)
        if source is None:
            fetched.append(spot)
            continue
        move = Move(source[0], spot.offset, spot.length)
        if moves and (joined := moves[-1].joined(move)) and joined.length <= _LARGEST_MOVE:
            moves[-1] = joined
            moved[-1].append(spot)
        else:
            moves.append(move)
            moved.append([spot])
    return moved, moves, fetched
