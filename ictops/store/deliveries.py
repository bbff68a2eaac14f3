"""Messages to routes: which news each has heard, and what is still to be sent."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from ictops.store import tables as t
from ictops.store.alarm_records import (
    AlarmRecord,
    DeliveryRecord,
    Message,
    News,
    RouteRecord,
    Severity,
)
from ictops.store.alarms import SETTLES
from ictops.store.database import one_at_a_time
from ictops.store.journal import Journal

SENDING_TAKES = timedelta(minutes=10)
"""How long a message is nobody else's once somebody has begun to send it."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """What a route wants to hear of."""

    route: str
    severities: Collection[Severity]
    sites: Collection[str] | None
    """Only of these; None: of all, and of what concerns no single one."""


@dataclass(frozen=True, slots=True)
class Decided:
    """What is made of the news for a route."""

    messages: Sequence[Message]
    summarised: date | None
    """The local day whose daily summary is done with by this; None: none is."""


Decide = Callable[[RouteRecord, list[News]], Decided]


class Deliveries:
    """The messages in a journal."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    def make(self, cluster: str, hearing: Hearing, decide: Decide, now: datetime) -> None:
        """Write down what is to be sent to a route now.

        The news that a message tells are news no longer once it is written: two processes that
        do this at once do not tell twice.

        :param decide: gives the messages for what the route does not know yet.
        """
        with self.journal.writing() as connection:
            one_at_a_time(connection, f"deliveries {cluster} {hearing.route}")
            state = _state(connection, cluster, hearing.route, now)
            decided = decide(state, _news(connection, state, hearing, now))
            for message in decided.messages:
                _write(connection, state, message, now)
            if decided.summarised is not None:
                connection.execute(
                    t.notify_route.update()
                    .where(t.notify_route.c.cluster == cluster)
                    .where(t.notify_route.c.route == hearing.route)
                    .values(summarised=decided.summarised)
                )

    def waiting(self, cluster: str) -> list[DeliveryRecord]:
        """Give the messages that were not sent yet, oldest first."""
        d = t.delivery.c
        query = sa.select(t.delivery).where(d.cluster == cluster, d.state == "waiting")
        return self.journal.rows(DeliveryRecord, query.order_by(d.id))

    def claim(self, delivery: DeliveryRecord, now: datetime) -> bool:
        """Tell whether this process may send a message; nobody else may for a while then.

        Where it ends before it marks the message, it is sent once more after that while.
        """
        d = t.delivery.c
        with self.journal.writing() as connection:
            claimed = connection.execute(
                t.delivery.update()
                .where(d.id == delivery.id, d.state == "waiting", d.tries == delivery.tries)
                .values(tries=d.tries + 1, next_try_at=now + SENDING_TAKES, reason="")
            )
        return claimed.rowcount == 1

    def sent(self, delivery: DeliveryRecord, now: datetime) -> None:
        """Write down that a message was sent."""
        d = t.delivery.c
        with self.journal.writing() as connection:
            connection.execute(
                t.delivery.update()
                .where(d.id == delivery.id, d.state == "waiting")
                .values(state="sent", ended_at=now)
            )

    def failed(self, delivery: DeliveryRecord, reason: str, next_try_at: datetime) -> None:
        """Write down why a message could not be sent, and when it is to be tried again.

        Those that wait behind it wait for the same.
        """
        d = t.delivery.c
        behind = (d.cluster == delivery.cluster) & (d.route == delivery.route)
        with self.journal.writing() as connection:
            connection.execute(
                t.delivery.update()
                .where(behind, d.state == "waiting", d.id >= delivery.id)
                .values(reason=reason, next_try_at=next_try_at)
            )

    def keep_only(self, cluster: str, routes: Collection[str], now: datetime) -> None:
        """Forget every other route, and drop what was still to be sent to it."""
        d, r = t.delivery.c, t.notify_route.c
        names = list(routes)
        with self.journal.writing() as connection:
            connection.execute(
                t.delivery.update()
                .where(d.cluster == cluster, d.state == "waiting", d.route.not_in(names))
                .values(state="dropped", ended_at=now, reason="the route is gone")
            )
            connection.execute(
                t.notify_route.delete().where(r.cluster == cluster, r.route.not_in(names))
            )

    def prune(self, before: datetime) -> int:
        """Delete messages that were sent or dropped before ``before``; give how many."""
        return self.journal.delete(t.delivery, t.delivery.c.ended_at < before)


def _state(connection: sa.Connection, cluster: str, route: str, now: datetime) -> RouteRecord:
    """Give how far a route is; it begins now if it is a new one."""
    r = t.notify_route.c
    query = sa.select(t.notify_route).where(r.cluster == cluster, r.route == route)
    row = connection.execute(query).one_or_none()
    if row is not None:
        return RouteRecord(row.cluster, row.route, row.since, row.summarised)
    insert = t.notify_route.insert().values(cluster=cluster, route=route, since=now)
    connection.execute(insert)
    return RouteRecord(cluster, route, since=now, summarised=None)


def _news(
    connection: sa.Connection, state: RouteRecord, hearing: Hearing, now: datetime
) -> list[News]:
    """Give what a route does not know yet.

    It hears of what concerns it, and, once it has heard of an alarm, of what becomes of that.
    """
    a, told = t.alarm.c, t.alarm_told.c
    anywhere = sa.true() if hearing.sites is None else a.site.in_(list(hearing.sites))
    concerned = a.severity.in_(list(hearing.severities)) & anywhere
    stands = a.ended_at.is_(None)
    settled = a.ended_at <= now - SETTLES
    untold = told.alarm_id.is_(None) & concerned & (stands | (settled & (a.ended_at > state.since)))
    other = (
        told.alarm_id.is_not(None)
        & ~told.ended
        & (settled | (stands & (told.version != a.version)))
    )
    query = (
        sa.select(t.alarm, told.severity.label("told"))
        .outerjoin(t.alarm_told, sa.and_(told.alarm_id == a.id, told.route == hearing.route))
        .where(a.cluster == state.cluster, untold | other)
        .order_by(a.since, a.id)
    )
    names = [field.name for field in fields(AlarmRecord)]
    return [
        News(AlarmRecord(**{name: row[name] for name in names}), row["told"])
        for row in connection.execute(query).mappings()
    ]


def _write(connection: sa.Connection, state: RouteRecord, message: Message, now: datetime) -> None:
    number = connection.execute(
        t.delivery.insert()
        .values(
            cluster=state.cluster, route=state.route, urgent=message.urgent,
            title=message.title, text=message.text, made_at=now, state="waiting", next_try_at=now,
        )
        .returning(t.delivery.c.id)
    ).scalar_one()  # fmt: skip
    table, told = t.alarm_told, t.alarm_told.c
    first = [
        {"alarm_id": one.alarm.id, "route": state.route, **_told(one, number)}
        for one in message.news
        if one.told is None
    ]
    again = [
        {"row": one.alarm.id, **_told(one, number)} for one in message.news if one.told is not None
    ]
    if first:
        connection.execute(table.insert(), first)
    if again:
        this = sa.and_(told.alarm_id == sa.bindparam("row"), told.route == state.route)
        connection.execute(table.update().where(this), again)


def _told(news: News, delivery: int) -> dict[str, Any]:
    return {
        "version": news.alarm.version, "severity": news.alarm.severity, "ended": news.ended,
        "delivery_id": delivery,
    }  # fmt: skip
