"""What the journal tells: rows as frozen data, for whoever may read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime
from typing import Any, TypeVar

import sqlalchemy as sa

from ictops.errors import RunError
from ictops.store import tables as t
from ictops.store.database import shown
from ictops.store.records import (
    ENDED,
    GOOD,
    ApprovalRecord,
    DecisionRecord,
    EventRecord,
    HostRecord,
    RunRecord,
    ShardRecord,
    SiteRecord,
)
from ictops.store.troubles import explained

Record = TypeVar("Record")


class Reading:
    """Runs and what became of them, as far as it is written down."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.where = shown(engine.url)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection that sees one moment of the journal."""
        with explained(self.where), self.engine.connect() as plain:
            connection = plain.execution_options(reading=True)
            with connection.begin():
                yield connection

    def approvals(self, plan_digest: str) -> list[ApprovalRecord]:
        """Give who approved the plan with this digest, oldest first."""
        query = sa.select(t.approval).where(t.approval.c.plan_digest == plan_digest)
        return self.rows(ApprovalRecord, query.order_by(t.approval.c.id))

    def past_seconds(self, operation: str, cluster: str, limit: int = 1000) -> list[float]:
        """Give how long the latest hosts of this operation took that went well, in seconds.

        Only of this cluster: what a rehearsal in a lab took says nothing about the schools.
        """
        h, r = t.run_host.c, t.run.c
        query = (
            sa.select(h.started_at, h.ended_at)
            .join(t.run, r.id == h.run_id)
            .where(r.operation == operation, r.cluster == cluster)
            .where(h.outcome.in_(GOOD), h.started_at.is_not(None))
            .order_by(h.ended_at.desc())
            .limit(limit)
        )
        with self.reading() as connection:
            return [(end - start).total_seconds() for start, end in connection.execute(query)]

    def run(self, run_id: str) -> RunRecord:
        """Give one run.

        :raises RunError: if there is none with this id.
        """
        found = self.rows(RunRecord, sa.select(t.run).where(t.run.c.id == run_id))
        if not found:
            raise RunError(
                "there is no such run", where=run_id, do="'ictops run list' shows all of them"
            )
        return found[0]

    def runs(self, *, open_only: bool = False, limit: int | None = None) -> list[RunRecord]:
        """Give the runs, newest first."""
        query = sa.select(t.run).order_by(t.run.c.created_at.desc(), t.run.c.id)
        if open_only:
            query = query.where(t.run.c.state.not_in(ENDED))
        return self.rows(RunRecord, query.limit(limit))

    def unfinished_run_of(self, plan_digest: str) -> RunRecord | None:
        """Give the run of this plan that has not ended, if there is one."""
        found = self.rows(RunRecord, unfinished(plan_digest))
        return found[0] if found else None

    def site(self, run_id: str, site: str) -> SiteRecord:
        """Give how far one site of a run is."""
        s = t.run_site.c
        query = sa.select(t.run_site).where(s.run_id == run_id, s.site == site)
        return self.rows(SiteRecord, query)[0]

    def sites(self, run_id: str) -> list[SiteRecord]:
        query = sa.select(t.run_site).where(t.run_site.c.run_id == run_id)
        return self.rows(SiteRecord, query.order_by(t.run_site.c.site))

    def hosts(self, run_id: str, site: str | None = None) -> list[HostRecord]:
        query = sa.select(t.run_host).where(t.run_host.c.run_id == run_id)
        if site is not None:
            query = query.where(t.run_host.c.site == site)
        return self.rows(HostRecord, query.order_by(t.run_host.c.position))

    def shards(self, run_id: str, state: str | None = None) -> list[ShardRecord]:
        query = sa.select(t.shard).where(t.shard.c.run_id == run_id)
        if state is not None:
            query = query.where(t.shard.c.state == state)
        return self.rows(ShardRecord, query.order_by(t.shard.c.id))

    def touching(
        self, cluster: str, host: str, after: datetime | None, before: datetime
    ) -> list[tuple[RunRecord, HostRecord]]:
        """Give the runs that began with a host between two times, and what became of it."""
        r, h = t.run.c, t.run_host.c
        ours = sa.and_(r.cluster == cluster, h.host == host, h.started_at <= before)
        if after is not None:
            ours = sa.and_(ours, sa.or_(h.ended_at > after, h.ended_at.is_(None)))
        both = t.run_host.join(t.run, r.id == h.run_id)
        hosts = sa.select(t.run_host).select_from(both).where(ours).order_by(h.started_at)
        runs = sa.select(t.run).select_from(both).where(ours).order_by(h.started_at)
        by_id = {run.id: run for run in self.rows(RunRecord, runs)}
        return [(by_id[one.run_id], one) for one in self.rows(HostRecord, hosts)]

    def failed(self, run_id: str) -> int:
        """Give how many hosts of a run have failed."""
        h = t.run_host.c
        query = sa.select(sa.func.count()).where(h.run_id == run_id, h.outcome == "failed")
        with self.reading() as connection:
            return connection.execute(query).scalar_one()

    def decisions(self, run_id: str) -> list[DecisionRecord]:
        query = sa.select(t.decision).where(t.decision.c.run_id == run_id)
        return self.rows(DecisionRecord, query.order_by(t.decision.c.id))

    def events(
        self, run_id: str, *, host: str | None = None, after: int = 0, shard: int | None = None
    ) -> list[EventRecord]:
        """Give a run's events in the order in which they were written."""
        query = (
            sa.select(t.event)
            .join(t.shard, t.shard.c.id == t.event.c.shard_id)
            .where(t.shard.c.run_id == run_id, t.event.c.id > after)
        )
        if host is not None:
            query = query.where(t.event.c.host == host)
        if shard is not None:
            query = query.where(t.event.c.shard_id == shard)
        return self.rows(EventRecord, query.order_by(t.event.c.id))

    def latest(self, run_id: str, kind: str) -> list[EventRecord]:
        """Give the newest event of a kind of each host that is being worked on."""
        e, s, h = t.event.c, t.shard.c, t.run_host.c
        newest = (
            sa.select(sa.func.max(e.id))
            .join(t.shard, s.id == e.shard_id)
            .join(t.run_host, sa.and_(h.run_id == s.run_id, h.host == e.host))
            .where(s.run_id == run_id, s.state == "running", h.state == "running", e.kind == kind)
            .group_by(e.host)
        )
        return self.rows(EventRecord, sa.select(t.event).where(e.id.in_(newest)).order_by(e.host))

    def claimed_by(self, cluster: str, hosts: Sequence[str]) -> list[str]:
        """Give the runs that work on these hosts now."""
        c = t.claim.c
        query = sa.select(c.run_id).where(c.cluster == cluster, c.host.in_(hosts))
        with self.reading() as connection:
            return list(connection.execute(query.distinct().order_by(c.run_id)).scalars())

    def counts(self, run_id: str) -> Mapping[str, Mapping[str, int]]:
        """Give, per site, how many hosts have which outcome; those without are ``pending``."""
        name = sa.func.coalesce(t.run_host.c.outcome, "pending")
        query = (
            sa.select(t.run_host.c.site, name, sa.func.count())
            .where(t.run_host.c.run_id == run_id)
            .group_by(t.run_host.c.site, name)
        )
        found: dict[str, dict[str, int]] = {}
        with self.reading() as connection:
            for site, outcome, number in connection.execute(query):
                found.setdefault(site, {})[outcome] = number
        return found

    def rows(self, kind: type[Record], query: sa.Select[Any]) -> list[Record]:
        """Give what a query finds, as records of this kind."""
        names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
        with self.reading() as connection:
            rows: Sequence[Any] = connection.execute(query).mappings().all()
        return [kind(**{name: row[name] for name in names}) for row in rows]


def unfinished(plan_digest: str) -> sa.Select[Any]:
    """Select the run of this plan that has not ended."""
    r = t.run.c
    return sa.select(t.run).where(r.plan_digest == plan_digest, r.state.not_in(ENDED))
