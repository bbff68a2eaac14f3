"""The job that reads a reference PC's disk, and sends it to the boot server; it writes nothing.

Whatever can be refused is refused before anything is sent. The disk is read once: its table and
what is used of its partitions is cut into the same chunks as on the control box, and sent in
pieces, but for what images have that the job names. Pieces of the same chunks are the same bytes,
so a PC that has to begin anew, after a power cut or at all, sends only what is lacking.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from ictops.imaging.agent import table
from ictops.imaging.agent.area import there_is
from ictops.imaging.agent.bring import bring
from ictops.imaging.agent.chunking import Extent, chunks_of
from ictops.imaging.agent.cutting import PIECE, Found, Known, Tables, compressed, runs_of
from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.disks import choose
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.mount import attached
from ictops.imaging.agent.table import Entry, Table
from ictops.imaging.agent.tools import ToolFailed
from ictops.imaging.agent.used import EMPTY, filesystem_at, image_extents
from ictops.imaging.agent.work import Work
from ictops.imaging.wire import said
from ictops.imaging.wire.index import ImageIndex, Pack, Piece, Place
from ictops.imaging.wire.manifest import SECTOR
from ictops.imaging.wire.words import digest_of

_TABLE_COPY = 33 * SECTOR
"""Bytes at the disk's end (UEFI 2.10, 5.3)."""
_AT_ONCE = 64
"""Pieces that the boot server is asked for in one message: some 30 MB wait here."""
_LINES = 3
"""Pieces on their way at once."""


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of the disk, and what is used of it. Bytes."""

    start: int
    extents: tuple[Extent, ...]

    @property
    def used(self) -> int:
        return sum(end - first for first, end in self.extents)


def capture(work: Work) -> said.End:
    """Send what an image of the job's disk must have.

    :raises JobFailed: ``image-damaged`` if no image can be made of it; ``job-refused`` if the boot
        server takes no more; ``server-gone``.
    """
    work.tally.begin("looking")
    disk = Disk(Path(choose(work.machine.hardware.disks, work.job.disk).path), read_only=True)
    with closing(disk), closing(_Sender(work)) as sender:
        parts, known = _parts(work, disk), _known(work)
        work.tally.begin("capturing", sum(one.used for one in parts))
        index = _send(work, disk, parts, known, sender)
        listed = [sender.send(one).hex() for one in _cut_up(index.pack())]
        sender.end()
        captured = said.Captured(disk.size, tuple(listed))
        work.session.tell("captured", captured, work.source.patience.gone)
    return said.End("done")


def _parts(work: Work, disk: Disk) -> list[_Part]:
    """Find what is used of the disk, and see that it can become an image."""
    found = table.found(disk.path)
    _refuse(work, disk, found)
    ours = there_is(found)
    left = [one for one in found.entries if ours is None or one not in ours.entries]
    kept = sorted((one for one in left if one.type not in EMPTY), key=lambda one: one.start)
    return [
        _Part(0, ((0, table.TABLE),)),
        *(_Part(one.start, _extents(disk, one)) for one in kept),
        _Part(disk.size - _TABLE_COPY, ((0, _TABLE_COPY),)),
    ]


def _no_image(disk: Disk, what: str, do: str = "") -> JobFailed:
    return JobFailed("image-damaged", what, where=str(disk.path), do=do)


def _refuse(work: Work, disk: Disk, found: Table) -> None:
    if disk.sector != SECTOR:
        raise _no_image(disk, f"it has sectors of {disk.sector} bytes; images are for {SECTOR}")
    if found.label != "gpt":
        kind = f"is of kind {found.label}" if found.label else "cannot be read"
        do = "Convert it first (Windows: mbr2gpt; Linux: gdisk)"
        raise _no_image(disk, f"its partition table {kind}, and must be a GPT", do)
    if not found.entries:
        raise _no_image(disk, "it has no partition")
    if there_is(found) and work.machine.hardware.firmware == "bios":
        why = "its boot code starts ictops' agent, not its system: it is a BIOS PC with a cache"
        raise _no_image(disk, why, "Take a PC without a cache")


def _extents(disk: Disk, entry: Entry) -> tuple[Extent, ...]:
    where = f"{disk.path}, partition {entry.number}"
    try:
        filesystem = filesystem_at(disk.path, entry.start, entry.size)
        with attached(disk, entry) as device:
            return image_extents(device, filesystem, entry.size)
    except ToolFailed as error:
        raise JobFailed("agent", str(error), where=where) from error
    except JobFailed as error:
        raise JobFailed(error.kind, error.what, where=where, do=error.do) from error


def _known(work: Work) -> dict[bytes, tuple[ImageIndex, int]]:
    """Give where the chunks are of the images that the job names: nobody needs to be sent them."""
    known: dict[bytes, tuple[ImageIndex, int]] = {}
    for ref in work.job.seeds:
        try:
            _, index = bring(work.source, ref, work.allowed)
        except JobFailed as error:
            # It only saves time; what it would have given is sent.
            work.machine.show(f"{ref.name} {ref.version} is not used: {error}")
            continue
        for number, chunk in enumerate(index.chunks):
            known.setdefault(chunk.digest, (index, number))
    return known


def _send(
    work: Work,
    disk: Disk,
    parts: Sequence[_Part],
    known: Mapping[bytes, tuple[ImageIndex, int]],
    sender: _Sender,
) -> ImageIndex:
    """Send what nobody has yet, and give the index of the whole disk."""
    tables, found = Tables(), list[Found]()

    def new() -> Iterator[tuple[Found, bytes]]:
        seen = set[bytes]()
        for one, data in _chunks(disk, parts):
            found.append(one)
            work.tally.add(done=one.length)
            if one.digest in seen:
                continue
            seen.add(one.digest)
            if one.digest in known:
                index, number = known[one.digest]
                chunk = index.chunks[number]
                piece = index.pieces[chunk.piece]
                tables.add_known(Known(index.packs[piece.pack], piece, chunk))
                work.tally.add(reused=one.length)
            else:
                yield one, data

    plain_pieces = (
        ([one for one, _ in run], b"".join(data for _, data in run))
        for run in runs_of(new(), lambda one: one[0].length)
    )
    for run, stored in compressed(plain_pieces):
        digest = sender.send(stored)
        pack = tables.add_pack(Pack(digest, len(stored)))
        plain = sum(one.length for one in run)
        tables.add_piece(Piece(digest, pack, 0, len(stored), plain), run)
    return tables.index(
        Place(said.WHOLE_DISK, one.offset, tables.chunk_of[one.digest]) for one in found
    )


def _chunks(disk: Disk, parts: Sequence[_Part]) -> Iterator[tuple[Found, bytes]]:
    try:
        with disk.path.open("rb") as file:
            for part in parts:
                for offset, data in chunks_of(file, part.start, part.extents):
                    at = part.start + offset
                    yield Found(said.WHOLE_DISK, at, len(data), digest_of(data), at), data
    except (OSError, EOFError) as error:
        raise JobFailed(
            "disk-failing",
            f"it cannot be read: {error}",
            where=str(disk.path),
            do="Look at the disk's SMART values and its cable, and take another PC",
        ) from error


def _cut_up(data: bytes) -> Iterator[bytes]:
    for at in range(0, len(data), PIECE):
        yield data[at : at + PIECE]


class _Sender:
    """Sends pieces, a batch in the background while the next one is made."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._patience = work.source.patience.gone
        self._waiting: dict[str, bytes] = {}
        self._batches = ThreadPoolExecutor(1, "batch")
        self._batch: Future[None] | None = None
        self._lines = ThreadPoolExecutor(_LINES, "send")

    def send(self, stored: bytes) -> bytes:
        """Send a piece in its turn, and give its digest.

        :raises JobFailed: if one before it could not be sent.
        """
        digest = digest_of(stored)
        self._waiting[digest.hex()] = stored
        if len(self._waiting) >= _AT_ONCE:
            self._begin()
        return digest

    def end(self) -> None:
        """Wait until all is sent.

        :raises JobFailed: if it cannot be.
        """
        self._begin()
        if self._batch is not None:
            self._batch.result()

    def close(self) -> None:
        """Give up what is not sent yet."""
        for pool in (self._batches, self._lines):
            pool.shutdown(cancel_futures=True)

    def _begin(self) -> None:
        if self._batch is not None:
            self._batch.result()
        pieces, self._waiting = self._waiting, {}
        self._batch = self._batches.submit(self._send_batch, pieces)

    def _send_batch(self, pieces: dict[str, bytes]) -> None:
        have = said.Have(tuple(pieces))
        lacking = self._work.session.ask("have", have, said.Lacking, self._patience)
        for done in [self._lines.submit(self._send_one, n, pieces[n]) for n in lacking.pieces]:
            done.result()

    def _send_one(self, name: str, stored: bytes) -> None:
        self._work.session.tell(f"piece/{name}", stored, self._patience)
        self._work.tally.add(fetched=len(stored))
