"""Good copies of the journal, kept beside it, and putting one back."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from ictops.errors import JournalDamaged, JournalError
from ictops.store.database import COPIES, parse_url, shown
from ictops.store.troubles import RESTORE, SQLITE_DAMAGED

KEPT = 7
BESIDE = ("-wal", "-shm")
"""What SQLite keeps beside its file; a new file with an old one of these is a damaged one."""

_NAME = "journal-%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy of the journal, checked when it was made."""

    path: Path
    made_at: datetime
    size: int
    """Bytes."""


def is_file(url: str) -> bool:
    """Tell whether the journal is a file of ours, not another database's affair."""
    return parse_url(url).get_backend_name() == "sqlite"


def journal_file(url: str) -> Path:
    """Give the file of an SQLite journal.

    :raises JournalError: for another database, which has its own tools for this.
    """
    if not is_file(url):
        raise JournalError(
            "only an SQLite journal is checked, copied and restored by ictops",
            where=shown(parse_url(url)),
            do="Use PostgreSQL's own tools (pg_dump, pg_restore)",
        )
    return Path(str(parse_url(url).database))


def free_mb(folder: Path) -> int:
    """Give the free space where ``folder`` is or will be, in MB."""
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free // 1_000_000


def faults(path: Path) -> list[str]:
    """Give what is wrong with an SQLite file; empty if nothing is."""
    if not path.is_file() or not path.stat().st_size:
        return ["it is empty or gone"]
    try:
        with closing(_read_only(path)) as connection:
            rows = connection.execute("PRAGMA integrity_check(20)").fetchall()
    except sqlite3.DatabaseError as error:
        return [str(error)]
    return [text for (text,) in rows if text != "ok"]


def make_copy(url: str, now: datetime) -> Copy:
    """Copy the journal while it is in use, check the copy, and drop the oldest ones.

    :raises JournalDamaged: if the journal is not whole.
    :raises JournalError: if its copy cannot be written.
    """
    source = journal_file(url)
    folder = source.parent / COPIES
    path = folder / f"{now.astimezone(UTC):{_NAME}}.db"
    half = path.with_suffix(".part")
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        for left in folder.glob("*.part"):  # by a copying that was cut off
            left.unlink()
        os.close(os.open(half, os.O_CREAT | os.O_WRONLY, 0o600))
        with closing(_read_only(source)) as live, closing(sqlite3.connect(half)) as copy:
            live.backup(copy)
        wrong = faults(half)
    except (OSError, sqlite3.Error) as error:
        with suppress(OSError):
            half.unlink()
        if getattr(error, "sqlite_errorname", "") not in SQLITE_DAMAGED:
            raise JournalError(f"no copy could be made: {error}", where=str(folder)) from error
        wrong = [str(error)]
    if wrong:
        half.unlink(missing_ok=True)
        raise JournalDamaged(f"the journal is damaged: {wrong[0]}", where=str(source), do=RESTORE)
    half.rename(path)
    for old in copies(url)[KEPT:]:
        old.path.unlink()
    return Copy(path, now, path.stat().st_size)


def copies(url: str) -> list[Copy]:
    """Give the copies that are there, newest first."""
    found = []
    for path in (journal_file(url).parent / COPIES).glob("journal-*.db"):
        try:
            made = datetime.strptime(path.stem, _NAME).replace(tzinfo=UTC)
        except ValueError:
            continue  # no copy of ours
        found.append(Copy(path, made, path.stat().st_size))
    return sorted(found, key=lambda copy: copy.made_at, reverse=True)


def newest_good(url: str) -> Copy | None:
    """Give the newest copy that is whole, if there is one."""
    return next((copy for copy in copies(url) if not faults(copy.path)), None)


def restore(url: str, copy: Copy, now: datetime) -> Path:
    """Put a copy in the journal's place; give where the damaged one was moved to.

    A restore that is cut off leaves a journal that is as damaged as before.

    :raises JournalError: if the copy is damaged as well, or a process uses the journal: it
        would go on with what is moved away, and another could do its work once more.
    """
    target = journal_file(url)
    users = users_of(target)
    if users:
        raise JournalError(
            f"the journal is in use by process {', '.join(map(str, users))}",
            where=str(target),
            do="End it first ('systemctl stop ictops-tick.timer ictops-tick.service' for "
            "'ictops tick')",
        )
    wrong = faults(copy.path)
    if wrong:
        raise JournalError(f"this copy is damaged as well: {wrong[0]}", where=str(copy.path))
    aside = target.with_name(f"{target.name}.damaged-{now.astimezone(UTC):%Y%m%dT%H%M%SZ}")
    fresh = target.with_name(target.name + ".part")
    try:
        with copy.path.open("rb") as good, fresh.open("wb") as file:
            os.fchmod(file.fileno(), 0o600)
            shutil.copyfileobj(good, file)
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            aside.unlink(missing_ok=True)
            aside.hardlink_to(target)
        for suffix in BESIDE:
            part = target.with_name(target.name + suffix)
            if part.exists():
                part.rename(aside.with_name(aside.name + suffix))
        fresh.rename(target)
    except OSError as error:
        what = f"the copy cannot be put back: {error.strerror}"
        raise JournalError(what, where=str(target)) from error
    return aside


def users_of(path: Path) -> list[int]:
    """Give the processes that have this file open, as far as this user may see (proc(5))."""
    wanted = str(path.resolve())
    found = set()
    for opened in Path("/proc").glob("[0-9]*/fd/*"):
        with suppress(OSError):  # closed meanwhile
            if str(opened.readlink()) == wanted:
                found.add(int(opened.parts[2]))
    return sorted(found)


def _read_only(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
