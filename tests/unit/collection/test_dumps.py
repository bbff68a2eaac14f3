"""Dumps go straight into a real repository: whole ones, and none that was cut off."""

from __future__ import annotations

import hashlib
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import backing_up, dumps
from ansible_collections.ictops.schools.plugins.module_utils.dumps import Dump, DumpError
from ansible_collections.ictops.schools.plugins.module_utils.made import Made
from ansible_collections.ictops.schools.plugins.module_utils.piping import piped
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    run,
)

from tests.support.backing_up import backed_up, locks, pids_of, until
from tests.support.restic import content, snapshots

SLOW = "i=0; while [ $i -lt 600 ]; do head -c 65536 /dev/urandom; sleep 0.01; i=$((i+1)); done"
PIPE = """
import json, sys
from ansible_collections.ictops.schools.plugins.module_utils.dumps import Dump
from ansible_collections.ictops.schools.plugins.module_utils.piping import piped
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository
url, password, cache, script = sys.argv[1:]
made = Repository(url, password, environment={"RESTIC_CACHE_DIR": cache})
words = ["backup", "--json", "--stdin", "--stdin-filename", "/x"]
piped(made, words, Dump("x", "/x", ("sh", "-c", script)))
"""


def made_by(script: str, name: str = "mis") -> Dump:
    return Dump(name, f"/db/{name}.dump", ("sh", "-c", script))


def streamed(repository: Repository, dump: Dump) -> tuple[Made, int, str]:
    return piped(repository, ["backup", "--json", "--stdin", "--stdin-filename", dump.path], dump)


def test_a_dump_is_kept_as_it_came(repository: Repository) -> None:
    made, size, sha256 = streamed(repository, made_by("head -c 3000000 /dev/zero; echo end"))
    kept = content(repository, made.snapshot, "/db/mis.dump")
    assert kept == b"\0" * 3_000_000 + b"end\n"
    assert (size, sha256) == (len(kept), hashlib.sha256(kept).hexdigest())


@pytest.mark.parametrize(
    "script",
    [
        "echo half; echo 'connection lost' >&2; exit 1",
        "head -c 20000000 /dev/urandom; echo 'connection lost' >&2; exit 1",
        "echo half; echo 'connection lost' >&2; kill -KILL $$",
        "echo 'connection lost' >&2; exit 1",
    ],
)
def test_a_dump_that_fails_leaves_no_snapshot(repository: Repository, script: str) -> None:
    with pytest.raises(DumpError, match="connection lost"):
        streamed(repository, made_by(script))
    assert snapshots(repository) == []
    assert locks(repository) == []


def test_a_program_that_is_not_there_is_told(repository: Repository) -> None:
    with pytest.raises(DumpError, match="no-such cannot be started"):
        streamed(repository, Dump("x", "/x.sql", ("no-such",)))
    assert snapshots(repository) == []


def test_a_repository_that_takes_nothing_ends_the_dump(repository: Repository) -> None:
    wrong = Repository(repository.url + "-gone", repository.password_file)
    with pytest.raises(ResticError, match=r"does not exist|unable to open"):
        streamed(wrong, made_by("while :; do echo more; done"))


def test_each_dump_of_a_set_stands_for_itself(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    three = [made_by("echo one", "one"), made_by("exit 1", "two"), made_by("echo 3", "three")]

    @contextmanager
    def of(_: Mapping[str, Any]) -> Iterator[list[Dump]]:
        yield three

    monkeypatch.setattr(backing_up, "dumps_of", of)
    told = backed_up(repository, {"name": "db", "class": "mis", "kind": "postgresql"})
    assert [bool(one["snapshot"]) for one in told] == [True, False, True]
    assert told[1]["message"].startswith("two: sh ended with 1")
    assert [one["sample"][0]["path"] for one in told if one["sample"]] == [
        "/db/one.dump", "/db/three.dump",
    ]  # fmt: skip


def test_databases_of_any_name_are_dumped_each_into_one_file(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    names = ["../../etc", "a/b", "x\ny", "-r", "it's \\ odd", "dbname=other"]
    monkeypatch.setattr(dumps, "_answer", lambda _: "\0".join(names) + "\0")
    with dumps.dumps_of({"kind": "postgresql"}) as found:
        there = {one.name: one for one in found if one.name in names}
    assert list(there) == names
    for one in there.values():
        assert one.path.count("/") == 2
        assert one.words[-1].startswith("dbname='")
    assert there["it's \\ odd"].words[-1] == r"dbname='it\'s \\ odd'"


def test_sqlite_is_copied_while_it_is_written_to(repository: Repository, tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE event (a INTEGER, b INTEGER)")
    over = threading.Event()

    def write() -> None:
        number = 0
        while not over.is_set():
            connection.execute("BEGIN")
            connection.execute("INSERT INTO event VALUES (?, 1)", (number,))
            connection.execute("INSERT INTO event VALUES (?, -1)", (number,))
            connection.execute("COMMIT")
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        given = {"name": "journal", "class": "system", "kind": "sqlite", "paths": [str(path)]}
        (told,) = backed_up(repository, given)
    finally:
        over.set()
        writer.join()
        connection.close()
    assert told["message"] == ""
    (tmp_path / "copy.db").write_bytes(content(repository, told["snapshot"], str(path)))
    copy = sqlite3.connect(tmp_path / "copy.db")
    assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert copy.execute("SELECT sum(b) FROM event").fetchone()[0] in (0, None)
    copy.close()


def test_what_is_no_database_is_told(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("no database, but long enough for a header of one" * 99)
    paths = [str(tmp_path / "x.db"), str(tmp_path / "none.db")]
    told = backed_up(repository, {"name": "j", "class": "system", "kind": "sqlite", "paths": paths})
    assert [one["snapshot"] for one in told] == ["", ""]
    assert "it cannot be read: file is not a database" in told[0]["message"]
    assert "none.db: it is not there" in told[1]["message"]
    assert snapshots(repository) == []


def test_a_dump_whose_module_is_killed_leaves_no_snapshot(repository: Repository) -> None:
    """The end of a stream is no end of the dump: whoever made the stream may be dead."""
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", PIPE, repository.url, repository.password_file,
             repository.environment["RESTIC_CACHE_DIR"], SLOW],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}, start_new_session=True,
        )  # fmt: skip
        until(lambda: locks(repository))
        assert process.poll() is None
        process.kill()  # the module alone
        process.wait()
        until(lambda: not pids_of(repository))
        for name in Path(repository.url, "locks").iterdir():
            name.unlink()
    assert snapshots(repository) == []
    run(repository, "check")
