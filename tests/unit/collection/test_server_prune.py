"""What a backup server deletes: what is old, and archives that need not be kept any more."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import server_locks
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError, run
from ansible_collections.ictops.schools.plugins.module_utils.server_copy import copy
from ansible_collections.ictops.schools.plugins.module_utils.server_delete import delete
from ansible_collections.ictops.schools.plugins.module_utils.server_locks import Locks, when_free
from ansible_collections.ictops.schools.plugins.module_utils.server_prune import prune, rules
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import (
    BackupFault,
    in_words,
    is_full,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_snapshots import snapshots_of

from tests.support.repositories import Server, days_ago, need_restic

pytestmark = need_restic
KEEP_ONE = {"pupils": {"keep_last": 1}}


def there(server: Server) -> set[str]:
    return {one.id[:8] for one in snapshots_of(server.one.repository)}


def test_what_is_old_is_deleted_with_its_data(server: Server) -> None:
    old = []
    for day in (3, 2):
        server.has("a", os.urandom(300_000))
        old.append(server.backup(at=days_ago(day)))
    server.has("a", os.urandom(300_000))
    new = server.backup()
    said = prune(server.one, KEEP_ONE)
    assert {one[:8] for one in said["removed"]} == set(old)
    assert (said["kept"], said["message"]) == (1, "")
    assert 500_000 < said["bytes_freed"] < 700_000
    assert there(server) == {new}
    server.whole()
    assert prune(server.one, KEEP_ONE)["removed"] == []


def test_sets_hosts_and_databases_are_each_looked_at_alone(server: Server) -> None:
    server.has("a", b"x")
    kept = {
        server.backup(),
        server.backup(host="oak-srv-02"),
        server.backup(set_="staff"),
        server.backup(set_="mis", kind="postgresql", stream=("/pupils.dump", b"1")),
        server.backup(set_="mis", kind="postgresql", stream=("/meals.dump", b"2")),
    }
    assert prune(server.one, KEEP_ONE)["removed"] == []
    assert there(server) == kept
    # A set of folders is the same set with another folder in it.
    (server.folder / "data").rename(server.folder / "moved")
    (server.folder / "data").symlink_to("moved")
    server.has("b", b"y")
    assert len(prune(server.one, KEEP_ONE)["removed"]) == 0
    server.backup()
    assert len(prune(server.one, KEEP_ONE)["removed"]) == 1


def test_archives_and_classes_that_nobody_speaks_of_are_kept(server: Server) -> None:
    server.has("a", b"x")
    kept = {
        server.backup(archive="leavers-1", at=days_ago(900)),
        server.backup(archive="leavers-1", at=days_ago(800)),
        server.backup(class_="mis", at=days_ago(700)),
        server.backup(class_="mis", at=days_ago(600)),
        server.backup(),
    }
    server.backup(at=days_ago(5))
    said = prune(server.one, KEEP_ONE)
    assert len(said["removed"]) == 1
    assert there(server) == kept
    assert said["message"] == ("2 snapshots are kept for ever: nobody says what is of class mis")


def test_nothing_is_deleted_where_a_snapshot_is_of_tomorrow(server: Server) -> None:
    server.has("a", b"x")
    server.backup(at=days_ago(3))
    server.backup()
    ahead = server.backup(host="oak-srv-09", at=days_ago(-0.5))
    with pytest.raises(BackupFault, match="dated in the future") as fault:
        prune(server.one, KEEP_ONE)
    assert f"{ahead} of oak-srv-09" in str(fault.value)
    assert len(there(server)) == 3
    run(server.one.repository, "forget", ahead)
    server.backup(at=days_ago(-30 / 1440))  # half an hour: a clock may be that wrong
    assert len(prune(server.one, KEEP_ONE)["removed"]) == 2


@pytest.mark.parametrize(
    "said",
    [
        {}, {"keep_last": 0}, {"keep_within": "0d"}, {"keep_forever": 1}, {"keep_last": "-1"},
        {"keep_within_daily": "--prune"}, {"keep_last": 1, "keep_within_daily": 7},
    ],
)  # fmt: skip
def test_what_would_keep_nothing_or_is_said_wrongly_is_refused(said: dict[str, object]) -> None:
    with pytest.raises(BackupFault, match="backup_server_retention of pupils"):
        rules("pupils", said)


def test_rules_are_restics() -> None:
    said = {"keep_last": 3, "keep_within_daily": "35d", "keep_within_monthly": "1y1m"}
    assert rules("pupils", said) == [
        "--keep-last", "3", "--keep-within-daily", "35d", "--keep-within-monthly", "1y1m",
    ]  # fmt: skip


def lock_of(server: Server) -> Path:
    """Have a lock in the repository, made by a restic that was killed."""
    words = server.one.repository.words("backup", "--stdin", "--host", "h")
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, **server.one.repository.process()
    ) as busy:
        while not (made := locks(server)):
            assert busy.poll() is None
        busy.kill()
    (path,) = made
    return path


def locks(server: Server) -> list[Path]:
    """Give the locks; one that is still being written has another name."""
    return list((server.repository / "locks").glob("?" * 64))


def test_the_lock_of_a_dead_restic_of_ours_goes_at_once(server: Server) -> None:
    path = lock_of(server)
    assert Locks(server.one.repository).remove_dead() == 1
    assert not path.exists()


def test_the_lock_of_a_host_goes_when_it_is_renewed_no_more(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not the time in it, nor the time of the file, that counts: clocks are wrong."""
    path = lock_of(server)
    os.utime(path, (0, 0))
    monkeypatch.setattr(socket, "gethostname", lambda: "another")
    locks = Locks(server.one.repository, renewed=100)
    now = [1000.0]
    monkeypatch.setattr(server_locks.time, "monotonic", lambda: now[0])
    assert locks.remove_dead() == 0
    now[0] += 99
    assert locks.remove_dead() == 0
    now[0] += 2
    assert locks.remove_dead() == 1
    assert not path.exists()


