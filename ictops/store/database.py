"""Opening the journal: durable SQLite by default, PostgreSQL by a URL, always at our version."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from ictops.errors import JournalError

HEAD = "0001"
"""The newest migration; a test compares it with the migrations folder."""

MIGRATIONS = Path(__file__).parent / "migrations"


def connect(url: str) -> sa.Engine:
    """Open the journal at ``url``, made or brought to our version first.

    :raises JournalError: if it cannot be opened, is damaged, or is of a newer ictops.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        path = Path(parsed.database)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    engine = sa.create_engine(parsed, connect_args=_connect_args(parsed))
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _on_connect)
        sa.event.listen(engine, "begin", _on_begin)
    with explained(url):
        _to_our_version(engine, url)
    return engine


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn the database's own errors into what a person can act on."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        text = str(error.orig).lower()
        if "full" in text or "no space" in text:
            raise JournalError(
                "the journal's disk is full",
                where=where,
                do="Free some space, then 'ictops run resume'",
            ) from error
        if "malformed" in text or "not a database" in text or "corrupt" in text:
            raise JournalError(
                "the journal is damaged",
                where=where,
                do="'ictops journal copies' lists the good copies, 'ictops journal restore' "
                "puts one back",
            ) from error
        raise JournalError(f"the journal cannot be used: {error.orig}", where=where) from error


def _connect_args(url: sa.URL) -> dict[str, Any]:
    # 30 s: another process's commit is short; longer means that something is wrong.
    return {"timeout": 30} if url.get_backend_name() == "sqlite" else {}


def _on_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _on_begin
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # a commit is on the disk when it returns
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _on_begin(connection: sa.Connection) -> None:
    # IMMEDIATE takes the write lock at once: a transaction that reads, then writes on what
    # it read, cannot find that another process wrote in between.
    immediate = not connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _version(engine: sa.Engine) -> str | None:
    with engine.connect().execution_options(reading=True) as connection:
        if not sa.inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _to_our_version(engine: sa.Engine, url: str) -> None:
    version = _version(engine)
    if version == HEAD:
        return
    if version is not None and version > HEAD:
        raise JournalError(
            f"the journal was written by a newer ictops (version {version}, ours is {HEAD})",
            where=url,
            do="Upgrade ictops on this machine; nothing was changed",
        )
    # Alembic is needed only here, and slow to import.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
