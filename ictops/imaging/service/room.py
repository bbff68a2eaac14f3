"""A room that gets an image at once: which pack is sent next, to whom, and who is waited for.

Each PC says which packs it still wants, and the one that most of those who are ready want is sent:
a PC that comes late, restarts or falls out takes part again at the next pack, and what it missed
comes later, with others that miss it or alone. All that is waited for is counted: each PC has
:data:`PATIENCE` seconds for the whole job, after which the room begins without it. Only the moment
that every PC needs between two packs is free, :data:`MOMENT`. One that spoils a session is waited
for no more; if it spoils one after that, it fetches by itself to the end.

Times are seconds of one clock that never goes back. Nothing here waits or locks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ictops.imaging.wire.said import Session

PATIENCE = 10.0
"""Seconds that others may wait for a PC in all."""
AGAIN = 1.0
"""Seconds in which a PC that had no answer asks again."""
MOMENT = 0.2
"""Seconds that a PC may take between two packs, as long as it takes part in each."""
SLOWEST = 2_000_000.0
"""Bytes a second of the slowest network that multicast is worth trying on."""
STALL = 8.0
"""Seconds that a session may take longer than twice what it should."""


@dataclass(eq=False, slots=True)
class Asked:
    """A PC's question, until it is answered."""

    packs: tuple[str, ...]
    since: float
    told: Session | None = None
    left_at: float | None = None
    """When it had had no answer for too long; it stands until it is asked again, for a while."""

    def stands(self, now: float) -> bool:
        return self.left_at is None or now - self.left_at < AGAIN


@dataclass(eq=False, slots=True)
class Member:
    """A PC of the room."""

    address: str = ""
    patience: float = PATIENCE
    took_part: bool = False
    """Whether it received the last pack, so that it is here in a moment."""
    alone: str = ""
    """Why it fetches by itself to the end."""
    note: str = ""
    """What it is told with its next answer."""
    asked: Asked | None = None
    wants: frozenset[str] = frozenset()
    """As it said last, without what it was told since."""

    unheard: Asked | None = None
    """A question that was answered when nobody listened any more."""

    @property
    def longest(self) -> float:
        """Seconds that are waited for it at most."""
        return max(self.patience, MOMENT if self.took_part else 0.0)

    def charge(self, waited: float) -> None:
        """Count what others waited for it."""
        self.patience -= max(0.0, waited - (MOMENT if self.took_part else 0.0))


@dataclass(frozen=True, slots=True)
class Sending:
    """A session: one pack for some PCs."""

    pack: str
    members: tuple[Member, ...]


