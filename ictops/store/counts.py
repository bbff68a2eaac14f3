"""What is counted of a journal: how runs ended at sites, and how many there are of what."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from ictops.store import tables as t
from ictops.store.copies import is_file, journal_file
from ictops.store.journal import Journal
from ictops.store.records import RunState, SiteState, SlotState

AT_ONCE = 500
"""Runs whose hosts are counted by one query."""


@dataclass(frozen=True, slots=True)
class RunAtSite:
    """A run at one of its sites, without its plan."""

    run_id: str
    operation: str
    title: str
    run_state: RunState
    created_at: datetime
    ended_at: datetime | None
    site: str
    site_state: SiteState
    reason: str


@dataclass(frozen=True, slots=True)
class SlotOver:
    """A time at which a schedule was due at a site, and what became of it."""

    schedule: str
    site: str
    due_at: datetime
    state: SlotState
    reason: str


Count = tuple[tuple[str, ...], int]
"""What is counted, and how many there are."""


class Counts:
    """What is counted of a cluster."""

    def __init__(self, journal: Journal, cluster: str) -> None:
        self.journal = journal
        self.cluster = cluster

    def runs_at_sites(self, since: datetime) -> list[RunAtSite]:
        """Give the runs that are open or ended after ``since`` at each site, newest first."""
        r, s = t.run.c, t.run_site.c
        query = (
            sa.select(
                r.id.label("run_id"), r.operation, r.title, r.state.label("run_state"),
                r.created_at, r.ended_at, s.site, s.state.label("site_state"), s.reason,
            )
            .join(t.run_site, s.run_id == r.id)
            .where(r.cluster == self.cluster, sa.or_(r.ended_at.is_(None), r.ended_at > since))
            .order_by(r.created_at.desc(), r.id, s.site)
        )  # fmt: skip
        return self.journal.rows(RunAtSite, query)

    def outcomes(self, runs: Collection[str]) -> dict[tuple[str, str], dict[str, int]]:
        """Give, by run and site, how many hosts have which outcome; without any: ``pending``."""
        h = t.run_host.c
        name = sa.func.coalesce(h.outcome, "pending")
        found: dict[tuple[str, str], dict[str, int]] = {}
        left = sorted(runs)
        while left:
            part, left = left[:AT_ONCE], left[AT_ONCE:]
            query = sa.select(h.run_id, h.site, name, sa.func.count()).where(h.run_id.in_(part))
            for (run, site, outcome), number in self._counted(
                query.group_by(h.run_id, h.site, name)
            ):
                found.setdefault((run, site), {})[outcome] = number
        return found

    def newest_runs(self) -> dict[str, str]:
        """Give the newest run of each operation that has begun to work on hosts."""
        r = t.run.c
        begun = sa.exists().where(t.shard.c.run_id == r.id)
        newest = (
            sa.select(r.operation, sa.func.max(r.created_at).label("created_at"))
            .where(r.cluster == self.cluster, begun)
            .group_by(r.operation)
            .subquery()
        )
        query = sa.select(r.operation, r.id).join(
            newest,
            sa.and_(r.operation == newest.c.operation, r.created_at == newest.c.created_at),
        )
        with self.journal.reading() as connection:
            rows = connection.execute(
                query.where(r.cluster == self.cluster, begun).order_by(r.id)
            ).all()
        return {row.operation: row.id for row in rows}

    def slots_over(self, since: datetime) -> list[SlotOver]:
        """Give what became of each time of a schedule that was due after ``since`` and is over."""
        s, c = t.slot.c, t.schedule.c
        query = (
            sa.select(c.name.label("schedule"), s.site, s.due_at, s.state, s.reason)
            .join(t.schedule, c.id == s.schedule_id)
            .where(c.cluster == self.cluster, c.removed_at.is_(None))
            .where(s.state.in_(["begun", "missed"]), s.due_at > since)
            .order_by(s.due_at, s.id)
        )
        return self.journal.rows(SlotOver, query)

    def slots(self) -> Iterator[Count]:
        """Count the times of schedules that stand by what became of them."""
        s, c = t.slot.c, t.schedule.c
        query = (
            sa.select(s.state, sa.func.count())
            .join(t.schedule, c.id == s.schedule_id)
            .where(c.cluster == self.cluster, c.removed_at.is_(None))
        )
        return self._counted(query.group_by(s.state).order_by(s.state))

    def runs(self) -> Iterator[Count]:
        """Count the runs by state."""
        return self._of(t.run, t.run.c.state)

    def drift(self) -> Iterator[Count]:
        """Count hosts by kind of check, site, and what the newest check says."""
        c = t.drift_check.c
        return self._of(t.drift_check, c.kind, c.site, c.state, where=c.ended_at.is_(None))

    def alarms(self) -> Iterator[Count]:
        """Count the alarms that stand by severity and site."""
        a = t.alarm.c
        return self._of(t.alarm, a.severity, a.site, where=a.ended_at.is_(None))

    def deliveries(self) -> Iterator[Count]:
        """Count the messages that are still to be sent by route."""
        d = t.delivery.c
        return self._of(t.delivery, d.route, where=d.state == "waiting")

    def journal_bytes(self) -> int:
        """Give what the journal takes on its disk."""
        url = self.journal.engine.url.render_as_string(hide_password=False)
        if is_file(url):
            file = journal_file(url)
            beside = [file.with_name(f"{file.name}{end}") for end in ("", "-wal", "-shm")]
            return sum(path.stat().st_size for path in beside if path.exists())
        with self.journal.reading() as connection:
            size = sa.func.pg_database_size(sa.func.current_database())
            return int(connection.execute(sa.select(size)).scalar_one())

    def _of(
        self,
        table: sa.Table,
        *by: sa.ColumnElement[str],
        where: sa.ColumnElement[bool] | None = None,
    ) -> Iterator[Count]:
        what: list[sa.ColumnElement[Any]] = [*by, sa.func.count()]
        query: sa.Select[Any] = sa.select(*what).where(table.c.cluster == self.cluster)
        if where is not None:
            query = query.where(where)
        return self._counted(query.group_by(*by).order_by(*by))

    def _counted(self, query: sa.Select[Any]) -> Iterator[Count]:
        with self.journal.reading() as connection:
            rows = connection.execute(query).all()
        for *what, number in rows:
            yield tuple(what), number
