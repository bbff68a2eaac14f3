"""A PC takes part in its room: packs by multicast, and what does not come that way by itself.

What is missing of a pack is asked for again: it comes with others that miss it, or by unicast. The
PC is ready for the next pack only when its spool has room for it. So a slow disk never stops a
stream: its PC is late, and the others go on.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass

from ictops.imaging.agent.ear import Ear
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.fetch import Deliver
from ictops.imaging.agent.link import Link
from ictops.imaging.agent.receive import StreamLost, receive
from ictops.imaging.agent.spool import Spool, spooling
from ictops.imaging.wire.index import ImageIndex
from ictops.imaging.wire.said import MOST_PACKS, Ready, Session

FAILURES = 3
"""Sessions that may come to nothing before a PC fetches by itself."""
SPOOL_BYTES = 192 * 2**20
"""Of pieces that are checked and not yet written; some packs."""

Say = Callable[[Ready], Session]
"""Asks the boot server; may take some seconds.

:raises JobFailed: if it does not answer.
"""
Fetch = Callable[[Sequence[int]], None]
"""Fetches pieces by unicast, by their numbers, and gives them to the same writer."""


class _ServerSilent(Exception):
    """Nothing can be asked of the boot server; its files may still be there."""


def take_part(
    group: str,
    link: Link,
    index: ImageIndex,
    wanted: Iterable[int],
    *,
    say: Say,
    give: Deliver,
    fetch: Fetch,
    note: Callable[[str], None],
    spool_bytes: int = SPOOL_BYTES,
) -> None:
    """Get all of the wanted pieces, by multicast as far as that goes.

    :param group: the job's.
    :param note: is told in words when the PC does not get a pack with its room.
    """
    missing: dict[int, list[int]] = {}
    for number in wanted:
        missing.setdefault(index.pieces[number].pack, []).append(number)
    for numbers in missing.values():
        numbers.sort(key=lambda one: index.pieces[one].offset)
    part = _Part(group, link, index, missing, say, note, Ear(link))
    with closing(part.ear), spooling(give, spool_bytes) as spool:
        try:
            why = part.receive(spool, fetch)
        except _ServerSilent as silent:
            why = f"the boot server does not answer: {silent}"
        if missing:
            note(f"this PC fetches by itself: {why}")
            fetch([one for pack in sorted(missing) for one in missing[pack]])


@dataclass(eq=False, slots=True)
class _Part:
    """A PC's part in its room."""

    group: str
    link: Link
    index: ImageIndex
    missing: dict[int, list[int]]
    """Numbers of pieces by their pack's, in order of their places in it."""
    say: Say
    note: Callable[[str], None]
    ear: Ear

    def receive(self, spool: Spool, fetch: Fetch) -> str:
        """Take packs until none is missing, or give why the rest must be fetched."""
        failures = 0
        while self.missing:
            spool.wait_for(max(self.index.packs[one].size for one in self.missing))
            asked_at = time.monotonic()
            session = self._ask(self._ready())
            if session.note:
                self.note(session.note)
            if session.unicast and not session.pack:
                return session.unicast
            if session.listen:
                fault = self.ear.hear(session, self.group)
                if fault:
                    self._leave()
                    return fault
            elif session.pack:
                try:
                    self._get(session, spool, fetch)
                except StreamLost as lost:
                    self.note(f"pack {session.pack[:12]} did not come by multicast: {lost}")
                    failures += 1
                    self.ear.close()  # it hears first, before it costs the others anything again
                    if failures == FAILURES:
                        self._leave()
                        return f"{failures} packs did not come by multicast"
            elif time.monotonic() - asked_at < 1:
                time.sleep(1)  # the boot server has nothing yet, and did not wait with its answer
        self._leave()
        return ""

    def _ready(self) -> Ready:
        packs = tuple(map(self._digest, self.missing))
        return Ready(packs[:MOST_PACKS], self.link.address, self.ear.hears)

    def _ask(self, ready: Ready) -> Session:
        try:
            return self.say(ready)
        except JobFailed as error:
            raise _ServerSilent(str(error)) from error

    def _leave(self) -> None:
        """Say that nobody need wait for this PC."""
        self._ask(Ready(()))

    def _get(self, session: Session, spool: Spool, fetch: Fetch) -> None:
        """Get the session's pack, alone or with others; what of it came is missing no more."""
        digest = session.pack
        number = next((n for n in self.missing if self._digest(n) == digest), None)
        if number is None:
            raise StreamLost("the boot server sends what this PC did not ask for")
        wanted = self.missing[number]
        if session.unicast:
            fetch(wanted)
            del self.missing[number]
            return
        pieces = [(one, self.index.pieces[one]) for one in wanted]
        taken: set[int] = set()

        def take(piece: int, data: bytearray) -> None:
            spool.put(piece, data)
            taken.add(piece)

        try:
            receive(self.link, session, self.index.packs[number], pieces, take)
        finally:
            left = [one for one in wanted if one not in taken]
            if left:
                self.missing[number] = left
            else:
                del self.missing[number]

    def _digest(self, pack: int) -> str:
        return self.index.packs[pack].digest.hex()