@dataclass(eq=False, slots=True)
class Room:
    """The PCs of a group, by their jobs."""

    expected: int
    members: dict[str, Member] = field(default_factory=dict)
    left: set[str] = field(default_factory=set)
    sending: Sending | None = None
    absent: float = PATIENCE
    """Patience with those that have never asked."""
    quiet_since: float = 0.0
    """When the last session ended."""
    rate: float = SLOWEST
    """Bytes a second of the best session."""

    def ask(self, name: str, packs: tuple[str, ...], address: str, now: float) -> Asked:
        """Take it down that a PC is ready for any of these packs."""
        new = name not in self.members
        member = self.members.setdefault(name, Member(patience=self.absent))
        if new and self.absent <= 0:
            member.note = f"the room began without this PC: others had waited {PATIENCE:.0f} s"
        before, member.unheard = member.unheard, None
        if before is not None and before.stands(now):
            return before
        began = self._began(now)
        if began is not None and (new or member in self._late(now)):
            member.charge(now - began)
        member.address, member.wants = address, frozenset(packs)
        again = member.asked is not None and member.asked.stands(now)
        since = member.asked.since if again and member.asked else now
        member.asked = Asked(packs, since)
        return member.asked

    def leave(self, name: str) -> None:
        """Wait no more for a PC."""
        self.left.add(name)
        gone = self.members.pop(name, None)
        if gone is not None and gone.asked is not None:
            gone.asked.told = Session(unicast="this PC takes no part in multicast any more")

    @property
    def empty(self) -> bool:
        """Whether nobody is in it; some may be still to come."""
        return not self.members and self.sending is None

    @property
    def over(self) -> bool:
        """Whether everybody has left."""
        return self.empty and len(self.left) >= self.expected

    def due(self, now: float) -> float | None:
        """Give the seconds until the next pack can be sent; None if that is not known yet."""
        began = self._began(now)
        if began is None:
            return None
        late = [one.longest for one in self._late(now)]
        if self._some_absent():
            late.append(self.absent)
        return max(0.0, began + max(late, default=0.0) - now)

    def begin(self, now: float) -> Sending | None:
        """Choose what is sent to whom, or tell all who ask that they fetch by themselves.

        Call it when it is :meth:`due`.
        """
        began = self._began(now)
        waited = 0.0 if began is None else max(0.0, now - began)
        for late in self._late(now):
            had = late.patience
            late.charge(waited)
            late.took_part = False
            if late.patience <= 0 < had:
                late.note = f"the room went on without this PC: others had waited {PATIENCE:.0f} s"
        if self._some_absent():
            self.absent -= waited
        waiting = self._waiting(now)
        wanted = Counter(pack for _, asked in waiting for pack in asked.packs)
        pack, count = wanted.most_common(1)[0]  # of equals the first that was asked for
        if count == 1:
            for member, asked in waiting:
                self._tell(member, unicast="no other PC wants this pack now", pack=asked.packs[0])
            return None
        members = tuple(one for one, asked in waiting if pack in asked.packs)
        self.sending = Sending(pack, members)
        return self.sending

    def tell(self, portbase: int, group: str) -> None:
        """Tell those for whom a pack is sent where."""
        if self.sending is not None:
            for member in self.sending.members:
                self._tell(member, portbase=portbase, group=group, pack=self.sending.pack)

    def tell_alone(self, why: str) -> None:
        """Tell those for whom a pack was to be sent that it cannot be."""
        if self.sending is not None:
            for member in self.sending.members:
                self._tell(member, unicast=why, pack=self.sending.pack)

    def all_have_it(self) -> bool:
        """Whether nobody waits for what is being sent any more: they ask for other packs."""
        return self.sending is not None and not any(map(self._is_receiving, self._receivers()))

    def ended(self, now: float, spoiled: Mapping[str, str], rate: float) -> None:
        """Take it down that a session is over.

        :param spoiled: how, by the addresses of those that the others had to wait for.
        :param rate: bytes a second; 0 if it did not come to its end.
        """
        for member in self._receivers():
            member.took_part = member.address not in spoiled or not self._is_receiving(member)
            if not member.took_part:
                if member.patience <= 0:
                    member.alone = f"multicast does not work for this PC: {spoiled[member.address]}"
                member.patience = 0.0
        self.rate = max(self.rate, rate)
        self.sending, self.quiet_since = None, now

    def _tell(self, member: Member, **what: str | int) -> None:
        if member.asked is not None:
            member.asked.told = Session(note=member.note, **what)  # type: ignore[arg-type]
            member.wants -= {member.asked.told.pack}
            if member.asked.left_at is not None:
                member.unheard = member.asked
            member.asked, member.note = None, ""

    def _receivers(self) -> list[Member]:
        return [] if self.sending is None else list(self.sending.members)

    def _is_receiving(self, member: Member) -> bool:
        there = any(member is one for one in self.members.values())
        return there and (member.asked is None or self._sent_pack() in member.asked.packs)

    def _sent_pack(self) -> str:
        return "" if self.sending is None else self.sending.pack

    def _waiting(self, now: float) -> list[tuple[Member, Asked]]:
        asked = [(one, one.asked) for one in self.members.values() if one.asked is not None]
        return [(one, question) for one, question in asked if question.stands(now)]

    def _began(self, now: float) -> float | None:
        """Since when somebody has been waiting for others; None if nobody is."""
        waiting = self._waiting(now)
        if not waiting or self.sending is not None:
            return None
        return max(self.quiet_since, min(asked.since for _, asked in waiting))

    def _late(self, now: float) -> list[Member]:
        """Those that are waited for: they want what others are ready for."""
        waiting = self._waiting(now)
        ready = {id(one) for one, _ in waiting}
        wanted = {pack for _, asked in waiting for pack in asked.packs}
        return [
            one
            for one in self.members.values()
            if id(one) not in ready and not one.alone and one.longest > 0 and one.wants & wanted
        ]

    def _some_absent(self) -> bool:
        return self.absent > 0 and len(self.members.keys() | self.left) < self.expected
