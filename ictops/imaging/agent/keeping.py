"""The cache of one job: found on the disk, or made, filled as pieces come, and read before them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

from ictops.imaging.agent import table
from ictops.imaging.agent.area import (
    Area,
    area_for,
    make_cache,
    make_file_systems,
    same_places,
    there_is,
)
from ictops.imaging.agent.bootpart import boot_code, missing_files, put_boot
from ictops.imaging.agent.bring import bring
from ictops.imaging.agent.cache import Cache, FromCache, IntoCache
from ictops.imaging.agent.disk import Disk
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.fetch import Pieces, Source
from ictops.imaging.agent.heal import Memory
from ictops.imaging.agent.layout import Spot
from ictops.imaging.agent.mount import open_folder
from ictops.imaging.agent.write import Writer
from ictops.imaging.wire.index import ImageIndex, stored_bytes
from ictops.imaging.wire.job import ImageRef, Job
from ictops.imaging.wire.manifest import Manifest


@dataclass
class Keeping:
    """A disk's cache while a job is done; without one, everything comes from the boot server."""

    disk: Disk
    job: Job
    source: Source
    allowed: Path
    """The file of allowed signers."""
    show: Callable[[str], None]
    notes: list[str] = field(default_factory=list)
    """What went wrong with it, for a person."""
    area: Area | None = None
    cache: Cache | None = None
    boot_code: bytes | None = None
    """What starts the agent from this disk on a BIOS PC; None if nothing does."""
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Keeping:
        """Find what an earlier job left, and that fits."""
        found = there_is(table.found(self.disk.path))
        if self.job.kind != "heal" and found is not None:
            wanted = area_for(self.disk.size, self.job.cache) if self.job.cache else None
            found = found if wanted is not None and same_places(found, wanted) else None
        if found is not None:
            self.area = found
            self.boot_code = boot_code(self.disk, found)
            self._open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.close()

    def say(self, note: str) -> None:
        """Tell a person at the PC, and at the end the one at the control box."""
        self.notes.append(note)
        self.show(note)

    def small(self, path: str, largest: int, digest: str = "") -> bytes:
        """Fetch a whole file, and keep it."""
        data = self.source.small(path, largest, digest)
        if self.cache is not None:
            self.cache.keep_small(path, data)
        return data

    def bring(self, ref: ImageRef, allowed: Path) -> tuple[Manifest, ImageIndex]:
        """Give what describes an image, from the cache if it is there.

        :raises JobFailed: ``image-damaged``; ``server-gone``.
        """
        if self.cache is not None:
            try:
                return bring(self.cache, ref, allowed)
            except JobFailed as error:
                self.show(str(error))  # the boot server has it
        return bring(self, ref, allowed)

    def reserve(self) -> Area | None:
        """Give where our partitions are, or will be; None if the job wants none.

        :raises JobFailed: ``disk-small``.
        """
        if self.area is None and self.job.cache:
            return area_for(self.disk.size, self.job.cache)
        return self.area

    def forget_orders(self) -> None:
        """Let nobody put the PC back to the image that it had before."""
        if self.cache is None or self.area is None or self.boot_code is None:
            return
        try:
            Memory(self.cache.folder).forget_all(self.disk, self.area)
        except OSError as error:
            self.say(f"the cache is damaged: {error.strerror}")

    def make(self, area: Area | None) -> None:
        """Make what is missing, once the disk's table names its place."""
        if area is not None and self.area is None:
            try:
                make_file_systems(self.disk, area)
                self.area = area
            except JobFailed as error:
                self.say(f"there is no cache: {error}")
        if self.area is not None and self.cache is None:
            try:
                make_cache(self.disk, self.area)
            except JobFailed as error:
                self.say(f"there is no cache: {error}")
            else:
                self._open()

    def describe(self, ref: ImageRef, index: ImageIndex) -> None:
        """Keep what describes the image that is written, and make room for its pieces."""
        if self.cache is None:
            return
        self.cache.make_room(index, [ref, *self.job.seeds])
        try:
            bring(self.cache, ref, self.allowed)
        except JobFailed:
            bring(self, ref, self.allowed)

    def keeps(self, network: Pieces) -> Pieces:
        """Give the same pieces, each of which is kept as it comes."""
        return network if self.cache is None else IntoCache(self.cache, network)

    def piece(self, index: ImageIndex, number: int) -> bytearray | None:
        """Give a piece; None if it is not kept, or damaged."""
        return None if self.cache is None else self.cache.piece(index, number)

    def lacks(self, index: ImageIndex, spots: Iterable[Spot]) -> bool:
        """Say whether something of these is not kept; what is damaged is not looked for."""
        cache = self.cache
        numbers = {index.chunks[one.chunk].piece for one in spots}
        return any(cache is None or not cache.has(index, one) for one in numbers)

    def fetch(
        self, writer: Writer, index: ImageIndex, spots: Sequence[Spot], network: Pieces
    ) -> None:
        """Write chunks: those that the cache has, then the others as the network brings them.

        :raises JobFailed: ``server-gone``, ``image-damaged`` or ``disk-failing``.
        """
        left = spots
        if self.cache is not None:
            chunks, cache = index.chunks, self.cache
            numbers = {chunks[one.chunk].piece for one in spots}
            kept = {number for number in numbers if cache.has(index, number)}
            local = FromCache(cache, self.source.stop)
            writer.fetch(
                local, [one for one in spots if chunks[one.chunk].piece in kept], kept=True
            )
            there = kept - local.missed
            left = [one for one in spots if chunks[one.chunk].piece not in there]
        writer.fetch(self.keeps(network), left)

    def absent(self, index: ImageIndex, pieces: Iterable[int]) -> list[int]:
        """Give which of these pieces the cache does not have, or only damaged; it reads all."""
        cache = self.cache
        if cache is None:
            return list(pieces)
        return [one for one in pieces if cache.piece(index, one) is None]

    def fill(self, index: ImageIndex) -> int:
        """Fetch what the cache does not have yet, and give the bytes; a fault is only a note."""
        cache = self.cache
        if cache is None:
            return 0
        missing = [one for one in range(len(index.pieces)) if not cache.has(index, one)]
        came: list[int] = []
        try:
            works = self.keeps(self.source).pieces(index, missing, lambda n, _: came.append(n))
            for work in works:
                work()
        except JobFailed as error:
            self.say(f"the cache is not whole: {error}")
        return stored_bytes(index.pieces[one] for one in came)

    def put_boot(self, manifest: Manifest, arguments: Sequence[str]) -> bool:
        """Let the PC start its agent from the disk; say whether it can."""
        if self.area is None or not self.job.boot:
            return self.boot_code is not None
        if missing := missing_files(self.job.boot):
            self.say(f"the job does not name {', '.join(missing)}")
            return self.boot_code is not None
        try:
            files = {
                one.name: self.source.small(f"/agent/{one.name}", one.size, one.digest)
                for one in self.job.boot
            }
            put_boot(self.disk, self.area, files, manifest, arguments)
        except (JobFailed, OSError) as error:
            self.say(f"the PC cannot be put back without its boot server: {error}")
        self.boot_code = boot_code(self.disk, self.area)
        return self.boot_code is not None

    def _open(self) -> None:
        if self.area is None:
            return
        try:
            folder = self._stack.enter_context(open_folder(self.disk, self.area.cache, "ext4"))
        except JobFailed as error:
            self.say(f"the cache is damaged: {error}")
        else:
            self.cache = Cache(folder, self.say)
