"""How repositories of backups are cared for, and the archives in them."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime

import sqlalchemy as sa

from ictops.store import tables as t
from ictops.store.backup_records import ArchiveRecord, CareRecord
from ictops.store.database import one_at_a_time
from ictops.store.journal import Journal


class BackupCare:
    """What was last done to each repository of a cluster, and what is archived there."""

    def __init__(self, journal: Journal, cluster: str) -> None:
        self.journal = journal
        self.cluster = cluster

    def record(self, done: Iterable[CareRecord]) -> None:
        """Write down what became of repositories; what is no newer changes nothing.

        When it was last good stays where it was not.
        """
        c = t.backup_care.c
        with self.journal.writing() as connection:
            one_at_a_time(connection, f"backup care {self.cluster}")
            for one in done:
                same = (
                    c.cluster == self.cluster, c.repository == one.repository, c.what == one.what,
                )  # fmt: skip
                query = sa.select(c.tried_at, c.good_at).where(*same)
                row = connection.execute(query).first()
                values = {**asdict(one), "good_at": one.tried_at if one.good else None}
                if row is None:
                    connection.execute(t.backup_care.insert().values(values))
                elif row.tried_at < one.tried_at:
                    values["good_at"] = values["good_at"] or row.good_at
                    connection.execute(t.backup_care.update().where(*same).values(values))

    def of(self, *, sites: Collection[str] = ()) -> list[CareRecord]:
        """Give what is known of repositories, by their names."""
        c = t.backup_care.c
        query = sa.select(t.backup_care).where(c.cluster == self.cluster)
        if sites:
            query = query.where(c.site.in_(list(sites)))
        return self.journal.rows(CareRecord, query.order_by(c.repository, c.what))

    def prune(self, before: datetime) -> int:
        """Delete what was last done before ``before``, in all clusters: that repository is gone."""
        with self.journal.writing() as connection:
            old = t.backup_care.delete().where(t.backup_care.c.tried_at < before)
            return connection.execute(old).rowcount

    def keep_archive(self, archive: ArchiveRecord) -> None:
        """Write an archive down; what is told twice changes nothing.

        Where two runs have archived under one name all of it is one archive, kept until the later
        day: it is deleted together one day, and nothing of it is forgotten.
        """
        a = t.backup_archive.c
        same = (a.cluster == archive.cluster, a.name == archive.name)
        with self.journal.writing() as connection:
            one_at_a_time(connection, f"backup archive {self.cluster}")
            row = connection.execute(sa.select(t.backup_archive).where(*same)).mappings().first()
            if row is None:
                connection.execute(t.backup_archive.insert().values(asdict(archive)))
            elif not set(archive.snapshots) <= set(row["snapshots"]):
                both = {
                    "snapshots": [*row["snapshots"], *archive.snapshots],
                    "paths": [*row["paths"], *archive.paths],
                    "removed": [*row["removed"], *archive.removed],
                    "files": row["files"] + archive.files,
                    "bytes": row["bytes"] + archive.bytes,
                    "keep_until": max(row["keep_until"], archive.keep_until),
                    "deleted_at": None,
                }
                connection.execute(t.backup_archive.update().where(*same).values(both))

    def archives(self, *, sites: Collection[str] = ()) -> list[ArchiveRecord]:
        """Give the archives by name, also those that were deleted."""
        a = t.backup_archive.c
        query = sa.select(t.backup_archive).where(a.cluster == self.cluster)
        if sites:
            query = query.where(a.site.in_(list(sites)))
        return self.journal.rows(ArchiveRecord, query.order_by(a.name))

    def archive(self, name: str) -> ArchiveRecord | None:
        """Give an archive by its name, if there is or was one."""
        return next((one for one in self.archives() if one.name == name), None)

    def delete_archive(self, name: str, at: datetime) -> None:
        """Write down that an archive is no more."""
        a = t.backup_archive.c
        same = (a.cluster == self.cluster, a.name == name, a.deleted_at.is_(None))
        with self.journal.writing() as connection:
            connection.execute(t.backup_archive.update().where(*same).values(deleted_at=at))
