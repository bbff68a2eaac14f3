"""A partition's chunks in their order, as one stream: for content that is no list of places.

Pieces are fetched a batch ahead of the one that is taken, so that the network and what takes the
stream work at once, with little memory.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from ictops.imaging.agent.cutting import decompressed
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.fetch import Pieces
from ictops.imaging.agent.progress import Tally
from ictops.imaging.agent.together import run_together
from ictops.imaging.wire.index import ImageIndex, Place
from ictops.imaging.wire.strict import NotAsAgreed

_BATCH = 32 * 2**20
"""Bytes of pieces in plain; two batches are in memory at once."""
Kept = Callable[[ImageIndex, int], bytearray | None]
"""Gives a piece as stored, if the PC itself keeps it."""


def stream(
    source: Pieces, index: ImageIndex, partition: int, tally: Tally, kept: Kept
) -> Iterator[bytes]:
    """Give a partition's chunks in order.

    :param kept: what it gives is not fetched.
    :raises JobFailed: ``server-gone``; ``image-damaged``.
    """
    places = [one for one in index.places if one.partition == partition]
    at = 0
    for place in places:
        if place.offset != at:
            raise JobFailed("image-damaged", f"partition {partition} is not one stream")
        at += index.chunks[place.chunk].length
    batches = list(_batches(index, places))

    def fetch(batch: list[Place]) -> dict[int, bytes]:
        return _fetch(source, index, _of(index, batch), tally, kept)

    with ThreadPoolExecutor(1) as pool:
        coming: Future[dict[int, bytes]] | None = None
        try:
            for number, batch in enumerate(batches):
                got = coming.result() if coming else fetch(batch)
                if number + 1 < len(batches):
                    coming = pool.submit(fetch, batches[number + 1])
                for place in batch:
                    chunk = index.chunks[place.chunk]
                    data = got[chunk.piece][chunk.offset : chunk.offset + chunk.length]
                    tally.add(written=len(data))
                    yield data
        finally:
            # Whoever takes the stream may have failed: then nobody waits for the next batch.
            if coming is not None and not coming.done():
                source.stop.set()


def _batches(index: ImageIndex, places: list[Place]) -> Iterator[list[Place]]:
    batch: list[Place] = []
    pieces: set[int] = set()
    size = 0
    for place in places:
        piece = index.chunks[place.chunk].piece
        more = 0 if piece in pieces else index.pieces[piece].plain
        if batch and size + more > _BATCH:
            yield batch
            batch, pieces, size = [], set(), 0
            more = index.pieces[piece].plain
        batch.append(place)
        pieces.add(piece)
        size += more
    if batch:
        yield batch


def _of(index: ImageIndex, places: list[Place]) -> list[int]:
    return sorted({index.chunks[one.chunk].piece for one in places})


def _fetch(
    source: Pieces, index: ImageIndex, wanted: list[int], tally: Tally, kept: Kept
) -> dict[int, bytes]:
    there = {number: data for number in wanted if (data := kept(index, number)) is not None}
    got = {number: _plain(index, number, data) for number, data in there.items()}
    absent = [number for number in wanted if number not in got]
    lock = threading.Lock()

    def deliver(number: int, data: bytearray) -> None:
        tally.add(fetched=len(data))
        plain = _plain(index, number, data)
        with lock:
            got[number] = plain

    source.stop.clear()
    run_together(source.pieces(index, absent, deliver), source.stop.set)
    return got


def _plain(index: ImageIndex, number: int, data: bytearray) -> bytes:
    try:
        return decompressed(index.pieces[number], data)
    except NotAsAgreed as error:
        raise JobFailed("image-damaged", str(error)) from error
