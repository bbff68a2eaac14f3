"""Alarms: what each source says now, kept from its beginning to its end."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ictops.store import tables as t
from ictops.store.alarm_records import Alarm, AlarmRecord
from ictops.store.database import one_at_a_time
from ictops.store.journal import Journal

SETTLES = timedelta(minutes=10)
"""How long an alarm must be gone before its end is told. One that is back sooner goes on as if it
had not been away: what comes and goes every few minutes is told once, not every few minutes."""


class Alarms:
    """The alarms in a journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def tell(self, cluster: str, source: str, alarms: Iterable[Alarm], at: datetime) -> None:
        """Write down all that a source has to say now: what it says no longer has ended.

        To say the same again changes nothing; what only its words are new of has not changed.

        :raises ValueError: if two of the alarms have one key.
        """
        said = list(alarms)
        told = {alarm.key: alarm for alarm in said}
        if len(told) < len(said):
            raise ValueError(f"two alarms of {source} have one key")
        with self.journal.writing() as connection:
            one_at_a_time(connection, f"alarms {cluster} {source}")
            known = _known(connection, cluster, source, at)
            stands = {key for key, row in known.items() if row["ended_at"] is None}
            begins, changes = [], []
            for key, alarm in told.items():
                row, now = known.get(key), _said(alarm)
                if row is None:
                    of = {"cluster": cluster, "source": source, "key": key, "version": 1}
                    begins.append({**of, **now, "since": at, "changed_at": at})
                elif any(row[name] != value for name, value in now.items()):
                    if row["digest"] != now["digest"]:
                        now |= {"version": row["version"] + 1, "changed_at": at}
                    changes.append(
                        {
                            "row": row["id"],
                            "version": row["version"],
                            "changed_at": row["changed_at"],
                            **now,
                        }
                    )
            back = [known[key]["id"] for key in told if key in known and key not in stands]
            gone = [known[key]["id"] for key in stands - told.keys()]
            this = t.alarm.c.id == sa.bindparam("row")
            if begins:
                connection.execute(t.alarm.insert(), begins)
            if changes:
                connection.execute(t.alarm.update().where(this), changes)
            for rows, ended_at in ((back, None), (gone, at)):
                if rows:
                    ends = t.alarm.update().where(this).values(ended_at=ended_at)
                    connection.execute(ends, [{"row": row} for row in rows])

    def standing(self, cluster: str) -> list[AlarmRecord]:
        """Give the alarms that stand, the most urgent first, of these the oldest."""
        a = t.alarm.c
        order = sa.case({"urgent": 0, "warning": 1}, value=a.severity, else_=2)
        query = sa.select(t.alarm).where(a.cluster == cluster, a.ended_at.is_(None))
        return self.journal.rows(AlarmRecord, query.order_by(order, a.since, a.id))

    def prune(self, before: datetime) -> int:
        """Delete alarms that ended before ``before``; give how many."""
        return self.journal.delete(t.alarm, t.alarm.c.ended_at < before)


def _known(
    connection: sa.Connection, cluster: str, source: str, at: datetime
) -> dict[str, dict[str, Any]]:
    """Give, by their keys, the alarms that stand, and those that may only have gone for a while."""
    a = t.alarm.c
    query = (
        sa.select(t.alarm)
        .where(a.cluster == cluster, a.source == source)
        .where(sa.or_(a.ended_at.is_(None), a.ended_at > at - SETTLES))
        .order_by(a.ended_at.is_(None), a.ended_at, a.id)  # the newest one of a key counts
    )
    return {row["key"]: dict(row) for row in connection.execute(query).mappings()}


def _said(alarm: Alarm) -> dict[str, Any]:
    return {
        "site": alarm.site, "host": alarm.host, "severity": alarm.severity, "text": alarm.text,
        "digest": alarm.digest,
    }  # fmt: skip
