"""Backups: the newest try and the last good one of each set, and what drills proved of them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ictops.store import tables as t
from ictops.store.backup_records import (
    Drilled,
    DrillRecord,
    Sampled,
    SetRecord,
    SnapshotRecord,
    Tried,
)
from ictops.store.database import one_at_a_time
from ictops.store.journal import Journal

KEPT_OF_A_SET = 3
"""Snapshots of a set whose samples are kept however old they are."""
AT_ONCE = 500


class Backups:
    """What is known of the backups of a cluster."""

    def __init__(self, journal: Journal, cluster: str) -> None:
        self.journal = journal
        self.cluster = cluster

    def record(self, run_id: str, tried: Iterable[Tried]) -> None:
        """Write down what became of sets; what is no newer than what is known changes nothing."""
        with self.journal.writing() as connection:
            one_at_a_time(connection, f"backups {self.cluster}")
            for one in tried:
                self._record(connection, run_id, one)

    def sets(self, *, sites: Collection[str] = ()) -> list[SetRecord]:
        """Give the sets by host and name."""
        s = t.backup_set.c
        query = sa.select(t.backup_set, s["class"].label("class_")).where(s.cluster == self.cluster)
        if sites:
            query = query.where(s.site.in_(list(sites)))
        return self.journal.rows(SetRecord, query.order_by(s.host, s.name))

    def drill(self, drilled: Iterable[Drilled]) -> list[Drilled]:
        """Write down what drills came to, of snapshots of their site; give those known."""
        s = t.backup_snapshot.c
        known = []
        with self.journal.writing() as connection:
            one_at_a_time(connection, f"backups {self.cluster}")
            for one in drilled:
                same = (
                    s.cluster == self.cluster, s.repository == one.repository,
                    s.snapshot == one.snapshot, s.site == one.site,
                )  # fmt: skip
                newer = sa.or_(s.drilled_at.is_(None), s.drilled_at <= one.at)
                values = {"drilled_at": one.at, "proved": one.proved, "message": one.message}
                if connection.execute(sa.select(s.id).where(*same)).first() is not None:
                    known.append(one)
                    update = t.backup_snapshot.update().where(*same, newer).values(values)
                    connection.execute(update)
        return known

    def drills(self) -> dict[tuple[str, str], DrillRecord]:
        """Give what the newest drill of each set came to, by host and set."""
        s = t.backup_snapshot.c
        query = (
            sa.select(t.backup_snapshot)
            .where(s.cluster == self.cluster, s.drilled_at.is_not(None))
            .order_by(s.drilled_at, s.at, s.id)
        )
        return {(one.host, one.name): one for one in self.journal.rows(DrillRecord, query)}

    def newest_snapshots(self, sites: Collection[str] = ()) -> list[SnapshotRecord]:
        """Give the newest snapshot of each set that has a sample, by host and set."""
        s = t.backup_snapshot.c
        query = sa.select(t.backup_snapshot).where(s.cluster == self.cluster)
        if sites:
            query = query.where(s.site.in_(list(sites)))
        found: dict[tuple[str, str], SnapshotRecord] = {}
        for one in self._snapshots(query.order_by(s.host, s.name, s.at, s.id)):
            if one.sample:
                found[one.host, one.name] = one
        return list(found.values())

    def forget(self, repository: str, snapshots: Collection[str]) -> None:
        """Forget snapshots that are no longer in a repository.

        The last one that was drilled of its set stays: it tells when a restore was last tried.
        """
        s = t.backup_snapshot.c
        left = sorted(snapshots)
        while left:
            part, left = left[:AT_ONCE], left[AT_ONCE:]
            where = sa.and_(
                s.cluster == self.cluster, s.repository == repository, s.snapshot.in_(part),
                s.id.not_in(self._last_drilled()),
            )  # fmt: skip
            self.journal.delete(t.backup_snapshot, where)
            gone = t.backup_snapshot.update().where(
                s.cluster == self.cluster, s.repository == repository, s.snapshot.in_(part)
            )
            with self.journal.writing() as connection:
                connection.execute(gone.values(sample=[]))  # or a drill would look for it

    def prune(self, before: datetime) -> int:
        """Delete old snapshots' samples, of all clusters; the newest of each set and its last
        drill stay.
        """
        s = t.backup_snapshot.c
        newest = sa.select(
            s.id,
            sa.func.row_number()
            .over(partition_by=(s.cluster, s.host, s.name), order_by=(s.at.desc(), s.id.desc()))
            .label("place"),
        ).subquery()
        kept = sa.select(newest.c.id).where(newest.c.place <= KEPT_OF_A_SET)
        where = sa.and_(s.at < before, s.id.not_in(kept), s.id.not_in(self._last_drilled()))
        return self.journal.delete(t.backup_snapshot, where)

    def _record(self, connection: sa.Connection, run_id: str, one: Tried) -> None:
        s = t.backup_set.c
        same = (s.cluster == self.cluster, s.host == one.host, s.name == one.name)
        row = connection.execute(sa.select(t.backup_set).where(*same)).mappings().first()
        if row is not None and row["tried_at"] >= one.at:
            return
        values = self._values(row, run_id, one)
        if row is None:
            of = {"cluster": self.cluster, "host": one.host, "name": one.name}
            connection.execute(t.backup_set.insert().values({**of, **values}))
        else:
            connection.execute(t.backup_set.update().where(*same).values(values))
        for taken in one.snapshots:
            s_ = t.backup_snapshot.c
            is_known = sa.select(s_.id).where(
                s_.cluster == self.cluster, s_.repository == one.repository,
                s_.snapshot == taken.snapshot,
            )  # fmt: skip
            if connection.execute(is_known).first() is None:
                connection.execute(
                    t.backup_snapshot.insert().values(
                        cluster=self.cluster, repository=one.repository, snapshot=taken.snapshot,
                        site=one.site, host=one.host, name=one.name, at=min(taken.at, one.at),
                        sample=[asdict(file) for file in taken.sample],
                    )
                )  # fmt: skip

    def _values(
        self, row: Mapping[Any, Any] | None, run_id: str, one: Tried
    ) -> dict[str, Any]:  # fmt: skip
        values: dict[str, Any] = {
            "site": one.site, "repository": one.repository, "class": one.class_, "kind": one.kind,
            "tried_at": one.at, "message": one.message, "run_id": run_id,
        }  # fmt: skip
        if one.good:
            return values | {
                "good_at": one.good_at, "failures": 0, "seconds": one.seconds, "files": one.files,
                "bytes": one.bytes, "bytes_added": one.bytes_added,
            }  # fmt: skip
        if row is not None:
            return values | {"failures": row["failures"] + 1}
        return values | {"failures": 1, "seconds": 0.0, "files": 0, "bytes": 0, "bytes_added": 0}

    def _last_drilled(self) -> sa.Select[Any]:
        s = t.backup_snapshot.c
        ranked = (
            sa.select(
                s.id,
                sa.func.row_number()
                .over(
                    partition_by=(s.cluster, s.host, s.name),
                    order_by=(s.drilled_at.desc(), s.at.desc(), s.id.desc()),
                )
                .label("place"),
            )
            .where(s.drilled_at.is_not(None))
            .subquery()
        )
        return sa.select(ranked.c.id).where(ranked.c.place == 1)

    def _snapshots(self, query: sa.Select[Any]) -> list[SnapshotRecord]:
        found = self.journal.rows(SnapshotRecord, query)
        return [_with_sample(one) for one in found]


def _with_sample(record: SnapshotRecord) -> SnapshotRecord:
    told = asdict(record)
    told["sample"] = tuple(Sampled(**dict(one)) for one in record.sample)  # type: ignore[call-overload]
    return SnapshotRecord(**told)
