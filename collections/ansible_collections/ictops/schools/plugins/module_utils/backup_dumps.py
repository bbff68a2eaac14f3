# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host's databases and its directory are dumped with."""

from __future__ import annotations

import bz2
import contextlib
import os
import pwd
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

PIECE = 1024 * 1024
SHOWN = 2000
"""Characters of a program's complaints that are told."""
SCRATCH = "/var/tmp"  # noqa: S108  # on a disk; folders in it are made for root alone
_POSTGRESQL = "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate ORDER BY 1"
_MARIADB = (
    "SELECT schema_name FROM information_schema.schemata WHERE schema_name NOT IN"
    " ('information_schema', 'performance_schema', 'sys') ORDER BY 1"
)


class DumpError(Exception):
    """A dump could not be made, or not to its end; says why."""


@dataclass(frozen=True)
class Dump:
    """What one dump is of.

    :ivar name: of the database, for people.
    :ivar file: its absolute path in the snapshot.
    :ivar command: what writes it to its standard output; empty where ``path`` is read.
    :ivar path: a database of SQLite; or nothing, for the state of a domain controller.
    """

    kind: str
    name: str
    file: str
    command: tuple[str, ...] = ()
    account: str = ""
    environment: dict[str, str] = field(default_factory=dict)
    path: str = ""

    def chunks(self) -> Iterator[bytes]:
        """Give the dump piece by piece.

        :raises DumpError: if it fails, after whatever it gave till then.
        """
        if self.kind == "sqlite":
            return _of_sqlite(self.path)
        if self.kind == "samba":
            return _of_samba(self.command)
        return _of_command(self)


def dumps_of(given: dict) -> list[Dump]:
    """Give the dumps that a set is made of.

    :raises DumpError: if that cannot be known, or one of its databases is not there.
    """
    kind, folder = given["kind"], f"/{given['name']}"
    if kind == "sqlite":
        return [Dump(kind, path, path, path=path) for path in given.get("paths") or []]
    if kind == "samba":
        program = ("samba-tool", "domain", "backup", "offline")
        return [Dump(kind, given["name"], f"{folder}/domain.tar", program)]
    return _of_postgresql(given, folder) if kind == "postgresql" else _of_mariadb(given, folder)


def _of_postgresql(given: dict, folder: str) -> list[Dump]:
    account = given.get("account") or "postgres"
    environment = {"PGAPPNAME": "ictops-backup"}
    for option, variable in (("socket", "PGHOST"), ("port", "PGPORT")):
        if given.get(option):
            environment[variable] = str(given[option])
    asked = Dump(
        "postgresql", "", "", ("psql", "--no-psqlrc", "--tuples-only", "--no-align",
        "--record-separator-zero", "--command", _POSTGRESQL), account,
        {"PGDATABASE": "postgres", **environment},
    )  # fmt: skip
    there = [one for one in _answer(asked).rstrip("\n").split("\0") if one]
    # The database's name goes by the environment: there it is taken for nothing else.
    dump = ("pg_dump", "--format=custom", "--compress=0", "--no-password")
    return [
        Dump(
            "postgresql", "roles and settings of all", f"{folder}/globals.sql",
            ("pg_dumpall", "--globals-only", "--no-password"), account,
            {"PGDATABASE": "postgres", **environment},
        ),
        *(
            Dump(
                "postgresql", name, f"{folder}/{_file(name)}.dump", dump, account,
                {"PGDATABASE": name, **environment},
            )
            for name in _wanted(given, there)
        ),
    ]  # fmt: skip


