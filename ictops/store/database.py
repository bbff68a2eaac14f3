"""Opening the journal: durable SQLite by default, PostgreSQL by a URL, always at our version."""

from __future__ import annotations

import os
import secrets
import sqlite3
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from ictops.errors import JournalDamaged, JournalError
from ictops.settings import make_private
from ictops.store.troubles import LOCK_SECONDS, RESTORE, explained

HEAD = "0008"
"""The newest migration; a test compares it with the migrations folder."""

MIGRATIONS = Path(__file__).parent / "migrations"

IDLE_SECONDS = 20
"""When PostgreSQL ends a transaction in which nothing is said: its box may have lost its power,
and must not hold a run for hours. Shorter than others wait for it."""

COPIES = "copies"
"""The folder beside an SQLite journal that holds its copies."""


def parse_url(text: str) -> sa.URL:
    """Read the journal's URL; PostgreSQL is spoken to by psycopg unless it names a driver.

    :raises JournalError: if it is not the URL of a database that can hold the journal.
    """
    try:
        url = make_url(text)
    except sa.exc.ArgumentError as error:  # its words may hold the password
        raise JournalError(
            "this is no database URL",
            where="setting journal",
            do="Write postgresql://USER@HOST/DATABASE, or leave it out",
        ) from error
    match url.get_backend_name():
        case "postgresql":
            plain = url.drivername == "postgresql"
            return url.set(drivername="postgresql+psycopg") if plain else url
        case "sqlite" if url.database and url.database != ":memory:":
            return url
    raise JournalError(
        f"no journal can be kept in {shown(url)}",
        where="setting journal",
        do="It may be an SQLite file or a PostgreSQL database",
    )


def shown(url: sa.URL) -> str:
    """Give a URL as a person may see it: without its password."""
    return url.render_as_string(hide_password=True)


def connect(text: str) -> sa.Engine:
    """Open the journal at this URL, made or brought to our version first.

    :raises JournalError: if it cannot be opened, is damaged, or is of a newer ictops.
    """
    url = parse_url(text)
    if url.get_backend_name() == "sqlite":
        _make_file(url)
        engine = sa.create_engine(url, connect_args={"timeout": LOCK_SECONDS})
        sa.event.listen(engine, "connect", _on_sqlite)
        sa.event.listen(engine, "begin", _on_begin)
    else:
        try:
            engine = sa.create_engine(url, connect_args={"connect_timeout": 10})
        except ModuleNotFoundError as error:
            raise JournalError(
                f"the Python package {error.name} is not installed",
                where=shown(url),
                do="pip install 'ictops[postgresql]'",
            ) from error
        sa.event.listen(engine, "connect", _on_postgresql)
    try:
        with explained(shown(url)):
            _to_our_version(engine)
    except JournalError:
        engine.dispose()
        raise
    return engine


def moment(connection: sa.Connection) -> datetime:
    """Give the time by the clock that every user of this journal shares.

    Control boxes may disagree about the time; whether one of them still lives is told by
    the clock of the PostgreSQL server that they share.
    """
    if connection.dialect.name != "postgresql":
        return datetime.now(UTC)
    now: datetime = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one()
    return now.astimezone(UTC)


def one_at_a_time(connection: sa.Connection, what: str) -> None:
    """Let no other transaction that says the same ``what`` go on beside this one."""
    if connection.dialect.name == "postgresql":  # SQLite has one writer anyway
        number = sa.func.hashtextextended(f"ictops {what}", 0)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


def _make_file(url: sa.URL) -> None:
    path = Path(str(url.database))
    make_private(path.parent)
    if path.exists() and path.stat().st_size:
        return
    if next((path.parent / COPIES).glob("journal-*.db"), None):
        # A new one made here in silence would know of no run, and do all of it again.
        raise JournalDamaged(
            "the journal is empty or gone, though there are copies of it",
            where=shown(url),
            do=f"{RESTORE}; to begin a new one, move the folder '{COPIES}' away",
        )
    # Made aside and put in place whole: two that turn one new file to WAL at the same moment
    # wait for each other for ever (SQLite asks no busy handler there).
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    os.close(os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        with closing(sqlite3.connect(fresh)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        if path.exists():
            return  # somebody was faster
        with suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink()


def _on_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _on_begin
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")  # as it is already, unless somebody made it
    cursor.execute("PRAGMA synchronous = FULL")  # a commit is on the disk when it returns
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _on_begin(connection: sa.Connection) -> None:
    # IMMEDIATE takes the write lock at once: a transaction that reads, then writes on what
    # it read, cannot find that another process wrote in between.
    immediate = not connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _on_postgresql(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    # As SQLite's: a commit is on the disk when it returns, whatever the server's default.
    cursor.execute(
        "SELECT set_config('synchronous_commit', 'on', false) "
        "WHERE current_setting('synchronous_commit') = 'off'"
    )
    cursor.execute(f"SET lock_timeout = '{LOCK_SECONDS}s'")
    cursor.execute(f"SET idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")
    cursor.close()
    connection.commit()


def _version(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()


def _to_our_version(engine: sa.Engine) -> None:
    with engine.connect().execution_options(reading=True) as connection:
        version = _version(connection)
    if version == HEAD:
        return
    if version is not None and version > HEAD:
        raise JournalError(
            f"the journal was written by a newer ictops (version {version}, ours is {HEAD})",
            where=shown(engine.url),
            do="Upgrade ictops on this machine; nothing was changed",
        )
    # Alembic is needed only here, and slow to import.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with engine.begin() as connection:
        one_at_a_time(connection, "upgrade")  # a second process then finds nothing to do
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
