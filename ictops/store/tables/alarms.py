"""What people should know of, and what they were told."""

from __future__ import annotations

import sqlalchemy as sa

from ictops.store.tables.columns import STANDS, Number, UtcDateTime, Words, metadata

alarm = sa.Table(
    "alarm",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("cluster", sa.String(64), nullable=False),
    sa.Column("source", sa.String(32), nullable=False),
    sa.Column("key", sa.String(64), nullable=False),  # one alarm of its source
    sa.Column("site", sa.String(63), nullable=False, server_default=""),  # "": of no one site
    sa.Column("host", sa.String(253), nullable=False, server_default=""),
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("text", Words, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),  # another one: the alarm has changed
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("changed_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime, index=True),  # NULL: it stands
    sa.Index(
        "ix_alarm_standing",
        *("cluster", "source", "key"),
        unique=True,
        sqlite_where=STANDS,
        postgresql_where=STANDS,
    ),
    comment="What a person should know of: a row from its beginning to its end.",
)

notify_route = sa.Table(
    "notify_route",
    metadata,
    sa.Column("cluster", sa.String(64), primary_key=True),
    sa.Column("route", sa.String(63), primary_key=True),
    sa.Column("since", UtcDateTime, nullable=False),  # what had ended before is not told
    sa.Column("summarised", sa.Date),  # the route's local day of the last daily summary
    comment="How far people are told by a route.",
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("cluster", sa.String(64), nullable=False),
    sa.Column("route", sa.String(63), nullable=False),
    sa.Column("urgent", sa.Boolean, nullable=False),
    sa.Column("title", Words, nullable=False),
    sa.Column("text", Words, nullable=False),
    sa.Column("made_at", UtcDateTime, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("next_try_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("reason", Words, nullable=False, server_default=""),  # of the last failure
    sa.Index("ix_delivery_cluster_state", "cluster", "state"),
    comment="A message to a route: written before it is sent, marked after.",
)

alarm_told = sa.Table(
    "alarm_told",
    metadata,
    sa.Column("alarm_id", sa.ForeignKey("alarm.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("route", sa.String(63), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("ended", sa.Boolean, nullable=False),
    sa.Column(
        "delivery_id",
        sa.ForeignKey("delivery.id", ondelete="SET NULL"),
        index=True,
    ),
    comment="What the newest message to a route says of an alarm.",
)
