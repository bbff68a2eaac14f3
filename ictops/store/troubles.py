"""What goes wrong with the journal's database, told so that a person can act on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from ictops.errors import JournalDamaged, JournalError

RESTORE = (
    "'ictops journal copies' lists the good copies, 'ictops journal restore' puts the newest back"
)
LOCK_SECONDS = 30
"""How long to wait for another process's commit: it is short, so longer means trouble."""

HELD = f"another process has held the journal for {LOCK_SECONDS} s"

SQLITE_BUSY = frozenset({"SQLITE_BUSY", "SQLITE_LOCKED"})
SQLITE_DAMAGED = frozenset({"SQLITE_CORRUPT", "SQLITE_NOTADB"})


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn the database's own errors into what a person can act on.

    :param where: the journal's URL without its password.
    :raises JournalError: for every error that the database gives.
    """
    try:
        yield
    except sa.exc.DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise of_sqlite(error.orig, where) from error
        raise _of_postgresql(error, where) from error


def full(where: str) -> JournalError:
    """Give what is said where there is no space left."""
    return JournalError(
        "the journal's disk is full", where=where, do="Free some space, then 'ictops run resume'"
    )


def of_sqlite(error: sqlite3.Error, where: str) -> JournalError:
    """Give what SQLite says in our words (https://sqlite.org/rescode.html)."""
    # Its extended codes begin with the plain ones: SQLITE_CORRUPT_INDEX, SQLITE_BUSY_SNAPSHOT.
    code = "_".join(getattr(error, "sqlite_errorname", "").split("_")[:2])
    if code == "SQLITE_FULL":
        return full(where)
    if code in SQLITE_DAMAGED:
        return JournalDamaged("the journal is damaged", where=where, do=RESTORE)
    if code in SQLITE_BUSY:
        do = "'fuser' on its file tells which; end it if it hangs"
        return JournalError(HELD, where=where, do=do)
    return JournalError(f"the journal cannot be used: {error}", where=where)


def _of_postgresql(error: sa.exc.DBAPIError, where: str) -> JournalError:
    """Give what PostgreSQL says in our words (its manual, appendix A)."""
    state = str(getattr(error.orig, "sqlstate", None) or "")
    lines = str(error.orig).strip().splitlines() or ["no message"]
    # Who is not let in hears it without a code.
    _, refused, said = lines[0].rpartition("FATAL:  ")
    if state == "53100":
        return full(where)
    if state.startswith("XX") or state == "58030":
        do = "Look into PostgreSQL's log, and put its last backup back (pg_restore)"
        return JournalDamaged(f"the journal's database is damaged: {said}", where=where, do=do)
    if state == "55P03":
        return JournalError(HELD, where=where, do="pg_stat_activity tells which")
    if refused or state.startswith(("28", "3D", "42")):
        do = "Make the user and its database (createuser, createdb), and see docs/settings.md"
        return JournalError(f"the journal's database refuses: {said}", where=where, do=do)
    if not state or state.startswith(("08", "25P", "57P")) or error.connection_invalidated:
        return JournalError(
            f"the journal's database does not answer: {said}",
            where=where,
            do="See that PostgreSQL runs and is reached from here, then 'ictops run resume'",
        )
    return JournalError(f"the journal cannot be used: {said}", where=where)
