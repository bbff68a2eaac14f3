"""Schedules, and their slots: each time at which one is due at a site is a row that exists once.

A slot is claimed, with the id of the run that it is to begin, before there is that run; the
run's first line and the slot's being begun are one commit. So whoever lost a claim can begin
nothing any more, and no slot is ever begun twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ictops.errors import ScheduleError
from ictops.store import tables as t
from ictops.store.database import moment, one_at_a_time
from ictops.store.holder import Holder
from ictops.store.journal import Journal
from ictops.store.records import (
    GOOD,
    FillRecord,
    MissedPolicy,
    PastSlot,
    ScheduleRecord,
    SlotRecord,
    SlotState,
)
from ictops.store.slot_filling import Fill, Filling

CLAIM_TIME = timedelta(minutes=5)
"""How long a process on another machine may take to begin what it has claimed."""

GONE = "the site is no longer in the cluster"
REMOVED = "the schedule was removed"
LOST = "the process that had claimed it was lost"

_OPEN: tuple[SlotState, ...] = ("planned", "claimed")
_FREE = {"run_id": None, "claimed_by": None, "claimed_at": None}


class Slots:
    """The schedules of a journal, and their slots."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    # -- schedules ----------------------------------------------------------------

    def add(
        self,
        *,
        cluster: str,
        name: str,
        rule: str,
        operation: str,
        sites: Sequence[str],
        limit: str | None,
        options: Mapping[str, str | bool],
        jitter: timedelta,
        missed: MissedPolicy,
        within: timedelta | None,
        by: str,
        at: datetime,
    ) -> ScheduleRecord:
        """Write a schedule down, and give it.

        :raises ScheduleError: if there is one of this name.
        """
        row = {
            "cluster": cluster, "name": name, "rule": rule, "operation": operation,
            "sites": list(sites), "limit": limit, "options": dict(options),
            "jitter": int(jitter.total_seconds()), "missed": missed,
            "within": int(within.total_seconds()) if within is not None else None,
            "added_at": at, "added_by": by,
        }  # fmt: skip
        with self._alone(cluster) as connection:
            if connection.execute(_named(cluster, name)).first() is not None:
                raise ScheduleError(
                    "there is a schedule of this name",
                    where=name,
                    do=f"'ictops schedule remove {name}' takes it away; its history stays",
                )
            connection.execute(t.schedule.insert().values(row))
        return self.find(cluster, name)

    def remove(self, cluster: str, name: str, *, by: str, at: datetime) -> int:
        """Take a schedule away: nothing of it is begun any more. Give how many slots that were.

        :raises ScheduleError: if there is none of this name.
        """
        found = self.find(cluster, name)
        s = t.slot.c
        with self._alone(cluster) as connection:
            connection.execute(
                t.schedule.update()
                .where(t.schedule.c.id == found.id)
                .values(removed_at=at, removed_by=by)
            )
            return connection.execute(
                t.slot.update()
                .where(s.schedule_id == found.id, s.state.in_(_OPEN))
                .values(state="skipped", reason=REMOVED, **_FREE)
            ).rowcount

    def find(self, cluster: str, name: str) -> ScheduleRecord:
        """Give a schedule by its name.

        :raises ScheduleError: if there is none of this name.
        """
        found = self.journal.rows(ScheduleRecord, _named(cluster, name))
        if not found:
            there = ", ".join(one.name for one in self.schedules(cluster))
            raise ScheduleError(
                "there is no such schedule",
                where=name,
                do=f"There are: {there}" if there else "'ictops schedule add' makes one",
            )
        return found[0]

    def schedules(self, cluster: str) -> list[ScheduleRecord]:
        """Give the schedules of a cluster that stand, by name."""
        c = t.schedule.c
        query = sa.select(t.schedule).where(c.cluster == cluster, c.removed_at.is_(None))
        return self.journal.rows(ScheduleRecord, query.order_by(c.name))

    def clusters(self) -> list[str]:
        """Give the clusters that have schedules."""
        c = t.schedule.c
        query = sa.select(c.cluster).where(c.removed_at.is_(None)).distinct()
        with self.journal.reading() as connection:
            return list(connection.execute(query.order_by(c.cluster)).scalars())

    # -- filling --------------------------------------------------------------------

    def fills(self, schedule_id: int) -> dict[str, FillRecord]:
        """Give until when the slots of a schedule are written down, by site."""
        f = t.slot_fill.c
        query = sa.select(t.slot_fill).where(f.schedule_id == schedule_id).order_by(f.site)
        return {one.site: one for one in self.journal.rows(FillRecord, query)}

    def fill(self, schedule: ScheduleRecord, fillings: Sequence[Filling], now: datetime) -> None:
        """Write the slots of a schedule down; to do it again changes nothing.

        What is planned and no longer due is skipped; what was given up though it is due only
        later, as by a clock that was ahead, is planned again. What was begun stays so.
        """
        if not fillings:
            return
        with self._alone(schedule.cluster) as connection:
            Fill(connection, schedule.id, fillings, now).write()

    def leave(self, schedule: ScheduleRecord, here: Iterable[str]) -> None:
        """Skip what is planned for sites that are not among these: they left the cluster."""
        s, f, sites = t.slot.c, t.slot_fill.c, list(here)
        with self._alone(schedule.cluster) as connection:
            connection.execute(
                t.slot.update()
                .where(s.schedule_id == schedule.id, s.state == "planned", s.site.not_in(sites))
                .values(state="skipped", reason=GONE)
            )
            connection.execute(
                t.slot_fill.delete().where(f.schedule_id == schedule.id, f.site.not_in(sites))
            )

    # -- claiming --------------------------------------------------------------------

    def due(self, schedule_id: int, now: datetime) -> list[SlotRecord]:
        """Give the slots of a schedule that are due and that nothing became of, oldest first."""
        s = t.slot.c
        query = sa.select(t.slot).where(
            s.schedule_id == schedule_id, s.state == "planned", s.due_at <= now
        )
        return self.journal.rows(SlotRecord, query.order_by(s.due_at, s.site))

    def claim(self, cluster: str, slots: Iterable[SlotRecord], run_id: str) -> list[SlotRecord]:
        """Claim slots for a run that is to be; give those that nobody else has claimed."""
        s, ids = t.slot.c, [one.id for one in slots]
        with self._alone(cluster) as connection:
            connection.execute(
                t.slot.update()
                .where(s.id.in_(ids), s.state == "planned")
                .values(
                    state="claimed",
                    run_id=run_id,
                    claimed_by=str(Holder.me()),
                    claimed_at=moment(connection),
                )
            )
        claimed = sa.select(t.slot).where(s.run_id == run_id, s.state == "claimed")
        return self.journal.rows(SlotRecord, claimed.order_by(s.site))

    def give_back(self, cluster: str, run_id: str, reason: str) -> None:
        """Let go of what is claimed for a run that could not be begun."""
        self._unclaim(cluster, run_id, "planned", reason)

    def skip(self, cluster: str, run_id: str, reason: str) -> None:
        """Skip what is claimed for a run: there is nothing to be done."""
        self._unclaim(cluster, run_id, "skipped", reason)

    def free_lost(self, cluster: str) -> None:
        """Let go of what is claimed by a process that is no more, or is silent for too long."""
        s, c = t.slot.c, t.schedule.c
        query = (
            sa.select(s.run_id, s.claimed_by, s.claimed_at)
            .join(t.schedule, c.id == s.schedule_id)
            .where(c.cluster == cluster, s.state == "claimed")
            .distinct()
        )
        with self.journal.reading() as connection:
            now = moment(connection)
            claims = connection.execute(query).all()
        for run_id, holder, at in claims:
            alive = Holder.parse(holder).alive()
            if alive is False or (alive is None and now - at > CLAIM_TIME):
                self._unclaim(cluster, run_id, "planned", LOST)

    def miss(self, cluster: str, reasons: Mapping[int, str]) -> None:
        """Give planned slots up, each by its id and for its reason."""
        self._say(cluster, reasons, state="missed")

    def wait(self, cluster: str, reasons: Mapping[int, str]) -> None:
        """Say what planned slots wait for."""
        self._say(cluster, reasons, state="planned")

    # -- looking back ------------------------------------------------------------------

    def history(
        self,
        cluster: str,
        *,
        since: datetime,
        until: datetime,
        name: str | None = None,
        site: str | None = None,
    ) -> list[PastSlot]:
        """Give every slot between two moments, the newest first, also of removed schedules."""
        s, c, r, w, h = t.slot.c, t.schedule.c, t.run.c, t.run_site.c, t.run_host.c
        not_good = (
            sa.select(sa.func.count())
            .where(h.run_id == s.run_id, h.site == s.site, h.outcome.is_not(None))
            .where(h.outcome.not_in([*GOOD, "skipped"]))
            .scalar_subquery()
        )
        query = (
            sa.select(
                c.name.label("schedule"), s.site, s.date, s.due_at, s.state, s.reason, s.run_id,
                r.state.label("run_state"), w.state.label("site_state"),
                not_good.label("not_good"),
            )
            .join(t.schedule, c.id == s.schedule_id)
            .outerjoin(t.run, r.id == s.run_id)
            .outerjoin(t.run_site, sa.and_(w.run_id == s.run_id, w.site == s.site))
            .where(c.cluster == cluster, s.due_at >= since, s.due_at <= until)
        )  # fmt: skip
        if name is not None:
            query = query.where(c.name == name)
        if site is not None:
            query = query.where(s.site == site)
        order = (s.date.desc(), c.name, s.due_at.desc(), s.site)
        return self.journal.rows(PastSlot, query.order_by(*order))

    def prune(self, before: datetime) -> int:
        """Delete slots that were due before ``before`` and are over; give how many."""
        s = t.slot.c
        return self.journal.delete(t.slot, sa.and_(s.due_at < before, s.state.not_in(_OPEN)))

    # -- beneath -----------------------------------------------------------------------

    @contextmanager
    def _alone(self, cluster: str) -> Iterator[sa.Connection]:
        """Give a transaction beside which no other one changes a slot of the cluster."""
        with self.journal.writing() as connection:
            one_at_a_time(connection, f"slots {cluster}")
            yield connection

    def _unclaim(self, cluster: str, run_id: str, state: SlotState, reason: str) -> None:
        s = t.slot.c
        with self._alone(cluster) as connection:
            connection.execute(
                t.slot.update()
                .where(s.run_id == run_id, s.state == "claimed")
                .values(state=state, reason=reason, **_FREE)
            )

    def _say(self, cluster: str, reasons: Mapping[int, str], *, state: SlotState) -> None:
        if not reasons:
            return
        s = t.slot.c
        this = t.slot.update().where(s.id == sa.bindparam("row"), s.state == "planned")
        rows = [{"row": row, "state": state, "reason": why} for row, why in reasons.items()]
        with self._alone(cluster) as connection:
            connection.execute(this, rows)


def _named(cluster: str, name: str) -> sa.Select[Any]:
    c = t.schedule.c
    return sa.select(t.schedule).where(c.cluster == cluster, c.name == name, c.removed_at.is_(None))
