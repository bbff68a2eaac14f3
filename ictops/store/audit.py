"""The audit trail: who did what to people's data, when and why; never changed, never pruned."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from ictops.store import tables as t
from ictops.store.backup_records import AuditRecord
from ictops.store.database import one_at_a_time
from ictops.store.journal import Journal


class Audit:
    """The audit trail in a journal. There is no way to change or delete an entry."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def add(self, entry: AuditRecord) -> None:
        """Write an entry down; of one run, what is said of one subject only the first time."""
        a = t.audit.c
        with self.journal.writing() as connection:
            one_at_a_time(connection, "audit")
            if entry.run_id is not None:
                same = sa.select(a.id).where(
                    a.run_id == entry.run_id, a.what == entry.what, a.subject == entry.subject
                )
                if connection.execute(same).first() is not None:
                    return
            connection.execute(t.audit.insert().values(asdict(entry)))

    def entries(
        self,
        cluster: str,
        *,
        sites: Collection[str] = (),
        since: datetime | None = None,
        limit: int | None = None,
    ) -> list[AuditRecord]:
        """Give the entries of a cluster, or of some sites of it, newest first."""
        a = t.audit.c
        query = sa.select(t.audit).where(a.cluster == cluster)
        if sites:
            query = query.where(a.site.in_(list(sites)))
        if since is not None:
            query = query.where(a.at >= since)
        query = query.order_by(a.at.desc(), a.id.desc()).limit(limit)
        return self.journal.rows(AuditRecord, query)
