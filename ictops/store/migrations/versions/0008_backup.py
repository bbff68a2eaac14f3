"""Backups, drills, the care of repositories, archives, and the audit trail.

Revision ID: 0008
Revises: 0007
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _sets()
    _snapshots()
    _care()
    _archives()
    _audit()


def _sets() -> None:
    op.create_table(
        "backup_set",
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("site", sa.String(length=63), nullable=False),
        sa.Column("repository", sa.String(length=63), nullable=False),
        sa.Column("class", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("tried_at", sa.DateTime(), nullable=False),
        sa.Column("good_at", sa.DateTime(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("files", NUMBER, nullable=False),
        sa.Column("bytes", NUMBER, nullable=False),
        sa.Column("bytes_added", NUMBER, nullable=False),
        sa.Column("run_id", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["run.id"], name=op.f("fk_backup_set_run_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("cluster", "host", "name", name=op.f("pk_backup_set")),
        comment="What became of the backups of a set of a host: the newest try and the last good "
        "one.",
    )
    op.create_index(op.f("ix_backup_set_run_id"), "backup_set", ["run_id"], unique=False)


def _snapshots() -> None:
    op.create_table(
        "backup_snapshot",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("repository", sa.String(length=63), nullable=False),
        sa.Column("snapshot", sa.String(length=64), nullable=False),
        sa.Column("site", sa.String(length=63), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("sample", sa.JSON(), nullable=False),
        sa.Column("drilled_at", sa.DateTime(), nullable=True),
        sa.Column("proved", sa.Boolean(), nullable=True),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_backup_snapshot")),
        sa.UniqueConstraint(
            "cluster",
            "repository",
            "snapshot",
            name=op.f("uq_backup_snapshot_cluster_repository_snapshot"),
        ),
        comment="A snapshot, the sample that was taken with it, and what a drill proved of it.",
    )
    op.create_index(
        "ix_backup_snapshot_cluster_host_name",
        "backup_snapshot",
        ["cluster", "host", "name"],
        unique=False,
    )


def _care() -> None:
    op.create_table(
        "backup_care",
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("repository", sa.String(length=63), nullable=False),
        sa.Column("what", sa.String(length=16), nullable=False),
        sa.Column("site", sa.String(length=63), nullable=False),
        sa.Column("server", sa.String(length=253), nullable=False),
        sa.Column("tried_at", sa.DateTime(), nullable=False),
        sa.Column("good", sa.Boolean(), nullable=False),
        sa.Column("good_at", sa.DateTime(), nullable=True),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("cluster", "repository", "what", name=op.f("pk_backup_care")),
        comment="What became of the last check, prune, copy and list of a repository.",
    )


def _archives() -> None:
    op.create_table(
        "backup_archive",
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("site", sa.String(length=63), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("repository", sa.String(length=63), nullable=False),
        sa.Column("snapshots", sa.JSON(), nullable=False),
        sa.Column("paths", sa.JSON(), nullable=False),
        sa.Column("removed", sa.JSON(), nullable=False),
        sa.Column("files", NUMBER, nullable=False),
        sa.Column("bytes", NUMBER, nullable=False),
        sa.Column("archived_at", sa.DateTime(), nullable=False),
        sa.Column("keep_until", sa.Date(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("cluster", "name", name=op.f("pk_backup_archive")),
        comment="Data that was put away for good, until when it is kept, and its end; never "
        "pruned.",
    )


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", NUMBER, autoincrement=True, nullable=False),
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by", sa.String(length=200), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("site", sa.String(length=63), server_default="", nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("run_id", sa.String(length=16), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
        comment="Who did what to people's data, when and why; never changed and never pruned.",
    )
    op.create_index(op.f("ix_audit_at"), "audit", ["at"], unique=False)
    op.create_index(op.f("ix_audit_run_id"), "audit", ["run_id"], unique=False)
