"""What is begun again and again, and every time at which it is due."""

from __future__ import annotations

import sqlalchemy as sa

from ictops.store.tables.columns import Number, UtcDateTime, Words, metadata

_NOT_REMOVED = sa.text("removed_at IS NULL")

schedule = sa.Table(
    "schedule",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("cluster", sa.String(64), nullable=False),
    sa.Column("name", sa.String(63), nullable=False),
    sa.Column("rule", Words, nullable=False),  # as a person said it
    sa.Column("operation", sa.String(64), nullable=False),  # its words, such as "switch backup"
    sa.Column("sites", sa.JSON, nullable=False),  # codes; none: every site that there is
    sa.Column("limit", Words),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("jitter", sa.Integer, nullable=False),  # seconds
    sa.Column("missed", sa.String(16), nullable=False),
    sa.Column("within", sa.Integer),  # seconds; how late, where that is what missed says
    sa.Column("added_at", UtcDateTime, nullable=False),
    sa.Column("added_by", sa.String(200), nullable=False),
    sa.Column("removed_at", UtcDateTime),
    sa.Column("removed_by", sa.String(200)),
    sa.Index(
        "ix_schedule_standing",
        *("cluster", "name"),
        unique=True,
        sqlite_where=_NOT_REMOVED,
        postgresql_where=_NOT_REMOVED,
    ),
    comment="What is begun again and again, and when.",
)

slot_fill = sa.Table(
    "slot_fill",
    metadata,
    sa.Column("schedule_id", sa.ForeignKey("schedule.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("site", sa.String(63), primary_key=True),
    sa.Column("timezone", sa.String(64), nullable=False),
    sa.Column("filled_to", UtcDateTime, nullable=False),
    comment="Until when the slots of a schedule are written down for a site.",
)

slot = sa.Table(
    "slot",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("schedule_id", sa.ForeignKey("schedule.id", ondelete="CASCADE"), nullable=False),
    sa.Column("site", sa.String(63), nullable=False),
    sa.Column("date", sa.Date, nullable=False),  # local to the site
    sa.Column("due_at", UtcDateTime, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", Words, nullable=False, server_default=""),
    # The run that it is claimed for, before there is one: no foreign key.
    sa.Column("run_id", sa.String(16), index=True),
    sa.Column("claimed_by", sa.String(200)),  # the process
    sa.Column("claimed_at", UtcDateTime),
    sa.UniqueConstraint("schedule_id", "site", "date"),
    sa.Index("ix_slot_state_due_at", "state", "due_at"),
    comment="A time at which a schedule is due at a site, and what became of it.",
)
