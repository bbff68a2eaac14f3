"""A prune or a copy that is killed, and a disk that is full: nothing that is kept is lost."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError, run
from ansible_collections.ictops.schools.plugins.module_utils.server_copy import copy
from ansible_collections.ictops.schools.plugins.module_utils.server_locks import Locks
from ansible_collections.ictops.schools.plugins.module_utils.server_prune import prune
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import FULL
from ansible_collections.ictops.schools.plugins.module_utils.server_snapshots import snapshots_of

from tests.support.repositories import Server, days_ago, need_restic, server_of

pytestmark = [need_restic, pytest.mark.timeout(900)]

DO = """
import json, sys
from ansible_collections.ictops.schools.plugins.module_utils.server_copy import copy
from ansible_collections.ictops.schools.plugins.module_utils.server_prune import prune
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import kept
what, told = sys.argv[1], json.loads(sys.argv[2])
one = kept("oakfield", told)
said = copy(one) if what == "copy" else prune(one, {"pupils": {"keep_last": 2}})
sys.exit(0 if said.get("good", True) else 1)
"""
KILLS = 20


def killed(server: Server, what: str, seconds: float) -> bool:
    """Do it in a process of its own, and kill it and its restic; say whether it was at work."""
    with subprocess.Popen(
        [sys.executable, "-c", DO, what, json.dumps(server.told)],
        start_new_session=True, stderr=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    ) as process:  # fmt: skip
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            return True
        assert process.returncode == 0
        return False


def grow(server: Server, day: int) -> None:
    """Add a snapshot that has something new and something old."""
    Locks(server.one.repository).remove_dead()  # as whatever the server does next would
    server.has(f"{day % 3}", os.urandom(400_000))
    server.has("same", b"always the same" * 1000)
    server.backup(at=days_ago(300 - day))


def test_killed_prunes_and_copies_lose_nothing(server: Server) -> None:
    """Twenty kills, each at another moment; all that is kept is then read, and restored."""
    server.copies_to(f"{server.elsewhere()}/{server.one.name}")
    chosen = random.Random(20261129)
    for day in range(3):
        grow(server, day)
    begun = time.monotonic()
    copy(server.one)
    lasts = time.monotonic() - begun
    hit = 0
    for number in range(KILLS):
        grow(server, 3 + number)
        newest = [one.id for one in snapshots_of(server.one.repository)[:2]]
        what = ("prune", "copy")[number % 2]
        hit += killed(server, what, chosen.uniform(0.2, 1.5 * lasts))
        left = {one.id for one in snapshots_of(server.one.repository)}
        assert set(newest) <= left
    assert hit >= KILLS // 2, "or nothing was tried here"
    said = prune(server.one, {"pupils": {"keep_last": 2}})
    assert (said["kept"], said["message"]) == (2, "")
    copied = copy(server.one)
    server.whole()
    assert server.one.copy is not None
    run(server.one.copy, "check", "--read-data")
    kept = {one.id for one in snapshots_of(server.one.repository)}
    assert kept <= {one.original for one in snapshots_of(server.one.copy)}
    assert copied["snapshots"] >= 2
    for one in snapshots_of(server.one.repository):
        target = server.folder / "scratch" / one.id
        run(server.one.repository, "restore", one.id, "--target", str(target))
        same = target / str(server.data).lstrip("/") / "same"
        assert same.read_bytes() == b"always the same" * 1000
    assert not list((server.repository / "locks").glob("?" * 64))


@pytest.fixture
def small() -> Iterator[Server]:
    """Give a server whose repositories are on a disk of 3 MB."""
    if os.geteuid():
        pytest.skip("a disk of its own needs root")
    with server_of() as server:
        place = server.folder / "repositories"
        stays = server.folder / "stays"
        place.rename(stays)
        place.mkdir()
        words = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(place)]
        subprocess.run(words, check=True)
        try:
            subprocess.run(["cp", "-a", f"{stays}/.", str(place)], check=True)
            yield server
        finally:
            subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(folder: Path) -> Path:
    """Fill a disk to its last byte."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return path
    return path


def test_a_full_disk_is_told_in_words_and_nothing_is_lost(small: Server) -> None:
    for day in (3, 2, 1):
        small.has("a", os.urandom(400_000))
        small.backup(at=days_ago(day))
    filler = fill(small.folder / "repositories")
    said = prune(small.one, {"pupils": {"keep_last": 1}})
    assert not said["good"]
    assert said["message"].startswith(FULL)
    assert len(snapshots_of(small.one.repository)) == 3 - len(said["removed"])
    filler.unlink()
    small.whole()
    said = prune(small.one, {"pupils": {"keep_last": 1}})
    assert said["message"] == ""
    assert said["kept"] == 1
    small.whole()


def test_a_full_disk_of_the_copy_is_told_in_words(small: Server) -> None:
    folder = small.folder / "repositories" / "elsewhere"
    folder.mkdir()
    folder.chmod(0o777)
    small.copies_to(f"{folder}/oakfield")
    small.has("a", os.urandom(100_000))
    small.backup()
    copy(small.one)
    small.has("a", os.urandom(1_000_000))
    small.backup()
    filler = fill(small.folder / "repositories")
    with pytest.raises(ResticError, match="no space left on device"):
        copy(small.one)
    filler.unlink()
    assert copy(small.one)["snapshots"] == 2
    small.whole()
