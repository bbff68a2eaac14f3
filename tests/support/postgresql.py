"""A PostgreSQL server of the tests' own: in a temporary folder, reached by a socket in it."""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

BINARIES = Path("/usr/lib/postgresql")
"""Where Debian keeps them, a folder a version."""


def _binaries() -> Path:
    found = sorted(BINARIES.glob("*/bin/postgres"), key=lambda p: int(p.parts[-3]))
    if found:
        return found[-1].parent
    why = "no PostgreSQL server here: apt-get install postgresql"
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


def _as_somebody_else() -> tuple[str, ...]:
    """Give the words before a command that PostgreSQL refuses to run as root.

    The kernel ends the command if the tests end without ending it.
    """
    words = ("setpriv", "--pdeathsig", "QUIT")
    if os.getuid() == 0:
        return (*words, "--reuid", "postgres", "--regid", "postgres", "--init-groups")
    return words


def _call(*words: str | Path) -> None:
    command = [*_as_somebody_else(), *map(str, words)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd="/")
    assert done.returncode == 0, done.stdout + done.stderr


class Server:
    """A server without a network address; ``stop`` and ``start`` are an outage."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.binaries = _binaries()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self.folder}"

    def database(self) -> str:
        """Make an empty database and give its URL."""
        name = f"journal_{secrets.token_hex(4)}"
        self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    def run(self, sql: str) -> None:
        address = f"host={self.folder} user=postgres dbname=postgres"
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(sql.encode())

    def start(self) -> None:
        # What is under test is not this server's disk: no fsync.
        options = ("-h", "", "-k", self.folder, "-F", "-c", "max_connections=200")
        command = (self.binaries / "postgres", "-D", self.folder / "data", *options)
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_somebody_else(), *map(str, command)], cwd="/", stdout=log, stderr=log
            )
        deadline = time.monotonic() + 30
        while True:
            try:
                return self.run("SELECT 1")
            except psycopg.OperationalError:
                said = (self.folder / "log").read_text()
                assert self._process.poll() is None, said
                assert time.monotonic() < deadline, said
                time.sleep(0.05)

    def stop(self) -> None:
        """End it at once, as a crash would."""
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait(30)
            self._process = None


@contextmanager
def server() -> Iterator[Server]:
    """Give a server that runs, and take it and its files away."""
    folder = Path(tempfile.mkdtemp(prefix="ictops-postgresql-"))
    try:
        if os.getuid() == 0:
            owner = pwd.getpwnam("postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        it = Server(folder)
        _call(it.binaries / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-N")
        it.start()
        try:
            yield it
        finally:
            it.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Server]:
    with server() as it:
        yield it
