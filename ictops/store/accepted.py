"""Differences that people let be: until when, why, and who said so."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from ictops.store import tables as t
from ictops.store.database import one_at_a_time
from ictops.store.journal import Journal
from ictops.store.records import AcceptedRecord


class Accepted:
    """What is accepted of the drift in a journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def accept(self, accepted: Iterable[AcceptedRecord]) -> None:
        """Write down what is let be; what was said of the same items before is over."""
        a = t.drift_accepted.c
        with self.journal.writing() as connection:
            one_at_a_time(connection, t.drift_accepted.name)
            for one in accepted:
                same = (
                    a.cluster == one.cluster, a.kind == one.kind, a.host == one.host,
                    a.item == one.item, a.ended_at.is_(None),
                )  # fmt: skip
                over = t.drift_accepted.update().where(*same).values(ended_at=one.at)
                connection.execute(over)
                connection.execute(t.drift_accepted.insert().values(asdict(one)))

    def standing(self, cluster: str, at: datetime) -> list[AcceptedRecord]:
        """Give what is let be at this time."""
        a = t.drift_accepted.c
        query = sa.select(t.drift_accepted).where(
            a.cluster == cluster, a.ended_at.is_(None), a.until > at
        )
        return self.journal.rows(AcceptedRecord, query.order_by(a.host, a.id))
