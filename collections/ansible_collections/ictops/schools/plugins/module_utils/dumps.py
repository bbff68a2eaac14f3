# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What databases and services are dumped by, each to its own standard output."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SYSTEM = ("information_schema", "performance_schema", "sys")
"""MariaDB's own, which it makes by itself."""
AS_POSTGRES = ("runuser", "-u", "postgres", "--")


class DumpError(Exception):
    """Something cannot be dumped; says why."""


@dataclass(frozen=True)
class Dump:
    """What writes a dump to its standard output.

    :ivar name: of what is dumped.
    :ivar path: what it is called in the snapshot.
    """

    name: str
    path: str
    words: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


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
    there = _lines((*AS_POSTGRES, "psql", "-XAtc", query))
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
    words = ("samba-tool", "domain", "backup", "offline", f"--targetdir={scratch}")
    done = subprocess.run(words, capture_output=True, text=True, errors="replace", check=False)
    made = sorted(scratch.glob("*.tar.bz2"))
    if done.returncode or len(made) != 1:
        raise DumpError(f"samba-tool failed: {_last(done.stderr or done.stdout)}")
    return [Dump("domain", "/samba/domain.tar.bz2", ("cat", "--", str(made[0])))]


def _sqlite(one: Mapping[str, Any], scratch: Path) -> list[Dump]:
    """Databases of SQLite as they are at one moment, whoever writes to them meanwhile."""
    dumps = []
    for number, given in enumerate(one.get("paths") or ()):
        path, copy = Path(str(given)), scratch / str(number)
        if not path.is_file():
            raise DumpError(f"{path} is not there")
        try:
            source = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
            target = sqlite3.connect(copy)
            try:
                source.backup(target)
            finally:
                target.close()
                source.close()
        except sqlite3.Error as error:
            raise DumpError(f"{path} cannot be read: {error}") from error
        dumps.append(Dump(str(path), str(path.absolute()), ("cat", "--", str(copy))))
    return dumps


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
    try:
        done = subprocess.run(words, capture_output=True, text=True, cwd="/", check=False)
    except FileNotFoundError as error:
        raise DumpError(f"this host has no {words[0]}") from error
    if done.returncode:
        raise DumpError(_last(done.stderr))
    return done.stdout.splitlines()


def _last(text: str) -> str:
    return " / ".join(text.strip().splitlines()[-3:]) or os.strerror(0)
