"""What PCs are made of, what was written to them, and what was erased."""

from __future__ import annotations

import sqlalchemy as sa

from ictops.store.tables.columns import Number, UtcDateTime, Words, metadata

certificate = sa.Table(
    "certificate",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("cluster", sa.String(64), nullable=False),
    sa.Column("host", sa.String(253), nullable=False),
    sa.Column("site", sa.String(63), nullable=False),
    sa.Column("run_id", sa.ForeignKey("run.id", ondelete="SET NULL"), index=True),
    sa.Column("job", sa.String(36), nullable=False, unique=True),  # one job, one certificate
    sa.Column("erased", sa.Boolean, nullable=False),
    sa.Column("ended_at", UtcDateTime, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),  # SHA-256 of data
    sa.Column("data", sa.Text, nullable=False),  # JSON, in ASCII
    sa.Index("ix_certificate_cluster_host", "cluster", "host"),
    comment="What became of the disks of a PC that was to be erased; never pruned.",
)

hardware = sa.Table(
    "hardware",
    metadata,
    sa.Column("cluster", sa.String(64), primary_key=True),
    sa.Column("host", sa.String(253), primary_key=True),
    sa.Column("site", sa.String(63), nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("uuid", sa.String(36), nullable=False, server_default=""),
    sa.Column("vendor", Words, nullable=False, server_default=""),
    sa.Column("model", Words, nullable=False, server_default=""),
    sa.Column("serial", Words, nullable=False, server_default=""),
    sa.Column("firmware", sa.String(8), nullable=False),
    sa.Column("secure_boot", sa.Boolean, nullable=False),
    sa.Column("memory", Number, nullable=False),  # bytes
    sa.Column("macs", sa.JSON, nullable=False),
    sa.Column("disks", sa.JSON, nullable=False),
    comment="What a host was made of when it was last looked at.",
)

host_image = sa.Table(
    "host_image",
    metadata,
    sa.Column("cluster", sa.String(64), primary_key=True),
    sa.Column("host", sa.String(253), primary_key=True),
    sa.Column("name", sa.String(63), nullable=False),
    sa.Column("version", sa.String(63), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("written_at", UtcDateTime, nullable=False),
    comment="The image that was last written to a host.",
)
