"""The journal, for all who read it, and for people who steer runs.

What a run itself writes goes through :class:`ictops.store.lease.Lease`, which refuses a
process that no longer holds the run.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from ictops.errors import RunCarried, RunError
from ictops.store import tables as t
from ictops.store.database import connect, moment, one_at_a_time
from ictops.store.holder import Holder
from ictops.store.lease import Lease
from ictops.store.reading import Reading, unfinished
from ictops.store.records import ENDED, RunRecord, Scheduled, Wish
from ictops.store.troubles import explained

if TYPE_CHECKING:
    from collections.abc import Iterator

LEASE_TIME = timedelta(seconds=60)
"""How long a holder on another machine may be silent before its run may be taken over."""

PRUNED_AT_ONCE = 5000
"""Rows deleted in one transaction."""

NO_HOST = "the site has no host for it"

_ID_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that look alike


class Journal(Reading):
    """Runs and what became of them: read, and written by people."""

    @classmethod
    def open(cls, url: str) -> Journal:
        """Open the journal at ``url``, making it if it is not there.

        :raises JournalError: if it is damaged, of a newer ictops, or out of reach.
        """
        return cls(connect(url))

    def close(self) -> None:
        self.engine.dispose()

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
        scheduled: Scheduled | None = None,
    ) -> str:
        """Write down a new run and every host of it, and give the run's id.

        If another process was quicker with the same plan, its run's id is given.

        :param hosts: site, host and number of the wave, for each host.
        :param scheduled: the claim of a schedule that this run is for: its slots are begun by
            the same commit, or there is no run.
        :raises RunError: if that claim is no longer held.
        """
        run_id = scheduled.run_id if scheduled else new_run_id()
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
            there = connection.execute(unfinished(plan_digest)).first()
            if scheduled is not None:
                _begin_slots(connection, scheduled, str(there.id) if there else run_id, sites)
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
                    schedule=scheduled.schedule if scheduled else None,
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

    # -- housekeeping -------------------------------------------------------------

    def prune_events(self, before: datetime) -> int:
        """Delete the events of runs that ended before ``before``; their outcomes stay."""
        ended = (
            sa.select(t.shard.c.id)
            .join(t.run, t.run.c.id == t.shard.c.run_id)
            .where(t.run.c.ended_at < before)
        )
        return self.delete(t.event, t.event.c.shard_id.in_(ended))

    def delete(self, table: sa.Table, where: sa.ColumnElement[bool]) -> int:
        """Delete these rows and give how many they were.

        A part at a time, so that no run has to wait long with its own writes.
        """
        old = sa.select(table.c.id).where(where).limit(PRUNED_AT_ONCE)
        pruned = 0
        while True:
            with self.writing() as connection:
                part = connection.execute(table.delete().where(table.c.id.in_(old))).rowcount
            pruned += part
            if part < PRUNED_AT_ONCE:
                return pruned


def new_run_id() -> str:
    """Give an id for a run that is to be."""
    return "".join(secrets.choice(_ID_LETTERS) for _ in range(6))


def is_free(holder: str | None, seen_at: datetime | None, now: datetime) -> bool:
    """Tell whether a run with this holder may be taken over."""
    if holder is None:
        return True
    alive = Holder.parse(holder).alive()
    if alive is None:  # on another machine, or hidden: only its silence tells
        return seen_at is None or now - seen_at > LEASE_TIME
    return not alive


def _begin_slots(
    connection: sa.Connection, scheduled: Scheduled, run_id: str, sites: Iterable[str]
) -> None:
    """Mark the slots that are claimed for a run as begun; those of sites not in it are skipped."""
    s = t.slot.c
    claimed = t.slot.update().where(s.run_id == scheduled.run_id, s.state == "claimed")
    done = {"claimed_by": None, "claimed_at": None}
    begun = connection.execute(
        claimed.where(s.site.in_(list(sites))).values(
            state="begun", run_id=run_id, reason="", **done
        )
    )
    if not begun.rowcount:
        raise RunError(
            "its slots were taken over by another process, or it was removed",
            where=f"schedule {scheduled.schedule}",
        )
    connection.execute(claimed.values(state="skipped", run_id=None, reason=NO_HOST, **done))


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
