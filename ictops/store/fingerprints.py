"""The fingerprints of hosts that a full check found clean: one row a host, its newest."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from ictops.store import tables as t
from ictops.store.database import one_at_a_time
from ictops.store.journal import Journal
from ictops.store.records import FingerprintRecord

WRITTEN_AT_ONCE = 1000
"""Hosts that are written in one transaction."""


class Fingerprints:
    """The fingerprints in a journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def record(self, taken: Iterable[FingerprintRecord]) -> None:
        """Write down what clean hosts are like; what is older than what is known is left out."""
        f = t.fingerprint.c
        left = list(taken)
        while left:
            part, left = left[:WRITTEN_AT_ONCE], left[WRITTEN_AT_ONCE:]
            with self.journal.writing() as connection:
                one_at_a_time(connection, t.fingerprint.name)
                for one in part:
                    same = (f.cluster == one.cluster, f.host == one.host)
                    known = connection.execute(sa.select(f.taken_at).where(*same)).scalar()
                    if known is not None and known > one.taken_at:
                        continue
                    if known is not None:
                        connection.execute(t.fingerprint.delete().where(*same))
                    connection.execute(t.fingerprint.insert().values(asdict(one)))

    def since(self, cluster: str, after: datetime) -> list[FingerprintRecord]:
        """Give the fingerprints of a cluster's hosts that were taken after this time."""
        f = t.fingerprint.c
        query = sa.select(t.fingerprint).where(f.cluster == cluster, f.taken_at > after)
        return self.journal.rows(FingerprintRecord, query.order_by(f.host))