@pytest.fixture
def busy(server: Server) -> Iterator[subprocess.Popen[bytes]]:
    words = server.one.repository.words("backup", "--stdin", "--host", "h")
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, **server.one.repository.process()
    ) as process:
        while not locks(server):
            assert process.poll() is None
        yield process
        process.kill()


def test_a_living_backup_is_waited_for(
    server: Server, busy: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ResticError, match="somebody used the repository for all"):
        when_free(server.one.repository, "prune", patience=0.5)
    waited = []
    assert busy.stdin is not None
    pipe = busy.stdin

    def pause(seconds: float) -> None:
        waited.append(seconds)
        pipe.write(b"all of it")
        pipe.close()
        busy.wait()

    monkeypatch.setattr(server_locks.time, "sleep", pause)
    when_free(server.one.repository, "prune", patience=60)
    assert len(waited) == 1
    assert len(there(server)) == 1


def test_an_archive_is_deleted_here_and_in_the_copy(server: Server) -> None:
    server.copies_to(f"{server.elsewhere()}/{server.one.name}")
    server.has("a", os.urandom(200_000))
    kept = server.backup()
    server.has("a", os.urandom(200_000))
    first = server.backup(archive="leavers-1", class_="archive")
    copy(server.one)
    server.has("a", os.urandom(200_000))
    second = server.backup(archive="leavers-1", class_="archive")
    ids = [one.id for one in snapshots_of(server.one.repository) if one.archive]
    whole = next(one for one in ids if one.startswith(first))
    for wrong, why in (
        ([*ids, kept], "is not of the archive leavers-1, but of no archive"),
        (["zz" * 32], "a snapshot's id is"),
    ):
        with pytest.raises(BackupFault, match=why):
            delete(server.one, "leavers-1", wrong, lambda *_: None, do_it=True)
    with pytest.raises(BackupFault, match="but of leavers-1"):
        delete(server.one, "leavers-2", ids, lambda *_: None, do_it=True)
    with pytest.raises(BackupFault, match="is no archive's name"):
        delete(server.one, "", [kept], lambda *_: None, do_it=True)
    assert there(server) == {kept, first, second}
    said: dict[str, list[str]] = {}
    delete(server.one, "leavers-1", ids, said.__setitem__, do_it=False)
    assert said == {}
    delete(server.one, "leavers-1", ids, said.__setitem__, do_it=True)
    assert said == {"removed": ids, "copy_removed": [whole]}
    assert there(server) == {kept}
    assert server.one.copy is not None
    (left,) = snapshots_of(server.one.copy)
    assert left.original.startswith(kept)
    for place in (server.one.repository, server.one.copy):
        stats = json.loads(run(place, "stats", "--mode", "raw-data", "--json"))
        assert stats["total_size"] < 210_000
    assert sum(path.stat().st_size for path in server.packs()) < 210_000, "no byte of it is left"
    # Again, as where nobody heard of it the first time.
    delete(server.one, "leavers-1", ids, said.__setitem__, do_it=True)
    assert said == {"removed": ids, "copy_removed": []}


def test_what_is_old_goes_in_the_copy_too_if_it_may(server: Server) -> None:
    url = f"{server.elsewhere()}/{server.one.name}"
    server.copies_to(url, forget=False)
    server.has("a", b"x")
    for day in (2, 1):
        server.backup(at=days_ago(day))
    assert copy(server.one)["copied"] == 2
    assert len(prune(server.one, KEEP_ONE)["removed"]) == 1
    assert server.one.copy is not None
    assert len(snapshots_of(server.one.copy)) == 2
    server.copies_to(url)
    prune(server.one, KEEP_ONE)
    assert [one.original for one in snapshots_of(server.one.copy)] == [
        one.id for one in snapshots_of(server.one.repository)
    ]
    assert copy(server.one)["copied"] == 0


def test_a_full_disk_is_called_that() -> None:
    assert is_full("write /srv/x: no space left on device")
    assert is_full("write /srv/x: disk quota exceeded")
    assert not is_full("permission denied")
    assert in_words(OSError("No space left on device")).startswith("the disk of the repository is")


def test_a_snapshot_of_now_is_not_of_tomorrow(server: Server) -> None:
    server.has("a", b"x")
    server.backup()
    (one,) = snapshots_of(server.one.repository)
    assert one.at <= datetime.now(UTC) + timedelta(minutes=1)
