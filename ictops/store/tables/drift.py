"""What checks found, for as long as they found it."""

from __future__ import annotations

import sqlalchemy as sa

from ictops.store.tables.columns import STANDS, Number, UtcDateTime, Words, metadata

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
        sqlite_where=STANDS,
        postgresql_where=STANDS,
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
        sqlite_where=STANDS,
        postgresql_where=STANDS,
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
        sqlite_where=STANDS,
        postgresql_where=STANDS,
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
