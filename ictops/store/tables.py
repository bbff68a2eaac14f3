"""The journal's tables. Times are UTC; a change here needs a migration beside it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware datetime, kept as UTC; SQLite itself forgets the zone."""

    impl = sa.DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Any) -> datetime | None:
        """Give ``value`` as naive UTC; a naive one is a bug and refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("the journal takes aware datetimes only")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, _dialect: Any) -> datetime | None:
        """Give ``value`` as an aware datetime in UTC."""
        return value.replace(tzinfo=UTC) if value else None


class Words(sa.types.TypeDecorator[str]):
    """Text as hosts and people say it, but for NUL, which PostgreSQL cannot hold."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, _dialect: Any) -> str | None:
        """Give ``value`` with a mark in the place of each NUL."""
        return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if value else value


Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
"""A row's number: a cluster's events pass 2,000,000,000; SQLite counts further by itself."""

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

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

_STANDS = sa.text("ended_at IS NULL")

drift_check = sa.Table(
    "drift_check",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("cluster", sa.String(64), nullable=False),
    sa.Column("host", sa.String(253), nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),  # what was checked, such as switch
    sa.Column("site", sa.String(63), nullable=False),
    sa.Column("state", sa.String(16), nullable=False),
    sa.Column("message", Words, nullable=False, server_default=""),  # of the newest check
    sa.Column("run_id", sa.ForeignKey("run.id", ondelete="SET NULL"), index=True),  # likewise
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("checked_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),  # NULL: it is what the newest check said
    sa.Index(
        "ix_drift_check_standing",
        *("cluster", "kind", "host"),
        unique=True,
        sqlite_where=_STANDS,
        postgresql_where=_STANDS,
    ),
    comment="What checks of one kind said of a host: a row for as long as they said the same.",
)

drift_item = sa.Table(
    "drift_item",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("cluster", sa.String(64), nullable=False),
    sa.Column("host", sa.String(253), nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("item", Words, nullable=False),  # what of the host differs
    sa.Column("digest", sa.String(64), nullable=False),  # the same for the same difference
    sa.Column("text", Words, nullable=False),
    sa.Column("since", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),  # NULL: no check has found it gone
    sa.Index(
        "ix_drift_item_standing",
        *("cluster", "kind", "host", "item"),
        unique=True,
        sqlite_where=_STANDS,
        postgresql_where=_STANDS,
    ),
    comment="A difference of a host: a row from the check that found it to the one that did not.",
)

drift_accepted = sa.Table(
    "drift_accepted",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("cluster", sa.String(64), nullable=False),
    sa.Column("host", sa.String(253), nullable=False),
    sa.Column("kind", sa.String(64), nullable=False),
    sa.Column("item", Words, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),  # another difference is not accepted
    sa.Column("until", UtcDateTime, nullable=False),
    sa.Column("reason", Words, nullable=False),
    sa.Column("by", sa.String(200), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),  # when another word on the same item took its place
    sa.Index(
        "ix_drift_accepted_standing",
        *("cluster", "kind", "host", "item"),
        unique=True,
        sqlite_where=_STANDS,
        postgresql_where=_STANDS,
    ),
    comment="A difference of a host that a person let be, for a time; never pruned.",
)

fingerprint = sa.Table(
    "fingerprint",
    metadata,
    sa.Column("cluster", sa.String(64), primary_key=True),
    sa.Column("host", sa.String(253), primary_key=True),
    sa.Column("basis", sa.String(64), nullable=False),  # of roles, playbook and inventory
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("taken_at", UtcDateTime, nullable=False),
    comment="What a host was like when a full check last found it clean.",
)

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