def _of_mariadb(given: dict, folder: str) -> list[Dump]:
    account = given.get("account") or ""
    login = [f"--defaults-extra-file={given['login_file']}"] if given.get("login_file") else []
    login += [f"--socket={given['socket']}"] if given.get("socket") else []
    client = shutil.which("mariadb") or "mysql"
    asked = (client, *login, "--batch", "--raw", "--skip-column-names", f"--execute={_MARIADB}")
    there = _answer(Dump("mariadb", "", "", asked, account)).splitlines()
    # Without its date and without compression: what has not changed is not stored again.
    dump = (
        shutil.which("mariadb-dump") or "mysqldump", *login, "--single-transaction", "--quick",
        "--routines", "--events", "--triggers", "--hex-blob", "--skip-dump-date", "--databases",
        "--",
    )  # fmt: skip
    return [
        Dump("mariadb", name, f"{folder}/{_file(name)}.sql", (*dump, name), account)
        for name in _wanted(given, there)
    ]


def _wanted(given: dict, there: list[str]) -> list[str]:
    wanted = given.get("databases") or there
    missing = [name for name in wanted if name not in there]
    if missing:
        raise DumpError(f"there is no database {', '.join(missing)}; there are {', '.join(there)}")
    return wanted


def _file(name: str) -> str:
    return quote(name, safe=" ()[]+,;@&!'").replace("..", "%2E%2E")


def _environment(dump: Dump) -> dict[str, object]:
    environment = {
        "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
        "LANG": "C.UTF-8",
        "HOME": "/root",
        **dump.environment,
    }
    if not dump.account:
        return {"env": environment, "cwd": "/"}
    try:
        whose = pwd.getpwnam(dump.account)
    except KeyError as error:
        raise DumpError(f"there is no account {dump.account}") from error
    environment["HOME"] = whose.pw_dir
    return {
        "env": environment, "user": whose.pw_uid, "group": whose.pw_gid, "cwd": "/",
        "extra_groups": os.getgrouplist(dump.account, whose.pw_gid),
    }  # fmt: skip


def _answer(dump: Dump) -> str:
    return b"".join(_of_command(dump)).decode("utf-8", "surrogateescape")


def _of_command(dump: Dump) -> Iterator[bytes]:
    program = dump.command[0]
    with tempfile.TemporaryFile() as complained:
        try:
            process = subprocess.Popen(
                dump.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complained,
                **_environment(dump),
            )
        except FileNotFoundError as error:
            raise DumpError(f"there is no program {program}") from error
        try:
            while piece := process.stdout.read1(PIECE):
                yield piece
        except BaseException:
            process.kill()
            raise
        finally:
            process.stdout.close()
            code = process.wait()
        if code != 0:
            complained.seek(0)
            why = complained.read().decode("utf-8", "replace").strip()[-SHOWN:]
            raise DumpError(f"{program} ended with {code}: {why or 'it said nothing'}")


def _of_sqlite(path: str) -> Iterator[bytes]:
    """Give a copy that SQLite itself makes: whole, whoever writes meanwhile."""
    if not Path(path).is_file():
        raise DumpError(f"{path} is not there")
    with _scratch() as folder:
        copy = folder / "copy"
        try:
            with (
                contextlib.closing(sqlite3.connect(f"file:{quote(path)}?mode=ro", uri=True)) as old,
                contextlib.closing(sqlite3.connect(copy)) as new,
            ):
                old.backup(new)
                (good,) = new.execute("PRAGMA quick_check").fetchone()
        except sqlite3.Error as error:
            raise DumpError(f"{path} cannot be copied: {error}") from error
        if good != "ok":
            raise DumpError(f"{path} is damaged: {good}")
        with copy.open("rb") as file:
            while piece := file.read(PIECE):
                yield piece


def _of_samba(command: tuple[str, ...]) -> Iterator[bytes]:
    """Give the directory's state unpacked: what has not changed is not stored again."""
    with _scratch() as folder:
        for _ in _of_command(Dump("samba", "", "", (*command, f"--targetdir={folder}"))):
            pass  # what it says on its way
        made = sorted(folder.glob("*.tar.bz2"))
        if len(made) != 1:
            raise DumpError(f"samba-tool made {len(made)} files")
        with bz2.open(made[0], "rb") as file:
            while piece := file.read(PIECE):
                yield piece


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="ictops-backup-", dir=SCRATCH) as folder:
        yield Path(folder)
