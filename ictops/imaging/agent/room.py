"""Where a PC of a room gets its pieces: with the others as far as that goes, and else alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.fetch import Deliver, Source
from ictops.imaging.agent.link import link_to
from ictops.imaging.agent.partaking import SPOOL_BYTES, Say, take_part
from ictops.imaging.wire.index import ImageIndex
from ictops.imaging.wire.said import Ready


class RoomSource:
    """Gives pieces as :class:`Source` does.

    :param memory: bytes that may be used.
    """

    def __init__(
        self, group: str, alone: Source, say: Say, show: Callable[[str], None], memory: int
    ) -> None:
        self._group, self._alone, self._say, self._show = group, alone, say, show
        self._memory = min(memory, SPOOL_BYTES)
        self.stop = alone.stop
        self.notes: list[str] = []
        """When and why this PC did not go with its room, for a person."""

    def pieces(
        self, index: ImageIndex, wanted: Sequence[int], deliver: Deliver
    ) -> list[Callable[[], None]]:
        """Give the work that brings these pieces."""

        def fetch(numbers: Sequence[int]) -> None:
            for work in self._alone.pieces(index, numbers, deliver, connections=1):
                work()

        def work() -> None:
            try:
                link = link_to(self._alone.host)
            except OSError as error:
                self._note(f"this PC fetches by itself: it has no IPv4 address ({error})")
                fetch(wanted)
                return
            take_part(
                self._group,
                link,
                index,
                wanted,
                say=self._say,
                give=deliver,
                fetch=fetch,
                note=self._note,
                spool_bytes=self._memory,
            )

        return [work]

    def leave(self) -> None:
        """Say that nobody need wait for this PC: it wants nothing."""
        try:
            self._say(Ready(()))
        except JobFailed as error:
            self._show(str(error))  # then the others wait for it, once

    def _note(self, text: str) -> None:
        self._show(text)
        if text not in self.notes:
            self.notes.append(text)
