"""A network that stutters, a server that comes back, and pieces that are not what they were."""

from __future__ import annotations

import threading
import time

import pytest

from ictops.imaging.agent.fetch import Patience
from ictops.imaging.wire import said
from tests.support import images
from tests.unit.imaging.agent.conftest import School, Versions


def test_a_piece_that_is_damaged_once_is_fetched_again(school: School, versions: Versions) -> None:
    spoiled: list[str] = []

    def spoil(path: str, first: int, data: bytes) -> bytes:
        if path.startswith("/packs/") and len(spoiled) < 3 and len(data) > 1000:
            spoiled.append(path)
            return data[:900] + bytes([data[900] ^ 1]) + data[901:]
        return data

    school.files.spoil = spoil
    disk = school.blank()
    end = school.run(school.job(versions.fixed), disk)
    assert end.outcome == "done", end
    assert len(spoiled) == 3
    assert images.differing_places(disk, versions.fixed) == []


def test_a_piece_that_is_always_damaged_is_told(school: School, versions: Versions) -> None:
    piece = versions.fixed.index.pieces[len(versions.fixed.index.pieces) // 2]
    pack = versions.fixed.index.packs[piece.pack].digest.hex()

    def spoil(path: str, first: int, data: bytes) -> bytes:
        at = piece.offset + 10 - first
        if not path.endswith(pack) or not 0 <= at < len(data):
            return data
        return data[:at] + bytes([data[at] ^ 64]) + data[at + 1 :]

    school.files.spoil = spoil
    disk = school.blank()
    end = school.run(school.job(versions.fixed), disk)
    assert (end.outcome, end.fault) == ("failed", "image-damaged")
    assert school.sessions.ends == [end]
    assert not images.bootable(disk, versions.fixed)
    school.files.spoil = None
    sent = school.files.sent
    assert school.run(school.job(versions.fixed), disk).outcome == "done"
    assert images.differing_places(disk, versions.fixed) == []
    assert school.files.sent < sent


def test_a_pack_that_is_missing_is_told(school: School, versions: Versions) -> None:
    gone = "/packs/"

    school.files.hide = gone
    end = school.run(school.job(versions.fixed), school.blank())
    assert (end.outcome, end.fault) == ("failed", "image-damaged")
    assert "404" in end.message


def test_connections_that_are_cut_go_on_at_the_next_piece(
    school: School, versions: Versions
) -> None:
    cuts: list[str] = []

    def spoil(path: str, first: int, data: bytes) -> bytes:
        if path.startswith("/packs/") and len(data) > 700_000:
            cuts.append(path)
            return data[:600_000]
        return data

    school.files.spoil = spoil
    disk = school.blank()
    end = school.run(school.job(versions.fixed), disk)
    assert end.outcome == "done", end
    assert len(cuts) > 5
    assert images.differing_places(disk, versions.fixed) == []
    # Of what was cut, less than a piece is fetched twice.
    largest = max(one.stored for one in versions.fixed.index.pieces)
    assert end.fetched == versions.fixed.manifest.stored
    assert school.files.sent < end.fetched + len(cuts) * largest


def test_a_stalled_connection_is_left(school: School, versions: Versions) -> None:
    let_go = threading.Event()
    stalls: list[str] = []

    def spoil(path: str, first: int, data: bytes) -> bytes:
        if path.startswith("/packs/") and not stalls:
            stalls.append(path)
            let_go.wait(20)
        return data

    school.files.spoil = spoil
    try:
        end = school.run(school.job(versions.fixed), school.blank())
    finally:
        let_go.set()
    assert end.outcome == "done", end
    assert stalls


def test_a_server_that_is_restarted_is_waited_for(school: School, versions: Versions) -> None:
    school.patience = Patience(answer=2.0, gone=60.0, waits=(0.05, 0.2))
    struck = threading.Event()

    def spoil(path: str, first: int, data: bytes) -> bytes:
        if path.startswith("/packs/") and not struck.is_set():
            struck.set()
            return data[: len(data) // 2]
        return data

    def restart() -> None:
        struck.wait(30)
        for one in (school.files, school.sessions):
            one.stop()
        time.sleep(1.0)
        for one in (school.files, school.sessions):
            one.start()

    school.files.spoil = spoil
    other = threading.Thread(target=restart)
    other.start()
    disk = school.blank()
    try:
        end = school.run(school.job(versions.fixed), disk)
    finally:
        struck.set()
        other.join()
    assert end.outcome == "done", end
    assert images.differing_places(disk, versions.fixed) == []
    assert school.sessions.ends == [end]


def test_a_server_that_stays_away_is_told(school: School, versions: Versions) -> None:
    school.patience = Patience(answer=0.3, gone=0.5, waits=(0.05,))

    def spoil(path: str, first: int, data: bytes) -> bytes | None:
        return None if path.startswith("/packs/") else data

    school.files.spoil = spoil
    disk = school.blank()
    end = school.run(school.job(versions.fixed), disk)
    assert (end.outcome, end.fault) == ("failed", "server-gone")
    assert not images.bootable(disk, versions.fixed)


@pytest.mark.parametrize("file", ["manifest.json", "manifest.sig", "index"])
def test_what_describes_the_image_is_looked_at(
    school: School, versions: Versions, file: str
) -> None:
    def spoil(path: str, first: int, data: bytes) -> bytes:
        if not path.endswith(file):
            return data
        at = len(data) // 2
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    school.files.spoil = spoil
    disk = school.blank()
    end = school.run(school.job(versions.fixed), disk)
    assert (end.outcome, end.fault) == ("failed", "image-damaged")
    assert not any(disk.read_bytes())


def test_a_seed_that_is_gone_only_costs_time(school: School, versions: Versions) -> None:
    school.files.hide = "/images/golden/2/"
    disk = school.blank()
    job = school.job(versions.fixed, seeds=(versions.second.ref,))
    end = school.run(job, disk)
    assert end.outcome == "done", end
    assert any("golden 2 is not used" in one for one in school.screen)


def test_progress_does_not_hold_up_the_work(school: School, versions: Versions) -> None:
    let_go = threading.Event()
    school.sessions.slow = lambda path: path == "progress" and let_go.wait(30)
    try:
        end = school.run(school.job(versions.fixed), school.blank())
    finally:
        let_go.set()
    assert end.outcome == "done", end
    assert not [one for _, one in school.sessions.heard if isinstance(one, said.Progress)]
