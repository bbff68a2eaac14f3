"""What is known of drift: the newest results of every kind of check, the same told once."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from ictops.operations.drift import Group, groups_of
from ictops.settings import Settings
from ictops.store.accepted import Accepted
from ictops.store.drift import Drifts
from ictops.store.journal import Journal
from ictops.store.records import AcceptedRecord, CheckRecord, DriftRecord

ACCEPTED = "accepted"
"""Counts a host of which all that drifts is let be."""

Key = tuple[str, str, str, str]
"""A difference: its kind, host, item and digest."""


@dataclass(frozen=True, slots=True)
class LetBe:
    """A difference that a person let be, on one host or many.

    :ivar until: the first of these times at which it counts as drift again.
    """

    group: Group
    until: datetime
    reason: str
    by: str


@dataclass(frozen=True, slots=True)
class Standing:
    """What the newest checks say.

    :ivar counts: by kind of check, how many hosts are what.
    :ivar groups: the differences that count, those of most hosts first.
    :ivar accepted: those that were let be.
    :ivar silent: hosts that could not be looked at, and why.
    """

    counts: dict[str, dict[str, int]]
    groups: list[Group]
    accepted: list[LetBe]
    silent: list[CheckRecord]

    @property
    def drifting(self) -> tuple[str, ...]:
        """The hosts that drift, but for those of which all is let be."""
        return tuple(sorted({host for group in self.groups for host in group.hosts}))


def standing(
    journal: Journal,
    settings: Settings,
    *,
    sites: Collection[str] = (),
    hosts: Collection[str] | None = None,
    kinds: Collection[str] = (),
    now: datetime | None = None,
) -> Standing:
    """Give what the newest checks say of a cluster's hosts.

    :param sites: codes; all if empty.
    :param hosts: names; all if None.
    :param kinds: of checks; all if empty.
    """
    drifts = Drifts(journal)
    checks = [
        one
        for one in drifts.newest(settings.cluster)
        if (not sites or one.site in sites)
        and (hosts is None or one.host in hosts)
        and (not kinds or one.kind in kinds)
    ]
    there = {(one.kind, one.host) for one in checks}
    found = [one for one in drifts.found(settings.cluster) if (one.kind, one.host) in there]
    let_be = _accepted(journal, settings.cluster, now or datetime.now(UTC))
    counted = [one for one in found if _key(one) not in let_be]
    drifting = {(one.kind, one.host) for one in counted}
    counts: dict[str, dict[str, int]] = {}
    for one in checks:
        of_kind = counts.setdefault(one.kind, {})
        quiet = one.state == "drift" and (one.kind, one.host) not in drifting
        state = ACCEPTED if quiet else one.state
        of_kind[state] = of_kind.get(state, 0) + 1
    return Standing(
        counts=counts,
        groups=groups_of(counted),
        accepted=_let_be((one, let_be[_key(one)]) for one in found if _key(one) in let_be),
        silent=[one for one in checks if one.state in {"unreachable", "error"}],
    )


def that_counts(journal: Journal, cluster: str, now: datetime) -> list[DriftRecord]:
    """Give the differences of a cluster's hosts that nobody let be."""
    found = Drifts(journal).found(cluster)
    let_be = _accepted(journal, cluster, now)
    return [one for one in found if _key(one) not in let_be]


def _accepted(journal: Journal, cluster: str, now: datetime) -> dict[Key, AcceptedRecord]:
    standing = Accepted(journal).standing(cluster, now)
    return {(one.kind, one.host, one.item, one.digest): one for one in standing}


def _key(one: DriftRecord) -> Key:
    return one.kind, one.host, one.item, one.digest


def _let_be(found: Iterable[tuple[DriftRecord, AcceptedRecord]]) -> list[LetBe]:
    by_word: dict[tuple[str, str], list[tuple[DriftRecord, AcceptedRecord]]] = {}
    for drift, word in found:
        by_word.setdefault((word.reason, word.by), []).append((drift, word))
    return [
        LetBe(group, min(word.until for _, word in same), reason, by)
        for (reason, by), same in by_word.items()
        for group in groups_of(drift for drift, _ in same)
    ]
