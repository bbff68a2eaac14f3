"""What a backup server forgets, and what it waits for."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import locks as module_of_locks
from ansible_collections.ictops.schools.plugins.module_utils import pruned as module_of_prunes
from ansible_collections.ictops.schools.plugins.module_utils.locks import LOCKED, Locks, when_free
from ansible_collections.ictops.schools.plugins.module_utils.pruned import prune, rules_of
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    is_full,
    kept,
    moment,
    said_of,
    snapshots,
)
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError, run

from tests.support.repositories import NAME, Server, days_ago, only

WITHIN = {"pupils": {"keep_within": "1d"}}


def pruned(server: Server, retention: dict[str, dict[str, object]] = WITHIN) -> dict[str, Any]:
    said: dict[str, Any] = prune(server.one, rules_of(retention))
    return said


def test_what_is_old_is_forgotten_with_its_data(server: Server) -> None:
    old = set()
    for day in (30, 20):
        server.has("a", os.urandom(300_000))
        old.add(server.backup(at=days_ago(day)))
    server.has("a", os.urandom(300_000))
    new = server.backup()
    said = pruned(server)
    assert (set(said["removed"]), said["kept"]) == (old, 1)
    assert 500_000 < said["bytes_freed"] < 700_000
    assert server.there() == {new}
    server.whole()
    assert pruned(server)["removed"] == []


def test_of_each_class_something_else_is_kept(server: Server) -> None:
    """By the day, the week and the month, as often as somebody backs up on one day."""
    server.has("a", b"x")
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0) - timedelta(days=1)
    ids = {}
    for class_ in ("pupils", "mis"):
        for hours in (0, 1, 3, 24 * 10, 24 * 10 + 1, 24 * 100):
            at = noon - timedelta(hours=hours)
            ids[class_, hours] = server.backup(class_=class_, set_=class_, at=at)
    retention = {
        "pupils": {"keep_within": "2h", "keep_within_daily": "30d"},
        "mis": {"keep_within_monthly": "1y"},
    }
    pruned(server, retention)
    left = {key for key, name in ids.items() if name in server.there()}
    assert {hours for class_, hours in left if class_ == "pupils"} == {0, 1, 24 * 10}
    # One a month of whichever months these days were in, the newest always.
    mis = {hours for class_, hours in left if class_ == "mis"}
    assert {0, 24 * 100} <= mis <= {0, 24 * 10, 24 * 100}


def test_sets_hosts_and_databases_are_each_looked_at_alone(server: Server) -> None:
    server.has("a", b"x")
    kept = {
        server.backup(at=days_ago(50)),
        server.backup(at=days_ago(40), host="oak-srv-02"),
        server.backup(at=days_ago(30), set_="staff"),
        server.backup(at=days_ago(20), set_="mis", kind="sqlite", stream=("/mis.dump", b"1")),
    }
    assert pruned(server)["removed"] == []
    assert server.there() == kept


@pytest.mark.parametrize("archives", ["pupils", "archive"])
def test_archives_and_classes_without_a_rule_are_kept(server: Server, archives: str) -> None:
    """Whatever class an archive is of, and though somebody gives archives a rule of their own."""
    server.has("a", b"x")
    kept = {
        server.backup(archive="leavers-1", class_=archives, at=days_ago(900)),
        server.backup(archive="leavers-1", class_=archives, at=days_ago(800)),
        server.backup(class_="mis", at=days_ago(700)),
        server.backup(class_="mis", at=days_ago(600)),
        server.backup(),
    }
    old = server.backup(at=days_ago(5))
    said = pruned(server, {**WITHIN, "archive": {"keep_within": "1d"}})
    assert said["removed"] == [old]
    assert server.there() == kept


def test_nothing_is_forgotten_where_a_snapshot_is_of_tomorrow(server: Server) -> None:
    server.has("a", b"x")
    server.backup(at=days_ago(3))
    server.backup()
    ahead = server.backup(host="oak-srv-09", at=days_ago(-0.5))
    told = server.module("prune", retention=WITHIN, fails=True)
    said = only(told, "ictops_backup_prune")
    assert (said["good"], said["removed"], said["kept"]) == (False, [], 0)
    assert "nothing is forgotten, since this is dated in the future" in said["message"]
    assert f"{ahead[:8]} of oak-srv-09" in said["message"]
    assert told["msg"] == f"{NAME}: {said['message']}"
    assert len(server.there()) == 3
    run(server.own, "forget", ahead)
    server.backup(at=days_ago(-50 / 1440))  # fifty minutes: a clock may be that wrong
    assert len(pruned(server)["removed"]) == 1


def test_one_that_is_forged_while_the_ages_are_counted_is_seen(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.has("a", b"x")
    server.backup(at=days_ago(3))
    server.backup()
    real = module_of_prunes.old

    def forged(*words: Any) -> list[str]:
        server.backup(at=days_ago(-365))
        return list(real(*words))

    monkeypatch.setattr(module_of_prunes, "old", forged)
    said = pruned(server)
    assert (said["good"], said["removed"], said["kept"]) == (False, [], 3)


@pytest.mark.parametrize("zone", ["Etc/GMT-14", "Etc/GMT+12", "Europe/London"])
def test_a_hosts_own_offset_makes_no_backup_older_or_younger(server: Server, zone: str) -> None:
    server.has("a", b"x")
    server.backup(zone=zone)
    (one,) = snapshots(server.own)
    assert one.at.endswith("+00:00")
    assert abs(datetime.fromisoformat(one.at) - datetime.now(UTC)) < timedelta(minutes=2)
    assert pruned(server)["removed"] == []


def test_times_of_restics_are_read() -> None:
    wanted = datetime(2026, 11, 29, 5, 0, 0, 123456, tzinfo=UTC)
    assert moment("2026-11-29T06:00:00.123456789+01:00") == wanted
    assert moment("2026-11-29T05:00:00Z") == wanted.replace(microsecond=0)
    assert moment("2026-11-29T05:00:00.5Z") == wanted.replace(microsecond=500000)
    for wrong in ("yesterday", "", "2026-11-29T05:00:00", "9999-12-31T23:59:59-12:00"):
        with pytest.raises(ValueError, match="no time"):
            moment(wrong)


@pytest.mark.parametrize(
    "said",
    [
        {}, None, "1d", {"keep_last": 0}, {"keep_within": "0d"}, {"keep_forever": 1},
        {"keep_last": "-1"}, {"keep_last": True}, {"keep_within_daily": "--prune"},
        {"keep_daily": 7}, {"keep_last": 1, "keep_within_daily": 7},
        {"keep_last": 0, "keep_within_daily": "0d0h"},
    ],
)  # fmt: skip
def test_what_would_keep_nothing_or_is_said_wrongly_is_refused(
    server: Server, said: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match="pupils: "):
        rules_of({"pupils": said})
    with pytest.raises(ValueError, match="cannot be a class"):
        rules_of({"pupils,archive=x": {"keep_last": 1}})


def test_rules_are_restics() -> None:
    said = {"keep_last": 3, "keep_within_daily": "35d", "keep_within_monthly": "1y1m"}
    assert rules_of({"pupils": said}) == {
        "pupils": [
            "--keep-last", "3", "--keep-within-daily", "35d", "--keep-within-monthly", "1y1m",
        ],
    }  # fmt: skip


def test_a_name_leads_out_of_no_folder(server: Server) -> None:
    for name in ("../oakfield", "", "-x", "a/b", "Oak", "oak\n"):
        with pytest.raises(ValueError, match="cannot be a repository's name"):
            kept({**server.told, "names": [name]})


def test_one_that_fails_keeps_no_other_from_its_turn(server: Server) -> None:
    server.has("a", b"x")
    old = server.backup(at=days_ago(3))
    server.backup()
    repositories = {**server.told, "names": ["nobody", NAME]}
    said = server.module("prune", retention=WITHIN, repositories=repositories, fails=True)
    bad, good = said["ictops_backup_prune"]["repositories"]
    assert (bad["repository"], bad["good"], good["repository"], good["good"]) == (
        "nobody", False, NAME, True,
    )  # fmt: skip
    assert good["removed"] == [old]
    assert said["changed"]
    assert not server.module("prune", retention=WITHIN)["changed"]


def lock_of(server: Server) -> Path:
    """Have a lock in the repository, made by a restic that was killed."""
    with _backup_from_pipe(server) as busy:
        while not (made := server.locks()):
            assert busy.poll() is None
        busy.kill()
    (path,) = made
    return path


def _backup_from_pipe(server: Server) -> subprocess.Popen[bytes]:
    words = server.own.words("backup", "--stdin", "--host", "h")
    return subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, **server.own.process()
    )


def test_the_lock_of_a_dead_restic_of_ours_goes_at_once(server: Server) -> None:
    path = lock_of(server)
    with pytest.raises(ResticError, match=LOCKED):
        run(server.own, "prune")
    assert pruned(server)["removed"] == []
    assert not path.exists()


def test_the_lock_of_a_host_goes_when_it_is_renewed_no_more(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not the time in it, nor the time of the file, that counts: clocks are wrong."""
    path = lock_of(server)
    os.utime(path, (0, 0))
    monkeypatch.setattr(socket, "gethostname", lambda: "another")
    locks = Locks(server.own)
    now = [1000.0]
    monkeypatch.setattr(module_of_locks.time, "monotonic", lambda: now[0])
    assert locks.remove_dead() == 0
    now[0] += module_of_locks.RENEWED - 1
    assert locks.remove_dead() == 0
    now[0] += 2
    assert locks.remove_dead() == 1
    assert not path.exists()


@pytest.fixture
def busy(server: Server) -> Iterator[subprocess.Popen[bytes]]:
    with _backup_from_pipe(server) as process:
        while not server.locks():
            assert process.poll() is None
        yield process
        process.kill()


def test_a_living_backup_is_waited_for(
    server: Server, busy: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ResticError) as fault:
        when_free(server.own, "prune", patience=0.5)
    assert said_of(fault.value).startswith("something else is at work in the repository; try again")
    assert len(server.locks()) == 1
    waited = []
    pipe = busy.stdin
    assert pipe is not None

    def pause(seconds: float) -> None:
        waited.append(seconds)
        pipe.write(b"all of it")
        pipe.close()
        busy.wait()

    monkeypatch.setattr(module_of_locks.time, "sleep", pause)
    when_free(server.own, "prune", patience=60)
    assert len(waited) == 1
    assert len(server.there()) == 1


def test_a_full_disk_is_called_that() -> None:
    assert is_full("write /srv/x: no space left on device")
    assert is_full("write /srv/x: disk quota exceeded")
    assert not is_full("permission denied")
    assert said_of(OSError("No space left on device")).startswith("the disk of the repository is")
