"""What hosts were made of when they were last looked at, and the image that they have.

Revision ID: 0003
Revises: 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "hardware",
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("site", sa.String(length=63), nullable=False),
        sa.Column("seen_at", sa.DateTime(), nullable=False),
        sa.Column("uuid", sa.String(length=36), server_default="", nullable=False),
        sa.Column("vendor", sa.Text(), server_default="", nullable=False),
        sa.Column("model", sa.Text(), server_default="", nullable=False),
        sa.Column("serial", sa.Text(), server_default="", nullable=False),
        sa.Column("firmware", sa.String(length=8), nullable=False),
        sa.Column("secure_boot", sa.Boolean(), nullable=False),
        sa.Column("memory", NUMBER, nullable=False),
        sa.Column("macs", sa.JSON(), nullable=False),
        sa.Column("disks", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("cluster", "host", name=op.f("pk_hardware")),
        comment="What a host was made of when it was last looked at.",
    )
    op.create_table(
        "host_image",
        sa.Column("cluster", sa.String(length=64), nullable=False),
        sa.Column("host", sa.String(length=253), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("version", sa.String(length=63), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("written_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("cluster", "host", name=op.f("pk_host_image")),
        comment="The image that was last written to a host.",
    )
