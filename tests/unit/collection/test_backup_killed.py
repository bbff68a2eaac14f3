"""A backup that is killed, that has no room, whose line is lost: nothing that was kept is lost."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import own_locks
from ansible_collections.ictops.schools.plugins.module_utils.own_locks import alone, remove_dead
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, run

from tests.support.backing_up import (
    all_over,
    backed_up,
    begun,
    folders,
    locks,
    pids_of,
    until,
)
from tests.support.modules import said
from tests.support.restic import by_rclone, content, repository_in, snapshots

KILLS = 20
SLOW = {"upload_limit": 2000}
"""KiB a second, so that what a pupil writes takes two seconds, however quick the disk is."""
pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    folder = tmp_path / "homes"
    for pupil in ("ann", "ben"):
        (folder / pupil).mkdir(parents=True)
    for number in range(40):
        data = random.Random(number).randbytes(400_000)
        (folder / "ann" / f"{number}.bin").write_bytes(data)
    return folder


def work(homes: Path, turn: int) -> None:
    """Have a pupil write what no backup has yet."""
    for number in range(10):
        data = random.Random(1000 * turn + number).randbytes(400_000)
        (homes / "ben" / f"{number}.bin").write_bytes(data)


def test_twenty_backups_that_are_killed_lose_nothing(repository: Repository, homes: Path) -> None:
    (first,) = backed_up(repository, folders(homes))
    work(homes, KILLS)
    begin = time.monotonic()
    assert not said(begun(repository, folders(homes), **SLOW)).get("failed")
    whole = time.monotonic() - begin
    chance, killed = random.Random(6), 0
    for turn in range(KILLS):
        work(homes, turn)
        process = begun(repository, folders(homes), **SLOW)
        time.sleep(chance.uniform(0.05, whole))
        if process.poll() is None:
            killed += 1
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        until(lambda: all_over(repository))
    assert killed >= KILLS // 2, "they were killed in their midst"
    told = said(begun(repository, folders(homes)))
    (last,) = told["ictops_backup"]["sets"]
    assert last["message"] == ""
    assert locks(repository) == [], "the next one has taken the dead locks away"
    run(repository, "check", "--read-data")
    kept = content(repository, first["snapshot"], f"{homes}/ann/7.bin")
    assert kept == random.Random(7).randbytes(400_000)
    newest = content(repository, last["snapshot"], f"{homes}/ben/3.bin")
    assert newest == (homes / "ben" / "3.bin").read_bytes()


def test_another_backup_of_the_host_is_not_begun_beside_one(
    repository: Repository, homes: Path
) -> None:
    with alone(Path(repository.password_file).parent / "at-work"):
        told = said(begun(repository, folders(homes)))
    assert told["failed"]
    assert "another backup of this host is at work" in told["msg"]
    assert snapshots(repository) == []


def test_own_dead_locks_go_and_others_stay(
    repository: Repository, homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(repository, "backup", str(homes))
    process = begun(repository, folders(homes))
    until(lambda: locks(repository) and pids_of(repository))
    (restic,) = pids_of(repository)
    os.kill(restic, signal.SIGSTOP)
    assert remove_dead(repository) == 0  # it is at work
    assert locks(repository)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    until(lambda: all_over(repository))
    other = f"not-{socket.gethostname()}"
    with monkeypatch.context() as another:
        another.setattr(own_locks.socket, "gethostname", lambda: other)
        assert remove_dead(repository) == 0
    assert locks(repository)
    assert remove_dead(repository) == 1
    assert locks(repository) == []


# By rclone, as hosts reach their server.


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Repository]:
    """Give a repository on a disk of 8 MB, behind rclone."""
    if os.geteuid():
        pytest.skip("a disk of its own needs root")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", place], check=True)
    try:
        yield by_rclone(repository_in(place))
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


def test_a_full_disk_of_the_repository_is_told_and_what_was_kept_stays(
    small: Repository, tmp_path: Path
) -> None:
    home = tmp_path / "ann"
    home.mkdir()
    (home / "essay").write_bytes(os.urandom(500_000))
    (first,) = backed_up(small, folders(home))
    assert first["message"] == ""
    (home / "film").write_bytes(os.urandom(20_000_000))
    (told,) = backed_up(small, folders(home))
    assert told["snapshot"] == ""
    assert told["message"].startswith("the disk of the repository is full; nothing that was there")
    assert [one["id"] for one in snapshots(small)] == [first["snapshot"]]
    (home / "film").unlink()
    assert content(small, first["snapshot"], f"{home}/essay") == (home / "essay").read_bytes()


def test_a_line_that_is_lost_in_the_middle_ends_that_backup_alone(
    repository: Repository, homes: Path
) -> None:
    far = by_rclone(repository)
    (first,) = backed_up(far, folders(homes))
    work(homes, 1)
    process = begun(far, folders(homes), **SLOW)
    until(lambda: pids_of(repository, b"rclone"))
    time.sleep(1)
    for one in pids_of(repository, b"rclone"):
        os.kill(one, signal.SIGKILL)
    told = said(process)
    (lost,) = told["ictops_backup"]["sets"]
    assert (told["failed"], lost["snapshot"]) == (True, "")
    assert lost["message"]
    assert [one["id"] for one in snapshots(repository)] == [first["snapshot"]]
    (last,) = said(begun(far, folders(homes)))["ictops_backup"]["sets"]
    assert last["message"] == ""
    run(repository, "check", "--read-data")
    newest = content(repository, last["snapshot"], f"{homes}/ben/3.bin")
    assert newest == (homes / "ben" / "3.bin").read_bytes()
