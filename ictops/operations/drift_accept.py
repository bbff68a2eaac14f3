"""Drift that a person lets be for a time; afterwards, or once it is another, it counts again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from ictops.calendars.localtime import utc
from ictops.errors import PlanError
from ictops.estate.select import select
from ictops.operations.planning import open_cluster, person
from ictops.settings import Settings
from ictops.store.accepted import Accepted
from ictops.store.drift import Drifts
from ictops.store.journal import Journal
from ictops.store.records import AcceptedRecord, DriftRecord

LONGEST = timedelta(days=366)
"""What is to stay for longer belongs in the inventory."""
MOST_NAMED = 8


@dataclass(frozen=True, slots=True)
class NowAccepted:
    """What was let be, and on which hosts."""

    item: str
    hosts: tuple[str, ...]


def accept_drift(
    journal: Journal, settings: Settings, pattern: str, item: str, *, until: date, reason: str
) -> NowAccepted:
    """Let a difference be on hosts that have it, until the end of a day at their sites.

    :param pattern: a host, or an Ansible host pattern.
    :param item: what differs, or enough of it that nothing else is meant.
    :raises InventoryError: if there is no such host.
    :raises PlanError: if no such drift stands there, or the day or the reason will not do.
    """
    now = datetime.now(UTC)
    if not reason.strip():
        raise PlanError("say why it is let be: it is kept", where="--reason")
    cluster = open_cluster(settings)
    hosts = {host.name: host for some in select(cluster, None, pattern).values() for host in some}
    drifts = Drifts(journal)
    there = [one for one in drifts.found(settings.cluster) if one.host in hosts]
    meant = _meant(there, item, pattern)
    zones = {code: ZoneInfo(site.timezone) for code, site in cluster.sites.items()}
    Accepted(journal).accept(
        AcceptedRecord(
            settings.cluster, one.host, one.kind, one.item, one.digest,
            until=_end(until, zones[hosts[one.host].site], now), reason=reason.strip(),
            by=person(), at=now,
        )
        for one in meant
    )  # fmt: skip
    return NowAccepted(meant[0].item, tuple(one.host for one in meant))


def _meant(there: list[DriftRecord], item: str, pattern: str) -> list[DriftRecord]:
    """Give the differences of one item, by its whole name or a part of it."""
    meant = [one for one in there if one.item == item]
    meant = meant or [one for one in there if item.casefold() in one.item.casefold()]
    items = sorted({(one.kind, one.item) for one in meant})
    if len(items) == 1:
        return meant
    named = [name for _, name in items] or sorted({one.item for one in there})
    more = "" if len(named) <= MOST_NAMED else f" and {len(named) - MOST_NAMED} more"
    if items:
        raise PlanError(
            f"this may be {len(items)} things: {'; '.join(named[:MOST_NAMED])}{more}",
            where=repr(item),
            do="Give more of the one that is meant",
        )
    raise PlanError(
        f"no such drift stands on {pattern}",
        where=repr(item),
        do=f"There is: {'; '.join(named[:MOST_NAMED])}{more}" if named else "Nothing drifts there",
    )


def _end(day: date, zone: ZoneInfo, now: datetime) -> datetime:
    """Give the end of a day at a site, in UTC.

    :raises PlanError: if it is over, or too far away.
    """
    end = utc(datetime.combine(day + timedelta(days=1), time()), zone)
    if end <= now:
        raise PlanError("that day is over", where=f"--until {day}")
    if end - now > LONGEST:
        raise PlanError(
            "that is more than a year away",
            where=f"--until {day}",
            do="What is to stay as it is belongs in the inventory",
        )
    return end
