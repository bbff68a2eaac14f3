"""Runs: who did what, where, when, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa

from ictops.store.tables.columns import Number, UtcDateTime, Words, metadata

run = sa.Table(
    "run",
    metadata,
    sa.Column("id", sa.String(16), primary_key=True),
    sa.Column("operation", sa.String(64), nullable=False, index=True),
    sa.Column("title", Words, nullable=False),
    sa.Column("cluster", sa.String(64), nullable=False),
    sa.Column("plan", sa.Text, nullable=False),
    sa.Column("plan_digest", sa.String(64), nullable=False, index=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("created_by", sa.String(200), nullable=False),
    sa.Column("now_reason", Words),  # why the windows are overridden; NULL: they are not
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("wish", sa.String(16)),  # what a person asked of the process that carries it
    sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
    sa.Column("holder", sa.String(200)),
    sa.Column("holder_seen_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("schedule", sa.String(63)),  # the name of the one that began it
)

run_site = sa.Table(
    "run_site",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("site", sa.String(63), primary_key=True),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("reason", Words, nullable=False, server_default=""),
    sa.Column("passed", sa.Integer, nullable=False, server_default="0"),
    sa.Column("checked", sa.Integer, nullable=False, server_default="0"),
    sa.Column("approved", sa.Integer, nullable=False, server_default="0"),
    sa.Column("settled_at", UtcDateTime),  # when the current wave had no host left to try
)

run_host = sa.Table(
    "run_host",
    metadata,
    sa.Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("host", sa.String(253), primary_key=True),
    sa.Column("site", sa.String(63), nullable=False),
    sa.Column("wave", sa.Integer, nullable=False),
    sa.Column("position", sa.Integer, nullable=False),  # the plan's order of hosts
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("outcome", sa.String(16)),
    sa.Column("reason", Words, nullable=False, server_default=""),
    sa.Column("tries", sa.Integer, nullable=False, server_default="0"),
    sa.Column("started_at", UtcDateTime),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("next_try_at", UtcDateTime),
    sa.Index("ix_run_host_run_id_site", "run_id", "site"),
)

shard = sa.Table(
    "shard",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("site", sa.String(63), nullable=False),
    sa.Column("wave", sa.Integer, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("fence", sa.Integer, nullable=False),
    sa.Column("token", sa.String(64), nullable=False, unique=True),
    sa.Column("hosts", sa.JSON, nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Column("status", sa.String(16)),
    sa.Column("reason", Words, nullable=False, server_default=""),
)

claim = sa.Table(
    "claim",
    metadata,
    sa.Column("cluster", sa.String(64), primary_key=True),
    sa.Column("host", sa.String(253), primary_key=True),
    sa.Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("shard_id", sa.ForeignKey("shard.id", ondelete="CASCADE"), nullable=False),
    comment="A host that a shard is working on; two runs never work on one host at once.",
)

event = sa.Table(
    "event",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("shard_id", sa.ForeignKey("shard.id", ondelete="CASCADE"), nullable=False),
    sa.Column("counter", sa.Integer, nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("host", sa.String(253)),
    sa.Column("task", Words),
    sa.Column("data", sa.Text, nullable=False),
    sa.UniqueConstraint("shard_id", "counter"),
)

decision = sa.Table(
    "decision",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("run_id", sa.ForeignKey("run.id", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("site", sa.String(63)),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("by", sa.String(200), nullable=False),
    sa.Column("what", sa.String(32), nullable=False),
    sa.Column("detail", Words, nullable=False, server_default=""),
)

approval = sa.Table(
    "approval",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("plan_digest", sa.String(64), nullable=False, index=True),
    sa.Column("by", sa.String(200), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("note", Words, nullable=False, server_default=""),
)
