"""What the journal's columns are made of."""

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

STANDS = sa.text("ended_at IS NULL")
"""Of what is so until something ends it: one row at a time."""
