"""Schedules, and every time at which one is due with what became of it.

Revision ID: 0005
Revises: 0004
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("run", sa.Column("schedule", sa.String(length=63), nullable=True))
    op.create_table(
        "schedule",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("operation", sa.String(length=64), nullable=False),
        sa.Column("sites", sa.JSON(), nullable=False),
        sa.Column("limit", sa.Text(), nullable=True),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("jitter", sa.Integer(), nullable=False),
        sa.Column("missed", sa.String(length=16), nullable=False),
        sa.Column("within", sa.Integer(), nullable=True),
        sa.Column("added_at", sa.DateTime(), nullable=False),
        sa.Column("added_by", sa.String(length=200), nullable=False),
        sa.Column("removed_at", sa.DateTime(), nullable=True),
        sa.Column("removed_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
        comment="What is begun again and again, and when.",
    )
    op.create_index(
        "ix_schedule_standing",
        "schedule",
        ["cluster", "name"],
        unique=True,
        sqlite_where=sa.text("removed_at IS NULL"),
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "slot_fill",
        sa.Column("schedule_id", NUMBER, nullable=False),
        sa.Column("site", sa.String(length=63), nullable=False),
        sa.Column("timezone", sa.String(length=64), nullable=False),
        sa.Column("filled_to", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["schedule.id"],
            name=op.f("fk_slot_fill_schedule_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("schedule_id", "site", name=op.f("pk_slot_fill")),
        comment="Until when the slots of a schedule are written down for a site.",
    )
    op.create_table(
        "slot",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("schedule_id", NUMBER, nullable=False),
        sa.Column("site", sa.String(length=63), nullable=False),
        sa.Column("date", sa.Date(), nullable=False),
        sa.Column("due_at", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("run_id", sa.String(length=16), nullable=True),
        sa.Column("claimed_by", sa.String(length=200), nullable=True),
        sa.Column("claimed_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["schedule_id"],
            ["schedule.id"],
            name=op.f("fk_slot_schedule_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot")),
        sa.UniqueConstraint(
            "schedule_id", "site", "date", name=op.f("uq_slot_schedule_id_site_date")
        ),
        comment="A time at which a schedule is due at a site, and what became of it.",
    )
    op.create_index(op.f("ix_slot_run_id"), "slot", ["run_id"], unique=False)
    op.create_index("ix_slot_state_due_at", "slot", ["state", "due_at"], unique=False)
