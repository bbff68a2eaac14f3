# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What databases and services are dumped by, each to its own standard output."""

from __future__ import annotations

import bz2
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

SYSTEM = ("information_schema", "performance_schema", "sys")
"""MariaDB's own, which it makes by itself."""
BLOCK = 1 << 20
AS_POSTGRES = ("runuser", "-u", "postgres", "--")


class DumpError(Exception):
    """Something cannot be dumped; says why."""


@dataclass(frozen=True)
class Dump:
    """What writes a dump to its standard output.

    :ivar name: of what is dumped.
    :ivar path: what it is called in the snapshot.
    :ivar prepare: what is to be done before the words; raises :class:`DumpError`.
    """

    name: str
    path: str
    words: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[], None] | None = None


@contextmanager
def dumps_of(one: Mapping[str, Any]) -> Iterator[list[Dump]]:
    """Give the dumps of a set, as long as what they read is there.

    :raises DumpError: if its kind is not known, or what it names is not there.
    """
    kind = KINDS.get(str(one.get("kind")))
    if kind is None:
        known = ", ".join(("folders", *KINDS))
        raise DumpError(f"{one.get('kind')!r} is no kind of set; there are {known}")
    with tempfile.TemporaryDirectory(prefix="ictops-dump-", dir="/var/tmp") as scratch:
        yield kind(one, Path(scratch))


def _postgresql(one: Mapping[str, Any], _scratch: Path) -> list[Dump]:
    query = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate"
    # Apart by zero bytes, as a database's name may have a line's end in it.
    said = _answer((*AS_POSTGRES, "psql", "-XAt", "--record-separator-zero", "-c", query))
    there = [name for name in said.rstrip("\n").split("\0") if name]
    names = _chosen(one, there)
    dumps = [
        Dump(
            name, f"/postgresql/{_plain(name)}.dump",
            # Not compressed: restic does that, and finds again what is the same.
            (*AS_POSTGRES, "pg_dump", "--format=custom", "--compress=0", "--dbname", _quoted(name)),
        )
        for name in names
    ]  # fmt: skip
    roles = (*AS_POSTGRES, "pg_dumpall", "--globals-only")
    return [*dumps, Dump("roles and table spaces", "/postgresql/globals.sql", roles)]


def _quoted(name: str) -> str:
    """Give a database's name as a connection string that means nothing else (libpq, 34.1.1)."""
    return "dbname='" + name.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _mariadb(one: Mapping[str, Any], _scratch: Path) -> list[Dump]:
    there = _lines(("mariadb", "--batch", "--skip-column-names", "--execute=SHOW DATABASES"))
    words = (
        "mariadb-dump", "--single-transaction", "--routines", "--events", "--triggers",
        "--hex-blob", "--skip-dump-date", "--databases", "--",
    )  # fmt: skip
    names = _chosen(one, [name for name in there if name not in SYSTEM])
    return [Dump(name, f"/mariadb/{_plain(name)}.sql", (*words, name)) for name in names]


def _samba(_one: Mapping[str, Any], scratch: Path) -> list[Dump]:
    """The state of a domain controller, as Samba itself backs it up (samba-tool(8))."""
    state = scratch / "domain.tar"
    return [
        Dump(
            "domain", "/samba/domain.tar", ("cat", "--", str(state)),
            prepare=lambda: _domain(scratch, state),
        )
    ]  # fmt: skip


def _domain(scratch: Path, state: Path) -> None:
    """Have Samba back its state up, and unpack it: restic finds again what has not changed."""
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        _lines(("samba-tool", "domain", "backup", "offline", f"--targetdir={folder}"))
        made = sorted(Path(folder).glob("*.tar.bz2"))
        if len(made) != 1:
            raise DumpError(f"samba-tool made {len(made)} files, and not one")
        try:
            with bz2.open(made[0], "rb") as packed, state.open("wb") as unpacked:
                shutil.copyfileobj(packed, unpacked, BLOCK)
        except (EOFError, OSError) as error:
            raise DumpError(f"what samba-tool made cannot be unpacked: {error}") from error


def _sqlite(one: Mapping[str, Any], scratch: Path) -> list[Dump]:
    """Databases of SQLite as they are at one moment, whoever writes to them meanwhile."""
    paths = [Path(str(given)) for given in one.get("paths") or ()]
    if not paths:
        raise DumpError("no path is named")
    return [
        Dump(
            str(path), str(path.absolute()), ("cat", "--", str(scratch / str(number))),
            prepare=partial(_copy, path, scratch / str(number)),
        )
        for number, path in enumerate(paths)
    ]  # fmt: skip


def _copy(path: Path, copy: Path) -> None:
    """Have SQLite itself copy a database, and see that the copy is whole."""
    if not path.is_file():
        raise DumpError("it is not there")
    copy.unlink(missing_ok=True)
    try:
        with (
            closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
            (good,) = target.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as error:
        raise DumpError(f"it cannot be read: {error}") from error
    if good != "ok":
        raise DumpError(f"it is damaged: {good}")


KINDS: dict[str, Callable[[Mapping[str, Any], Path], list[Dump]]] = {
    "postgresql": _postgresql,
    "mariadb": _mariadb,
    "samba": _samba,
    "sqlite": _sqlite,
}
"""What dumps each kind of set; ``folders`` are read by restic itself."""


def _chosen(one: Mapping[str, Any], there: Sequence[str]) -> list[str]:
    wanted = one.get("databases") or "all"
    if wanted == "all":
        return list(there)
    names = [str(name) for name in ([wanted] if isinstance(wanted, str) else wanted)]
    missing = [name for name in names if name not in there]
    if missing:
        raise DumpError(f"there is no database {', '.join(missing)}")
    return names


def _plain(name: str) -> str:
    """Give a database's name as one of a file."""
    return name.replace("/", "_")


def _lines(words: Sequence[str]) -> list[str]:
    return _answer(words).splitlines()


def _answer(words: Sequence[str]) -> str:
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, errors="replace", cwd="/", check=False
        )
    except FileNotFoundError as error:
        raise DumpError(f"this host has no {words[0]}") from error
    if done.returncode:
        why = _last(done.stderr or done.stdout)
        raise DumpError(f"{words[0]} ended with {done.returncode}: {why}")
    return done.stdout


def _last(text: str) -> str:
    return " / ".join(text.strip().splitlines()[-3:]) or "it said nothing"
