"""Alarms, what each route was told of them, and the messages.

Revision ID: 0006
Revises: 0005
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
STANDS = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "alarm",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("site", sa.String(length=63), server_default="", nullable=False),
        sa.Column("host", sa.String(length=253), server_default="", nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alarm")),
        comment="What a person should know of: a row from its beginning to its end.",
    )
    op.create_index(op.f("ix_alarm_ended_at"), "alarm", ["ended_at"], unique=False)
    op.create_index(
        "ix_alarm_standing",
        "alarm",
        ["cluster", "source", "key"],
        unique=True,
        sqlite_where=STANDS,
        postgresql_where=STANDS,
    )
    op.create_table(
        "notify_route",
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("route", sa.String(length=63), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("summarised", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("cluster", "route", name=op.f("pk_notify_route")),
        comment="How far people are told by a route.",
    )
    op.create_table(
        "delivery",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("route", sa.String(length=63), nullable=False),
        sa.Column("urgent", sa.Boolean(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("next_try_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery")),
        comment="A message to a route: written before it is sent, marked after.",
    )
    op.create_index("ix_delivery_cluster_state", "delivery", ["cluster", "state"], unique=False)
    op.create_table(
        "alarm_told",
        sa.Column("alarm_id", NUMBER, nullable=False),
        sa.Column("route", sa.String(length=63), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("severity", sa.String(length=16), nullable=False),
        sa.Column("ended", sa.Boolean(), nullable=False),
        sa.Column("delivery_id", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(
            ["alarm_id"], ["alarm.id"], name=op.f("fk_alarm_told_alarm_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["delivery.id"],
            name=op.f("fk_alarm_told_delivery_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("alarm_id", "route", name=op.f("pk_alarm_told")),
        comment="What the newest message to a route says of an alarm.",
    )
    op.create_index(op.f("ix_alarm_told_delivery_id"), "alarm_told", ["delivery_id"], unique=False)
