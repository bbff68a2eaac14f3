"""What drift checks found, whoever made them: the newest of each host, and how long it is so.

A row is written where something changes, not for every check: a hundred thousand hosts that
are clean every night add nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ictops.store import tables as t
from ictops.store.database import one_at_a_time
from ictops.store.journal import Journal
from ictops.store.records import LOOKED, Checked, CheckRecord, DriftRecord

WRITTEN_AT_ONCE = 1000
"""Hosts whose results are written in one transaction."""

Row = Mapping[str, Any]


class Drifts:
    """The results of drift checks in a journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def record(self, cluster: str, kind: str, run_id: str, checked: Iterable[Checked]) -> None:
        """Write down what a run of checks of one kind says, one result a host.

        A result that is older than what is known of its host changes nothing; nor does one that
        is written down a second time. What was found before stays where a host could not be
        looked at: nobody knows that it is gone.
        """
        left = list(checked)
        while left:
            part, left = left[:WRITTEN_AT_ONCE], left[WRITTEN_AT_ONCE:]
            with self.journal.writing() as connection:
                one_at_a_time(connection, f"drift {cluster} {kind}")
                _Part(connection, cluster, kind, run_id, part).write()

    def newest(self, cluster: str, kind: str | None = None) -> list[CheckRecord]:
        """Give what the newest check of each kind, or of this one, says of each host."""
        return self.journal.rows(CheckRecord, _standing(t.drift_check, cluster, kind))

    def found(self, cluster: str, kind: str | None = None) -> list[DriftRecord]:
        """Give the differences of every host whose newest check says drift."""
        check, item = t.drift_check.c, t.drift_item.c
        same = (check.cluster == item.cluster, check.kind == item.kind, check.host == item.host)
        drifted = sa.exists().where(*same, check.ended_at.is_(None), check.state == "drift")
        return self.journal.rows(DriftRecord, _standing(t.drift_item, cluster, kind).where(drifted))

    def history(self, cluster: str, host: str) -> list[DriftRecord]:
        """Give every difference that was ever found on a host, the newest first."""
        i = t.drift_item.c
        query = sa.select(t.drift_item).where(i.cluster == cluster, i.host == host)
        return self.journal.rows(DriftRecord, query.order_by(i.since.desc(), i.id.desc()))

    def checks(self, cluster: str, host: str) -> list[CheckRecord]:
        """Give what checks ever said of a host, the newest first."""
        c = t.drift_check.c
        query = sa.select(t.drift_check).where(c.cluster == cluster, c.host == host)
        return self.journal.rows(CheckRecord, query.order_by(c.since.desc(), c.id.desc()))

    def prune(self, before: datetime) -> int:
        """Delete what ended, or was last heard of, before ``before``; give how much."""
        check, item = t.drift_check.c, t.drift_item.c
        checks = sa.or_(check.ended_at < before, check.checked_at < before)
        items = sa.or_(item.ended_at < before, item.seen_at < before)
        return self.journal.delete(t.drift_check, checks) + self.journal.delete(t.drift_item, items)


class _Part:
    """Results that are written in one transaction."""

    def __init__(
        self,
        connection: sa.Connection,
        cluster: str,
        kind: str,
        run_id: str,
        checked: Sequence[Checked],
    ) -> None:
        self._connection = connection
        self._of = {"cluster": cluster, "kind": kind}
        self._run_id = run_id
        self._known = {row["host"]: row for row in self._rows(t.drift_check, checked)}
        self._checked = [one for one in checked if self._is_news(one)]

    def write(self) -> None:
        self._write_checks()
        self._write_items([one for one in self._checked if one.state in LOOKED])

    def _is_news(self, one: Checked) -> bool:
        row = self._known.get(one.host)
        return row is None or one.at >= row["checked_at"]

    def _write_checks(self) -> None:
        stays, ends, begins = [], [], []
        for one in self._checked:
            row = self._known.get(one.host)
            said = {
                "site": one.site, "message": one.message, "run_id": self._run_id,
                "checked_at": one.at,
            }  # fmt: skip
            if row is not None and row["state"] == one.state:
                stays.append({"row": row["id"], **said})
                continue
            if row is not None:
                ends.append({"row": row["id"], "ended_at": one.at})
            begins.append(
                {**self._of, **said, "host": one.host, "state": one.state, "since": one.at}
            )
        self._change(t.drift_check, stays, ends, begins)

    def _write_items(self, checked: Sequence[Checked]) -> None:
        stays, ends, begins = [], [], []
        known: dict[str, dict[str, Row]] = {}
        for row in self._rows(t.drift_item, checked):
            known.setdefault(row["host"], {})[row["item"]] = row
        for one in checked:
            there = known.get(one.host, {})
            for differing in one.differing:
                before = there.pop(differing.item, None)
                if before is not None and before["digest"] == differing.digest:
                    stays.append({"row": before["id"], "seen_at": one.at})
                    continue
                if before is not None:
                    ends.append({"row": before["id"], "ended_at": one.at})
                begins.append(
                    {
                        **self._of, "host": one.host, "item": differing.item,
                        "digest": differing.digest, "text": differing.text,
                        "since": one.at, "seen_at": one.at,
                    }
                )  # fmt: skip
            ends += [{"row": row["id"], "ended_at": one.at} for row in there.values()]
        self._change(t.drift_item, stays, ends, begins)

    def _rows(self, table: sa.Table, checked: Sequence[Checked]) -> Iterator[Row]:
        """Give the rows of these hosts that stand."""
        query = _standing(table, self._of["cluster"], self._of["kind"])
        hosts = [one.host for one in checked]
        for row in self._connection.execute(query.where(table.c.host.in_(hosts))).mappings():
            yield {str(key): value for key, value in row.items()}

    def _change(
        self,
        table: sa.Table,
        stays: Sequence[Row],
        ends: Sequence[Row],
        begins: Sequence[Row],
    ) -> None:
        this = table.update().where(table.c.id == sa.bindparam("row"))
        for rows in (stays, ends):
            if rows:
                self._connection.execute(this, list(rows))
        if begins:
            self._connection.execute(table.insert(), list(begins))


def _standing(table: sa.Table, cluster: str, kind: str | None) -> sa.Select[Any]:
    """Select the rows that the newest checks have left."""
    query = sa.select(table).where(table.c.cluster == cluster, table.c.ended_at.is_(None))
    if kind is not None:
        query = query.where(table.c.kind == kind)
    return query.order_by(table.c.host, table.c.id)
