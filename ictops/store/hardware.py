"""What hosts are made of, and which image they have: the newest that is known of each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

import sqlalchemy as sa

from ictops.store import tables as t
from ictops.store.database import one_at_a_time
from ictops.store.journal import Journal
from ictops.store.records import HardwareRecord, HostImageRecord

WRITTEN_AT_ONCE = 1000
"""Hosts that are written in one transaction."""


class Inventory:
    """The hardware of the hosts in a journal, one row a host."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def record(self, seen: Iterable[HardwareRecord]) -> None:
        """Write down what hosts are made of; what is older than what is known changes nothing."""
        self._write(t.hardware, "seen_at", seen)

    def record_images(self, written: Iterable[HostImageRecord]) -> None:
        """Write down which images hosts have; what is older changes nothing."""
        self._write(t.host_image, "written_at", written)

    def of(self, cluster: str) -> list[HardwareRecord]:
        """Give what is known of a cluster's hosts, by name."""
        h = t.hardware.c
        query = sa.select(t.hardware).where(h.cluster == cluster).order_by(h.host)
        return self.journal.rows(HardwareRecord, query)

    def images(self, cluster: str) -> list[HostImageRecord]:
        """Give the image that each host of a cluster has, as far as it is known."""
        i = t.host_image.c
        query = sa.select(t.host_image).where(i.cluster == cluster).order_by(i.host)
        return self.journal.rows(HostImageRecord, query)

    def _write(
        self, table: sa.Table, moment: str, rows: Iterable[HardwareRecord | HostImageRecord]
    ) -> None:
        left = [asdict(one) for one in rows]
        while left:
            part, left = left[:WRITTEN_AT_ONCE], left[WRITTEN_AT_ONCE:]
            with self.journal.writing() as connection:
                one_at_a_time(connection, table.name)
                for row in part:
                    same = (table.c.cluster == row["cluster"], table.c.host == row["host"])
                    known = connection.execute(sa.select(table.c[moment]).where(*same)).scalar()
                    if known is None:
                        connection.execute(table.insert().values(row))
                    elif known <= row[moment]:
                        connection.execute(table.update().where(*same).values(row))
