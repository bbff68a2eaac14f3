"""What drift checks said of hosts, and their differences, each with its beginning.

Revision ID: 0002
Revises: 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
STANDS = sa.text("ended_at IS NULL")


def upgrade() -> None:
    op.create_table(
        "drift_check",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("site", sa.String(length=63), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("run_id", sa.String(length=16), nullable=True),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("checked_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_drift_check_run_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drift_check")),
        comment="What checks of one kind said of a host: a row for as long as they said the same.",
    )
    op.create_index(op.f("ix_drift_check_run_id"), "drift_check", ["run_id"], unique=False)
    op.create_index(
        "ix_drift_check_standing",
        "drift_check",
        ["cluster", "kind", "host"],
        unique=True,
        sqlite_where=STANDS,
        postgresql_where=STANDS,
    )
    op.create_table(
        "drift_item",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("item", sa.Text(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drift_item")),
        comment="A difference of a host: a row from the check that found it to the one that did "
        "not.",
    )
    op.create_index(
        "ix_drift_item_standing",
        "drift_item",
        ["cluster", "kind", "host", "item"],
        unique=True,
        sqlite_where=STANDS,
        postgresql_where=STANDS,
    )
