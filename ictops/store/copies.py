"""Good copies of the journal, kept beside it, and putting one back."""

from __future__ import annotations

import os
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.engine import make_url

from ictops.errors import JournalError

KEPT = 7


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of the journal, checked when it was made."""

    path: Path
    made_at: datetime
    size: int
    """Bytes."""


def is_file(url: str) -> bool:
    """Tell whether the journal is a file of ours, not another database's affair."""
    parsed = make_url(url)
    return parsed.get_backend_name() == "sqlite" and bool(parsed.database)


def journal_file(url: str) -> Path:
    """Give the file of an SQLite journal.

    :raises JournalError: for another database, which has its own tools for this.
    """
    parsed = make_url(url)
    if not is_file(url):
        raise JournalError(
            "only an SQLite journal is copied by ictops",
            where=parsed.render_as_string(hide_password=True),
            do="Use the database's own backup (pg_dump)",
        )
    return Path(str(parsed.database))


def free_mb(folder: Path) -> int:
    """Give the free space where ``folder`` is or will be, in MB."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free // 1_000_000


def faults(path: Path) -> list[str]:
    """Give what is wrong with an SQLite file; empty if nothing is."""
    try:
        with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
            rows = connection.execute("PRAGMA integrity_check(20)").fetchall()
    except sqlite3.DatabaseError as error:
        return [str(error)]
    finally:
        if "connection" in locals():
            connection.close()
    return [text for (text,) in rows if text != "ok"]


def make_copy(url: str, now: datetime) -> Copy:
    """Copy the journal while it is in use, check the copy, and drop the oldest ones.

    :raises JournalError: if the journal is damaged, or its copy cannot be written.
    """
    source = journal_file(url)
    folder = source.parent / "copies"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / f"journal-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}.db"
    half = path.with_suffix(".part")
    half.unlink(missing_ok=True)
    os.close(os.open(half, os.O_CREAT | os.O_WRONLY, 0o600))
    try:
        with sqlite3.connect(source) as live, sqlite3.connect(half) as copy:
            live.backup(copy)
        live.close()
        copy.close()
        wrong = faults(half)
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorname in {"SQLITE_FULL", "SQLITE_CANTOPEN"}:
            half.unlink(missing_ok=True)
            raise JournalError(f"no copy could be made: {error}", where=str(folder)) from error
        wrong = [str(error)]
    if wrong:
        half.unlink(missing_ok=True)
        raise JournalError(
            f"the journal is damaged: {wrong[0]}",
            where=str(source),
            do="'ictops journal copies' lists the good copies, 'ictops journal restore' puts "
            "one back",
        )
    half.rename(path)
    for old in copies(url)[KEPT:]:
        old.path.unlink()
    return Copy(path, now, path.stat().st_size)


def copies(url: str) -> list[Copy]:
    """Give the copies that are there, newest first."""
    folder = journal_file(url).parent / "copies"
    found = []
    for path in sorted(folder.glob("journal-*.db"), reverse=True):
        made = datetime.strptime(path.stem, "journal-%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        found.append(Copy(path, made, path.stat().st_size))
    return found


def restore(url: str, copy: Copy, now: datetime) -> Path:
    """Put a copy in the journal's place; give where the damaged one was moved to.

    :raises JournalError: if the copy is damaged as well.
    """
    wrong = faults(copy.path)
    if wrong:
        raise JournalError(f"this copy is damaged as well: {wrong[0]}", where=str(copy.path))
    target = journal_file(url)
    aside = target.with_name(f"{target.name}.damaged-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    fresh = target.with_name(target.name + ".part")
    shutil.copyfile(copy.path, fresh)
    fresh.chmod(0o600)
    for suffix in ("", "-wal", "-shm"):
        part = target.with_name(target.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    fresh.rename(target)
    return aside
