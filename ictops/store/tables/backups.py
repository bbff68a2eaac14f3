"""What was backed up, what a restore proved of it, how repositories are cared for; and the audit
trail.
"""

from __future__ import annotations

import sqlalchemy as sa

from ictops.store.tables.columns import Number, UtcDateTime, Words, metadata

backup_set = sa.Table(
    "backup_set",
    metadata,
    sa.Column("cluster", sa.String(64), primary_key=True),
    sa.Column("host", sa.String(253), primary_key=True),
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("site", sa.String(63), nullable=False),
    sa.Column("repository", sa.String(63), nullable=False),
    sa.Column("class", sa.String(16), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("tried_at", UtcDateTime, nullable=False),  # the newest try, by our own clock
    sa.Column("good_at", UtcDateTime),  # of the last good one; NULL: there was none
    sa.Column("failures", sa.Integer, nullable=False),  # tries that failed since
    sa.Column("message", Words, nullable=False, server_default=""),  # of the newest try
    sa.Column("seconds", sa.Float, nullable=False),  # this and what follows: of the last good one
    sa.Column("files", Number, nullable=False),
    sa.Column("bytes", Number, nullable=False),
    sa.Column("bytes_added", Number, nullable=False),
    sa.Column("run_id", sa.ForeignKey("run.id", ondelete="SET NULL"), index=True),
    comment="What became of the backups of a set of a host: the newest try and the last good one.",
)

backup_snapshot = sa.Table(
    "backup_snapshot",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("cluster", sa.String(64), nullable=False),
    sa.Column("repository", sa.String(63), nullable=False),
    sa.Column("snapshot", sa.String(64), nullable=False),
    sa.Column("site", sa.String(63), nullable=False),
    sa.Column("host", sa.String(253), nullable=False),
    sa.Column("name", sa.String(63), nullable=False),  # of the set
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("sample", sa.JSON, nullable=False),  # path, size and SHA-256 of some of its files
    sa.Column("drilled_at", UtcDateTime),  # NULL: nobody has tried to restore it
    sa.Column("proved", sa.Boolean),  # what the last drill of it came to
    sa.Column("message", Words, nullable=False, server_default=""),  # likewise
    sa.UniqueConstraint("cluster", "repository", "snapshot"),
    sa.Index("ix_backup_snapshot_cluster_host_name", "cluster", "host", "name"),
    comment="A snapshot, the sample that was taken with it, and what a drill proved of it.",
)

backup_care = sa.Table(
    "backup_care",
    metadata,
    sa.Column("cluster", sa.String(64), primary_key=True),
    sa.Column("repository", sa.String(63), primary_key=True),
    sa.Column("what", sa.String(16), primary_key=True),  # check, prune, copy or list
    sa.Column("site", sa.String(63), nullable=False),
    sa.Column("server", sa.String(253), nullable=False),
    sa.Column("tried_at", UtcDateTime, nullable=False),
    sa.Column("good", sa.Boolean, nullable=False),
    sa.Column("good_at", UtcDateTime),  # when it was last good
    sa.Column("message", Words, nullable=False, server_default=""),
    sa.Column("details", sa.JSON, nullable=False),
    comment="What became of the last check, prune, copy and list of a repository.",
)

backup_archive = sa.Table(
    "backup_archive",
    metadata,
    sa.Column("cluster", sa.String(64), primary_key=True),
    sa.Column("name", sa.String(63), primary_key=True),
    sa.Column("site", sa.String(63), nullable=False),
    sa.Column("host", sa.String(253), nullable=False),
    sa.Column("repository", sa.String(63), nullable=False),
    sa.Column("snapshots", sa.JSON, nullable=False),
    sa.Column("paths", sa.JSON, nullable=False),
    sa.Column("removed", sa.JSON, nullable=False),  # paths that are no longer on the host
    sa.Column("files", Number, nullable=False),
    sa.Column("bytes", Number, nullable=False),
    sa.Column("archived_at", UtcDateTime, nullable=False),
    sa.Column("keep_until", sa.Date, nullable=False),
    sa.Column("deleted_at", UtcDateTime),
    comment="Data that was put away for good, until when it is kept, and its end; never pruned.",
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", Number, primary_key=True, autoincrement=True),
    sa.Column("cluster", sa.String(64), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False, index=True),
    sa.Column("by", sa.String(200), nullable=False),
    sa.Column("what", sa.String(32), nullable=False),
    sa.Column("site", sa.String(63), nullable=False, server_default=""),
    sa.Column("subject", Words, nullable=False),
    sa.Column("details", Words, nullable=False, server_default=""),
    sa.Column("reason", Words, nullable=False, server_default=""),
    # No foreign key: the entry tells of the run as long as there is a journal.
    sa.Column("run_id", sa.String(16), index=True),
    comment="Who did what to people's data, when and why; never changed and never pruned.",
)
