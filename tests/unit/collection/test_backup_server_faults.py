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
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.module_utils.copied import bring_up_to_date
from ansible_collections.ictops.schools.plugins.module_utils.locks import Locks
from ansible_collections.ictops.schools.plugins.module_utils.pruned import prune, rules_of
from ansible_collections.ictops.schools.plugins.module_utils.repositories import snapshots
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError, run

from tests.support.repositories import Server, days_ago, server_of

pytestmark = pytest.mark.timeout(900)

DO = """
import json, sys
from ansible_collections.ictops.schools.plugins.module_utils.copied import bring_up_to_date
from ansible_collections.ictops.schools.plugins.module_utils.pruned import prune, rules_of
from ansible_collections.ictops.schools.plugins.module_utils.repositories import kept
what, told = sys.argv[1:]
(one,) = kept(json.loads(told))
if what == "copy":
    bring_up_to_date(one)
elif prune(one, rules_of({"pupils": {"keep_last": 2}})).get("message"):
    sys.exit(1)
"""
KILLS = 20
FULL = "the disk of the repository is full; nothing that was there is lost"


def pruned(server: Server, many: int) -> dict[str, Any]:
    told: dict[str, Any] = prune(server.one, rules_of({"pupils": {"keep_last": many}}))
    return {"good": True, "message": ""} | told


def killed(server: Server, what: str, seconds: float) -> bool:
    """Do it in a process of its own, and kill it and its restic; say whether it was at work."""
    with subprocess.Popen(
        [sys.executable, "-c", DO, what, json.dumps(server.told)], start_new_session=True,
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
    Locks(server.own).remove_dead()  # as whatever the server does next would
    server.has(f"{day % 3}", os.urandom(400_000))
    server.has("same", b"always the same" * 1000)
    server.backup(at=days_ago(300 - day))


def test_killed_prunes_and_copies_lose_nothing(server: Server) -> None:
    """Twenty kills, each at another moment; all that is kept is then read, and restored."""
    server.has_copy()
    chosen = random.Random(20261129)
    for day in range(3):
        grow(server, day)
    begun = time.monotonic()
    assert not killed(server, "copy", 600)
    lasts = time.monotonic() - begun
    hit = 0
    for number in range(KILLS):
        grow(server, 3 + number)
        newest = [one.id for one in snapshots(server.own)[:2]]
        what = ("prune", "copy")[number % 2]
        hit += killed(server, what, chosen.uniform(0.1, lasts))
        assert set(newest) <= server.there()
    assert hit >= KILLS // 2, "or nothing was tried here"
    said = pruned(server, 2)
    assert (said["kept"], said["message"]) == (2, "")
    copied = bring_up_to_date(server.one)
    server.whole()
    run(server.second, "check", "--read-data")
    assert server.there() <= {one.original for one in snapshots(server.second)}
    assert copied["snapshots"] >= 2
    for one in snapshots(server.own):
        target = server.scratch / one.id
        server.own.give(str(server.scratch))
        run(server.own, "restore", one.id, "--target", str(target))
        same = target / str(server.data).lstrip("/") / "same"
        assert same.read_bytes() == b"always the same" * 1000
    assert not server.locks()


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
        words = ["mount", "-t", "tmpfs", "-o", "size=3m", "none", str(place)]
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
    said = small.module("prune", fails=True, retention={"pupils": {"keep_last": 1}})
    (one,) = said["ictops_backup_prune"]["repositories"]
    assert one["message"].startswith(FULL)
    assert len(small.there()) == 3 - len(one["removed"])
    filler.unlink()
    small.whole()
    assert (pruned(small, 1)["message"], len(small.there())) == ("", 1)
    small.whole()


def test_a_full_disk_of_the_copy_is_told_in_words(small: Server) -> None:
    folder = small.folder / "repositories" / "elsewhere"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    small.copies_to(str(folder))
    small.has("a", os.urandom(100_000))
    small.backup()
    bring_up_to_date(small.one)
    small.has("a", os.urandom(1_000_000))
    small.backup()
    filler = fill(small.folder / "repositories")
    with pytest.raises(ResticError, match="no space left on device"):
        bring_up_to_date(small.one)
    filler.unlink()
    assert bring_up_to_date(small.one)["snapshots"] == 2
    small.whole()
