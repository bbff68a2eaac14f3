"""The slots of a schedule, written down as its rule and the calendars say now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ictops.store import tables as t
from ictops.store.records import SlotState

GRACE = timedelta(minutes=10)
"""How long after its time a slot is still on time: a tick wakes each minute."""
NO_LONGER = "it is no longer due: the site's calendar or time zone has changed"


@dataclass(frozen=True, slots=True)
class Filling:
    """The slots of a schedule at one site, as they are to be now.

    :ivar slots: when it is due, by local date: from :data:`GRACE` ago up to ``until``.
    :ivar after: what is due later than this is new; what was due before stands as it is.
    :ivar unknown: why nobody can tell whether these are due: they are missed. Else empty.
    """

    site: str
    timezone: str
    slots: Mapping[date, datetime]
    after: datetime
    until: datetime
    unknown: str = ""


class Fill:
    """Slots that are written in one transaction, beside which no other changes any."""

    def __init__(
        self,
        connection: sa.Connection,
        schedule_id: int,
        fillings: Sequence[Filling],
        now: datetime,
    ) -> None:
        self._connection = connection
        self._schedule_id = schedule_id
        self._fillings = fillings
        self._now = now
        self._new: list[dict[str, Any]] = []
        self._changed: list[dict[str, Any]] = []

    def write(self) -> None:
        there = self._there()
        for one in self._fillings:
            self._site(one, there.get(one.site, {}))
        if self._new:
            self._connection.execute(t.slot.insert(), self._new)
        if self._changed:
            this = t.slot.update().where(t.slot.c.id == sa.bindparam("row"))
            self._connection.execute(this, self._changed)
        self._keep_how_far()

    def _there(self) -> dict[str, dict[date, sa.Row[Any]]]:
        s = t.slot.c
        days = [day for one in self._fillings for day in one.slots]
        days.append((self._now - GRACE).date())
        query = sa.select(s.id, s.site, s.date, s.due_at, s.state).where(
            s.schedule_id == self._schedule_id, s.date >= min(days) - timedelta(days=1)
        )
        found: dict[str, dict[date, sa.Row[Any]]] = {}
        rows: sa.Result[Any] = self._connection.execute(query)
        for row in rows:
            found.setdefault(row.site, {})[row.date] = row
        return found

    def _site(self, one: Filling, there: dict[date, sa.Row[Any]]) -> None:
        state = "missed" if one.unknown else "planned"
        for day, due in one.slots.items():
            row = there.pop(day, None)
            if row is None:
                if due > one.after:
                    self._new.append(
                        {
                            "schedule_id": self._schedule_id, "site": one.site, "date": day,
                            "due_at": due, "state": state, "reason": one.unknown,
                        }
                    )  # fmt: skip
            elif one.unknown:
                continue
            elif row.state == "planned":
                if row.due_at != due and self._may_change(row):
                    self._change(row, "planned", "", due)
            elif row.state in {"missed", "skipped"} and min(row.due_at, due) > self._now:
                self._change(row, "planned", "", due)
        for row in there.values():
            judged = row.due_at <= one.until and not one.unknown  # later: the clock was put back
            if row.state == "planned" and judged and self._may_change(row):
                self._change(row, "skipped", NO_LONGER, row.due_at)

    def _may_change(self, row: sa.Row[Any]) -> bool:
        """Tell whether a planned slot is still to come, or is just about to be begun."""
        return bool(row.due_at > self._now - GRACE)

    def _change(self, row: sa.Row[Any], state: SlotState, reason: str, due: datetime) -> None:
        self._changed.append({"row": row.id, "state": state, "reason": reason, "due_at": due})

    def _keep_how_far(self) -> None:
        f = t.slot_fill.c
        self._connection.execute(
            t.slot_fill.delete().where(
                f.schedule_id == self._schedule_id, f.site.in_([one.site for one in self._fillings])
            )
        )
        self._connection.execute(
            t.slot_fill.insert(),
            [
                {
                    "schedule_id": self._schedule_id, "site": one.site,
                    "timezone": one.timezone, "filled_to": one.until,
                }
                for one in self._fillings
            ],
        )  # fmt: skip
