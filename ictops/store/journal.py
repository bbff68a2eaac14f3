"""The journal, for all who read it, and for people who steer runs.

What a run itself writes goes through :class:`ictops.store.lease.Lease`, which refuses a
process that no longer holds the run.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import sqlalchemy as sa

from ictops.errors import RunCarried, RunError
from ictops.store import tables as t
from ictops.store.database import connect, moment, one_at_a_time, shown
from ictops.store.holder import Holder
from ictops.store.lease import Lease
from ictops.store.records import (
    GOOD,
    ApprovalRecord,
    DecisionRecord,
    EventRecord,
    HostRecord,
    RunRecord,
    ShardRecord,
    SiteRecord,
    Wish,
)
from ictops.store.troubles import explained

if TYPE_CHECKING:
    from collections.abc import Iterator

Record = TypeVar("Record")

LEASE_TIME = timedelta(seconds=60)
"""How long a holder on another machine may be silent before its run may be taken over."""

ENDED = ("cancelled", "finished")

PRUNED_AT_ONCE = 5000
"""Events deleted in one transaction."""

_ID_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike


class Journal:
    """Runs and what became of them."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self.where = shown(engine.url)

    @classmethod
    def open(cls, url: str) -> Journal:
        """Open the journal at ``url``, making it if it is not there.

        :raises JournalError: if it is damaged, of a newer ictops, or out of reach.
        """
        return cls(connect(url))

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection that sees one moment of the journal."""
        with explained(self.where), self.engine.connect() as plain:
            connection = plain.execution_options(reading=True)
            with connection.begin():
                yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """Give a transaction that is on the disk when this ends without an error."""
        with explained(self.where), self.engine.begin() as connection:
            yield connection

    # -- plans ----------------------------------------------------------------

    def approve(self, plan_digest: str, *, by: str, at: datetime, note: str = "") -> None:
        """Record that ``by`` approved the plan with this digest."""
        with self.writing() as connection:
            connection.execute(
                t.approval.insert().values(plan_digest=plan_digest, by=by, at=at, note=note)
            )

    def approvals(self, plan_digest: str) -> list[ApprovalRecord]:
        """Give who approved the plan with this digest, oldest first."""
        query = sa.select(t.approval).where(t.approval.c.plan_digest == plan_digest)
        return self._all(ApprovalRecord, query.order_by(t.approval.c.id))

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

    # -- runs -----------------------------------------------------------------

    def create_run(
        self,
        *,
        operation: str,
        title: str,
        cluster: str,
        plan: str,
        plan_digest: str,
        hosts: Iterable[tuple[str, str, int]],
        by: str,
        at: datetime,
        now_reason: str | None = None,
    ) -> str:
        """Write down a new run and every host of it, and give the run's id.

        If another process was quicker with the same plan, its run's id is given.

        :param hosts: site, host and number of the wave, for each host.
        """
        run_id = "".join(secrets.choice(_ID_LETTERS) for _ in range(6))
        rows = [
            {
                "run_id": run_id,
                "host": host,
                "site": site,
                "wave": wave,
                "position": position,
                "state": "pending",
            }
            for position, (site, host, wave) in enumerate(hosts)
        ]
        sites = sorted({str(row["site"]) for row in rows})
        with self.writing() as connection:
            one_at_a_time(connection, f"plan {plan_digest}")
            there = connection.execute(_unfinished(plan_digest)).first()
            if there is not None:
                return str(there.id)
            connection.execute(
                t.run.insert().values(
                    id=run_id,
                    operation=operation,
                    title=title,
                    cluster=cluster,
                    plan=plan,
                    plan_digest=plan_digest,
                    created_at=at,
                    created_by=by,
                    now_reason=now_reason,
                    state="waiting",
                )
            )
            connection.execute(
                t.run_site.insert(),
                [{"run_id": run_id, "site": site, "state": "open"} for site in sites],
            )
            connection.execute(t.run_host.insert(), rows)
            detail = f"windows overridden: {now_reason}" if now_reason else title
            _decide(connection, run_id, at=at, by=by, what="created", detail=detail)
        return run_id

    def run(self, run_id: str) -> RunRecord:
        """Give one run.

        :raises RunError: if there is none with this id.
        """
        found = self._all(RunRecord, sa.select(t.run).where(t.run.c.id == run_id))
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
        return self._all(RunRecord, query.limit(limit))

    def unfinished_run_of(self, plan_digest: str) -> RunRecord | None:
        """Give the run of this plan that has not ended, if there is one."""
        found = self._all(RunRecord, _unfinished(plan_digest))
        return found[0] if found else None

    def site(self, run_id: str, site: str) -> SiteRecord:
        """Give how far one site of a run is."""
        s = t.run_site.c
        query = sa.select(t.run_site).where(s.run_id == run_id, s.site == site)
        return self._all(SiteRecord, query)[0]

    def sites(self, run_id: str) -> list[SiteRecord]:
        query = sa.select(t.run_site).where(t.run_site.c.run_id == run_id)
        return self._all(SiteRecord, query.order_by(t.run_site.c.site))

    def hosts(self, run_id: str, site: str | None = None) -> list[HostRecord]:
        query = sa.select(t.run_host).where(t.run_host.c.run_id == run_id)
        if site is not None:
            query = query.where(t.run_host.c.site == site)
        return self._all(HostRecord, query.order_by(t.run_host.c.position))

    def shards(self, run_id: str, state: str | None = None) -> list[ShardRecord]:
        query = sa.select(t.shard).where(t.shard.c.run_id == run_id)
        if state is not None:
            query = query.where(t.shard.c.state == state)
        return self._all(ShardRecord, query.order_by(t.shard.c.id))

    def failed(self, run_id: str) -> int:
        """Give how many hosts of a run have failed."""
        h = t.run_host.c
        query = sa.select(sa.func.count()).where(h.run_id == run_id, h.outcome == "failed")
        with self.reading() as connection:
            return connection.execute(query).scalar_one()

    def decisions(self, run_id: str) -> list[DecisionRecord]:
        query = sa.select(t.decision).where(t.decision.c.run_id == run_id)
        return self._all(DecisionRecord, query.order_by(t.decision.c.id))

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
        return self._all(EventRecord, query.order_by(t.event.c.id))

    # -- steering ---------------------------------------------------------------

    def wish(self, run_id: str, wish: Wish, *, by: str, at: datetime) -> RunRecord:
        """Ask the process that carries the run to pause or cancel it.

        :raises RunError: if the run has ended.
        """
        return self._ask(run_id, f"asked to {wish}", {"wish": wish}, by=by, at=at)

    def go_on(self, run_id: str, *, by: str, at: datetime) -> RunRecord:
        """Take back what was wished of the run: whoever comes first may carry it on.

        :raises RunError: if the run has ended.
        """
        waiting = sa.case((t.run.c.state == "paused", "waiting"), else_=t.run.c.state)
        to = {"wish": None, "state": waiting}
        return self._ask(run_id, "asked to go on", to, by=by, at=at)

    def _ask(
        self, run_id: str, what: str, to: Mapping[str, Any], *, by: str, at: datetime
    ) -> RunRecord:
        with self.writing() as connection:
            asked = connection.execute(
                t.run.update().where(t.run.c.id == run_id, t.run.c.state.not_in(ENDED)).values(**to)
            )
            if asked.rowcount:
                _decide(connection, run_id, at=at, by=by, what=what)
        record = self.run(run_id)
        if not asked.rowcount:
            raise RunError(f"the run is {record.state} already", where=run_id)
        return record

    def open_gate(self, run_id: str, site: str, *, by: str, at: datetime) -> None:
        """Let the next wave of a site start that waits for a person.

        :raises RunError: if that site has no gate that waits.
        """
        s = t.run_site.c
        with self.writing() as connection:
            opened = connection.execute(
                t.run_site.update()
                .where(s.run_id == run_id, s.site == site, s.state == "open")
                .where(s.approved <= s.passed)
                .values(approved=s.passed + 1)
            )
            if opened.rowcount:
                what = "approved the next wave"
                _decide(connection, run_id, at=at, by=by, what=what, site=site)
        if not opened.rowcount:
            raise RunError("no gate of this site waits for approval", where=f"{run_id}, {site}")

    def is_carried(self, run: RunRecord) -> bool:
        """Tell whether a living process carries the run."""
        with self.reading() as connection:
            return not is_free(run.holder, run.holder_seen_at, moment(connection))

    def acquire(self, run_id: str, *, at: datetime) -> Lease:
        """Take the run over, if nobody who lives carries it.

        :raises RunCarried: if another process carries it.
        :raises RunError: if it has ended.
        """
        me = str(Holder.me())
        with self.writing() as connection:
            row = connection.execute(
                sa.select(t.run).where(t.run.c.id == run_id).with_for_update()
            ).one_or_none()
            if row is not None and row.state not in ENDED:
                now = moment(connection)
                if not is_free(row.holder, row.holder_seen_at, now):
                    raise RunCarried(
                        "another ictops process carries this run",
                        where=run_id,
                        do="'ictops run show' tells how far it is; 'ictops run pause' or "
                        "'cancel' reaches it",
                    )
                fence = row.fence + 1
                connection.execute(
                    t.run.update()
                    .where(t.run.c.id == run_id)
                    .values(fence=fence, holder=me, holder_seen_at=now, state="running")
                )
                detail = f"fence {fence}"
                _decide(connection, run_id, at=at, by=me, what="taken over", detail=detail)
                return Lease(self, run_id, fence)
        record = self.run(run_id)
        raise RunError(f"the run is {record.state} already", where=run_id)

    def claimed_by(self, cluster: str, hosts: Sequence[str]) -> list[str]:
        """Give the runs that work on these hosts now."""
        c = t.claim.c
        query = sa.select(c.run_id).where(c.cluster == cluster, c.host.in_(hosts))
        with self.reading() as connection:
            return list(connection.execute(query.distinct().order_by(c.run_id)).scalars())

    # -- housekeeping -------------------------------------------------------------

    def prune_events(self, before: datetime) -> int:
        """Delete the events of runs that ended before ``before``; their outcomes stay.

        A part at a time, so that no run has to wait long with its own writes.
        """
        old = (
            sa.select(t.event.c.id)
            .join(t.shard, t.shard.c.id == t.event.c.shard_id)
            .join(t.run, t.run.c.id == t.shard.c.run_id)
            .where(t.run.c.ended_at < before)
            .limit(PRUNED_AT_ONCE)
        )
        pruned = 0
        while True:
            with self.writing() as connection:
                part = connection.execute(t.event.delete().where(t.event.c.id.in_(old))).rowcount
            pruned += part
            if part < PRUNED_AT_ONCE:
                return pruned

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

    def _all(self, kind: type[Record], query: sa.Select[Any]) -> list[Record]:
        names = [field.name for field in fields(kind)]  # type: ignore[arg-type]
        with self.reading() as connection:
            rows: Sequence[Any] = connection.execute(query).mappings().all()
        return [kind(**{name: row[name] for name in names}) for row in rows]


def is_free(holder: str | None, seen_at: datetime | None, now: datetime) -> bool:
    """Tell whether a run with this holder may be taken over."""
    if holder is None:
        return True
    alive = Holder.parse(holder).alive()
    if alive is None:  # on another machine, or hidden: only its silence tells
        return seen_at is None or now - seen_at > LEASE_TIME
    return not alive


def _unfinished(plan_digest: str) -> sa.Select[Any]:
    r = t.run.c
    return sa.select(t.run).where(r.plan_digest == plan_digest, r.state.not_in(ENDED))


def _decide(
    connection: sa.Connection,
    run_id: str,
    *,
    at: datetime,
    by: str,
    what: str,
    detail: str = "",
    site: str | None = None,
) -> None:
    connection.execute(
        t.decision.insert().values(run_id=run_id, site=site, at=at, by=by, what=what, detail=detail)
    )
