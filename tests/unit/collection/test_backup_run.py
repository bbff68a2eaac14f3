"""Backing up with a real restic: folders, dumps, samples, locks, and what happens at a kill."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import backup_locks, backup_sets
from ansible_collections.ictops.schools.plugins.module_utils.backup_dumps import (
    Dump,
    DumpError,
    _file,
)
from ansible_collections.ictops.schools.plugins.module_utils.backup_locks import remove_dead
from ansible_collections.ictops.schools.plugins.module_utils.backup_sample import (
    look,
    sample_of,
    unchanged,
)
from ansible_collections.ictops.schools.plugins.module_utils.backup_sets import Backup
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    run,
)
from ansible_collections.ictops.schools.plugins.module_utils.snapshots import of_stream

from tests.support.restic import content, repository_in, snapshots, tags

COLLECTIONS = Path(__file__).parents[3] / "collections"


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return repository_in(tmp_path / "kept")


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    folder = tmp_path / "homes"
    for pupil in ("ann", "ben"):
        (folder / pupil / "work").mkdir(parents=True)
        for number in range(6):
            (folder / pupil / "work" / f"{number}.txt").write_text(f"{pupil} {number}")
    return folder


def of_folders(*paths: Path, **more: Any) -> dict[str, Any]:
    return {
        "name": "homes", "class": "pupils", "kind": "folders",
        "paths": [str(path) for path in paths], **more,
    }  # fmt: skip


def backup(repository: Repository, sample: int = 20) -> Backup:
    return Backup(repository, "oak-srv-01", sample, 0)


def test_folders_are_backed_up_with_their_sample(repository: Repository, homes: Path) -> None:
    (told,) = backup(repository).of(of_folders(homes, exclude=["0.txt"]))
    assert (told["message"], told["files"], told["files_new"]) == ("", 10, 10)
    (made,) = snapshots(repository)
    assert (made["id"], made["hostname"]) == (told["snapshot"], "oak-srv-01")
    assert tags(made) == {"set": "homes", "class": "pupils", "kind": "folders"}
    assert {one["path"] for one in told["sample"]} <= {
        str(path) for path in homes.glob("*/work/[1-5].txt")
    }
    assert len(told["sample"]) >= 5
    for one in told["sample"]:
        kept = content(repository, told["snapshot"], one["path"])
        assert (len(kept), hashlib.sha256(kept).hexdigest()) == (one["size"], one["sha256"])


def test_a_second_backup_reads_what_has_changed(repository: Repository, homes: Path) -> None:
    backup(repository).of(of_folders(homes))
    (homes / "ann" / "work" / "1.txt").write_text("a better one")
    (homes / "ann" / "new.txt").write_text("new")
    (told,) = backup(repository).of(of_folders(homes))
    assert (told["files_new"], told["files_changed"], told["files"]) == (1, 1, 13)


@pytest.mark.parametrize("sample", [0, 20])
def test_what_is_missing_or_a_link_is_told_and_the_rest_is_safe(
    repository: Repository, homes: Path, sample: int
) -> None:
    link = homes.parent / "link"
    link.symlink_to(homes / "ben")
    (told,) = backup(repository, sample).of(of_folders(homes / "ann", homes / "gone", link))
    assert told["snapshot"] == ""
    assert f"{homes}/gone is not there" in told["message"]
    assert f"{link} is a link: name {homes}/ben" in told["message"]
    (made,) = snapshots(repository)
    assert made["id"][:8] in told["message"]
    assert content(repository, made["id"], f"{homes}/ann/work/1.txt") == b"ann 1"


def test_an_empty_folder_is_no_good_backup(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (told,) = backup(repository).of(of_folders(tmp_path / "share"))
    assert told["snapshot"] == ""
    assert "is something not mounted?" in told["message"]


def test_a_file_that_changed_meanwhile_is_in_no_sample(tmp_path: Path) -> None:
    for name in ("same", "other", "gone", "put back"):
        (tmp_path / name).write_text("as it was")
    sample = sample_of([str(tmp_path)], 4, random.Random(1))
    assert len(sample) == 4
    (tmp_path / "other").write_text("something")
    (tmp_path / "gone").unlink()
    before = (tmp_path / "put back").stat()
    (tmp_path / "put back").write_text("no, it is")
    os.utime(tmp_path / "put back", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [Path(one.path).name for one in unchanged(sample)] == ["same"]


def test_a_sample_has_files_alone(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").mkdir()
    (tmp_path / os.fsdecode(b"caf\xe9")).write_text("no UTF-8")
    assert sample_of([str(tmp_path)], 5, random.Random(1)) == []
    (tmp_path / "file").write_text("x")
    (seen,) = sample_of([str(tmp_path), str(tmp_path / "file")], 5, random.Random(1))
    assert (seen.path, seen.size) == (str(tmp_path / "file"), 1)
    assert look(str(tmp_path / "file"), 0) is None  # larger than there is room for
    assert look(str(tmp_path / "link"), 100_000) is None


def test_while_it_is_backed_up_a_file_changes(
    repository: Repository, homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = homes / "ann" / "work" / "1.txt"
    real = backup_sets.of_folders

    def and_a_pupil_writes(*words: Any, **more: Any) -> Any:
        made = real(*words, **more)
        changed.write_text("ann 9")  # of the same length
        return made

    monkeypatch.setattr(backup_sets, "of_folders", and_a_pupil_writes)
    (told,) = backup(repository, 12).of(of_folders(homes))
    sampled = {one["path"] for one in told["sample"]}
    assert sampled
    assert str(changed) not in sampled


# Dumps.


def made_by(script: str, name: str = "mis") -> Dump:
    return Dump("postgresql", name, f"/db/{name}.dump", ("sh", "-c", script))


def streamed(repository: Repository, dump: Dump) -> tuple[Any, Any]:
    labels = {"set": "db", "class": "mis", "kind": dump.kind}
    return of_stream(repository, dump.chunks(), dump.file, host="h", tags=labels)


def test_a_dump_is_kept_as_it_came(repository: Repository) -> None:
    made, stream = streamed(repository, made_by("head -c 3000000 /dev/zero; echo end"))
    kept = content(repository, made.snapshot, "/db/mis.dump")
    assert kept == b"\0" * 3_000_000 + b"end\n"
    assert (stream.size, stream.sha256) == (len(kept), hashlib.sha256(kept).hexdigest())


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
    assert run(repository, "list", "locks", "--no-lock") == ""


def test_a_program_that_is_not_there_is_told(repository: Repository) -> None:
    with pytest.raises(DumpError, match="there is no program no-such"):
        streamed(repository, Dump("mariadb", "x", "/x.sql", ("no-such",)))
    assert snapshots(repository) == []


def test_a_repository_that_takes_nothing_more_ends_the_dump(repository: Repository) -> None:
    wrong = Repository(repository.url + "-gone", repository.password_file)
    with pytest.raises(ResticError, match=r"does not exist|unable to open"):
        streamed(wrong, made_by("while :; do echo more; done"))


def test_each_dump_of_a_set_stands_for_itself(
    repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    dumps = [made_by("echo one", "one"), made_by("exit 1", "two"), made_by("echo 3", "three")]
    monkeypatch.setattr(backup_sets, "dumps_of", lambda _: dumps)
    told = backup(repository).of({"name": "db", "class": "mis", "kind": "postgresql"})
    assert [bool(one["snapshot"]) for one in told] == [True, False, True]
    assert told[1]["message"].startswith("two: sh ended with 1")
    assert [one["sample"][0]["path"] for one in told if one["sample"]] == [
        "/db/one.dump", "/db/three.dump",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["../../etc", "a/b", "x\ny", "-r", "caf\N{LATIN SMALL LETTER E}"])
def test_a_database_s_name_stays_one_file(name: str) -> None:
    made = _file(name)
    assert "/" not in made
    assert "\n" not in made
    assert ".." not in made


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
        (told,) = backup(repository).of(given)
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
    told = backup(repository).of({"name": "j", "class": "system", "kind": "sqlite", "paths": paths})
    assert [one["snapshot"] for one in told] == ["", ""]
    assert "cannot be copied: file is not a database" in told[0]["message"]
    assert "none.db is not there" in told[1]["message"]
    assert snapshots(repository) == []


# Kills.

BACKUP = """
import sys
from ansible_collections.ictops.schools.plugins.module_utils.backup_sets import Backup
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository
url, password, cache, homes = sys.argv[1:]
made = Repository(url, password, environment={"RESTIC_CACHE_DIR": cache})
print(Backup(made, "oak-srv-01", 5, 0).of(
    {"name": "homes", "class": "pupils", "kind": "folders", "paths": [homes]}
)[0]["message"])
"""
DUMP = """
import sys
from ansible_collections.ictops.schools.plugins.module_utils.backup_dumps import Dump
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository
from ansible_collections.ictops.schools.plugins.module_utils.snapshots import of_stream
url, password, cache, _ = sys.argv[1:]
made = Repository(url, password, environment={"RESTIC_CACHE_DIR": cache})
slow = "i=0; while [ $i -lt 300 ]; do head -c 65536 /dev/urandom; sleep 0.01; i=$((i+1)); done"
of_stream(made, Dump("mariadb", "x", "/x", ("sh", "-c", slow)).chunks(), "/x", host="h", tags={})
"""


def begun(script: str, repository: Repository, homes: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", script, repository.url, repository.password_file,
         repository.environment["RESTIC_CACHE_DIR"], str(homes)],
        env={**os.environ, "PYTHONPATH": str(COLLECTIONS)}, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def workers(repository: Repository) -> Iterator[int]:
    """Give the restics that work on a repository."""
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0] == b"restic" and repository.url.encode() in words:
            yield int(process.name)


def test_a_backup_that_is_killed_loses_nothing(repository: Repository, homes: Path) -> None:
    for number in range(40):
        (homes / "ann" / f"{number}.bin").write_bytes(random.Random(number).randbytes(400_000))
    (first,) = backup(repository).of(of_folders(homes))
    begin = time.monotonic()
    process = begun(BACKUP, repository, homes)
    process.wait()
    whole = time.monotonic() - begin
    chance, killed = random.Random(6), 0
    for turn in range(20):
        for number in range(10):
            data = random.Random(1000 * turn + number).randbytes(400_000)
            (homes / "ben" / f"{number}.bin").write_bytes(data)
        process = begun(BACKUP, repository, homes)
        time.sleep(chance.uniform(0.05, whole))
        killed += process.poll() is None
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert killed >= 10, "they were killed in their midst"
    remove_dead(repository)
    assert run(repository, "list", "locks", "--no-lock") == ""
    run(repository, "check", "--read-data")
    kept = content(repository, first["snapshot"], f"{homes}/ann/7.bin")
    assert kept == random.Random(7).randbytes(400_000)
    (last,) = backup(repository).of(of_folders(homes))
    assert last["message"] == ""
    assert content(repository, last["snapshot"], f"{homes}/ben/3.bin") == data_of(homes, 3)


def data_of(homes: Path, number: int) -> bytes:
    return (homes / "ben" / f"{number}.bin").read_bytes()


def test_a_dump_whose_module_is_killed_leaves_no_snapshot(
    repository: Repository, homes: Path
) -> None:
    """The end of a stream is no end of the dump: whoever made the stream may be dead."""
    chance = random.Random(4)
    for _ in range(5):
        process = begun(DUMP, repository, homes)
        until = time.monotonic() + 20
        while not list(workers(repository)) and time.monotonic() < until:
            time.sleep(0.01)
        time.sleep(chance.uniform(0.8, 2.0))
        assert process.poll() is None
        process.kill()  # the module alone
        process.wait()
        while list(workers(repository)) and time.monotonic() < until:
            time.sleep(0.05)
        assert list(workers(repository)) == []
    assert snapshots(repository) == []


# Locks.


def test_own_dead_locks_go_and_others_stay(
    repository: Repository, homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = begun(DUMP, repository, homes)
    until = time.monotonic() + 20
    while not run(repository, "list", "locks", "--no-lock") and time.monotonic() < until:
        time.sleep(0.1)
    assert remove_dead(repository) == 0  # it is at work
    assert run(repository, "list", "locks", "--no-lock")
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    while list(workers(repository)) and time.monotonic() < until:
        time.sleep(0.05)
    with monkeypatch.context() as another:
        another.setattr(backup_locks.socket, "gethostname", lambda: "another-host")
        assert remove_dead(repository) == 0
    assert run(repository, "list", "locks", "--no-lock")
    assert remove_dead(repository) == 1
    assert run(repository, "list", "locks", "--no-lock") == ""


def test_a_time_of_restic_s_is_read() -> None:
    said = backup_locks._time("2026-11-29T05:53:56.887480745Z")
    assert said.isoformat() == "2026-11-29T05:53:56+00:00"
    said = backup_locks._time("2026-11-29T05:53:56.1+01:00")
    assert said.utcoffset() is not None
    assert said.isoformat() == "2026-11-29T05:53:56+01:00"
