"""Certificates of what became of the disks of a PC that was erased.

Revision ID: 0004
Revises: 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "certificate",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("site", sa.String(length=63), nullable=False),
        sa.Column("run_id", sa.String(length=16), nullable=True),
        sa.Column("job", sa.String(length=36), nullable=False),
        sa.Column("erased", sa.Boolean(), nullable=False),
        sa.Column("ended_at", sa.DateTime(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_certificate_run_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_certificate")),
        sa.UniqueConstraint("job", name=op.f("uq_certificate_job")),
        comment="What became of the disks of a PC that was to be erased; never pruned.",
    )
    op.create_index(op.f("ix_certificate_run_id"), "certificate", ["run_id"], unique=False)
    op.create_index("ix_certificate_cluster_host", "certificate", ["cluster", "host"], unique=False)
