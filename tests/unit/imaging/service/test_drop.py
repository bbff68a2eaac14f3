"""What a boot server takes of a disk that is captured, from whom, and how long it keeps it."""

from __future__ import annotations

import threading
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import pytest

from ictops.imaging.service.desk import KEEP_CAPTURED, Desk
from ictops.imaging.service.drop import SPARE
from ictops.imaging.service.http import Server, agent_routes
from ictops.imaging.service.refused import Refused
from ictops.imaging.wire.drop import CAPTURED, LISTED, PIECES, read_listed
from ictops.imaging.wire.job import Capture, Job
from ictops.imaging.wire.said import LARGEST_SENT, Captured, End, Have
from ictops.imaging.wire.state import Look
from ictops.imaging.wire.words import digest_of
from tests.support.imaging import BootServer, claim

ONE, TWO, THREE = b"one" * 100, b"two" * 200, b"three" * 300
NAMES = [digest_of(one).hex() for one in (ONE, TWO, THREE)]


@pytest.fixture
def server(tmp_path: Path) -> BootServer:
    return BootServer(tmp_path)


def claimed(server: BootServer, desk: Desk, most: int = 10_000, **more: object) -> tuple[Job, str]:
    job = server.job(kind="capture", capture=Capture(most), **more)
    desk.arm(server.signed(job))
    return job, desk.claim(claim()).token


def folder_of(server: BootServer, job: Job) -> Path:
    return server.root / "state" / "captured" / job.id


def test_pieces_are_kept_once_each(server: BootServer) -> None:
    desk = server.desk()
    job, token = claimed(server, desk)
    assert desk.have(token, Have(tuple(NAMES))).pieces == tuple(NAMES)
    for name, data in ((NAMES[0], ONE), (NAMES[1], TWO), (NAMES[0], ONE)):
        desk.piece(token, name, data)
    assert desk.have(token, Have(tuple(NAMES))).pieces == (NAMES[2],)
    folder = folder_of(server, job)
    assert (folder / PIECES).read_bytes() == ONE + TWO
    kept, _ = read_listed((folder / LISTED).read_text())
    assert [(one.offset, one.size) for one in kept.values()] == [(0, 300), (300, 600)]
    assert all((folder / name).stat().st_mode & 0o777 == 0o600 for name in (PIECES, LISTED))


def test_what_a_power_cut_leaves_is_gone_on_with(server: BootServer) -> None:
    desk = server.desk()
    job, token = claimed(server, desk)
    desk.piece(token, NAMES[0], ONE)
    desk.piece(token, NAMES[1], TWO)
    folder = folder_of(server, job)
    with (folder / PIECES).open("ab") as file:
        file.write(THREE[:100])
    lines = (folder / LISTED).read_text()
    (folder / LISTED).write_text(lines[:-30])
    desk = server.desk()
    token = desk.claim(claim()).token
    assert desk.have(token, Have(tuple(NAMES))).pieces == (NAMES[1], NAMES[2])
    desk.piece(token, NAMES[2], THREE)
    assert (folder / PIECES).read_bytes() == ONE + THREE
    kept, read = read_listed((folder / LISTED).read_text())
    assert (list(kept), read) == ([NAMES[0], NAMES[2]], (folder / LISTED).stat().st_size)


def test_a_line_that_was_half_written_hides_no_later_one(server: BootServer) -> None:
    desk = server.desk()
    job, token = claimed(server, desk)
    desk.piece(token, NAMES[0], ONE)
    with (folder_of(server, job) / LISTED).open("a") as file:
        file.write(NAMES[1][:20])  # the disk failed within it, and the PC sends the piece again
    desk.piece(token, NAMES[1], TWO)
    kept, _ = read_listed((folder_of(server, job) / LISTED).read_text())
    assert list(kept) == NAMES[:2]


@pytest.mark.parametrize("name", [NAMES[1], "../../x", "", "A" * 64, f"{NAMES[0]}\n", ".."])
def test_a_piece_that_is_not_what_it_is_called_is_refused(server: BootServer, name: str) -> None:
    desk = server.desk()
    job, token = claimed(server, desk)
    with pytest.raises(Refused, match="not what its digest says") as caught:
        desk.piece(token, name, ONE)
    assert caught.value.status == 400
    assert (folder_of(server, job) / PIECES).read_bytes() == b""
    assert sorted(one.name for one in (server.root / "state").iterdir()) == ["captured", "jobs"]


def test_no_more_is_taken_than_the_job_says(server: BootServer) -> None:
    desk = server.desk()
    job, token = claimed(server, desk, most=len(ONE) + len(TWO))
    desk.piece(token, NAMES[0], ONE)
    with pytest.raises(Refused, match="may send 900 bytes"):
        desk.piece(token, NAMES[2], THREE)
    desk.piece(token, NAMES[1], TWO)
    assert (folder_of(server, job) / PIECES).stat().st_size == 900


def test_a_boot_server_keeps_room_for_itself(server: BootServer) -> None:
    server.free = SPARE + len(ONE)
    desk = server.desk()
    _, token = claimed(server, desk)
    desk.piece(token, NAMES[0], ONE)
    with pytest.raises(Refused, match="the boot server has less than") as caught:
        desk.piece(token, NAMES[1], TWO)
    assert caught.value.status == 409


def test_only_the_pc_that_has_the_job_may_send(server: BootServer) -> None:
    desk = server.desk()
    _, old = claimed(server, desk)
    token = desk.claim(claim()).token
    for stranger in ("x" * 43, old):
        with pytest.raises(Refused, match="this token is nobody's") as caught:
            desk.piece(stranger, NAMES[0], ONE)
        assert caught.value.status == 401
    desk.piece(token, NAMES[0], ONE)


def test_another_kind_of_job_sends_nothing(server: BootServer) -> None:
    desk = server.desk()
    desk.arm(server.signed(server.job()))
    token = desk.claim(claim()).token
    with pytest.raises(Refused, match="captures nothing"):
        desk.have(token, Have(()))
    assert not list((server.root / "state/captured").iterdir())


def test_what_is_there_as_a_whole_waits_to_be_fetched(server: BootServer) -> None:
    desk = server.desk()
    job, token = claimed(server, desk)
    with pytest.raises(Refused, match="the index was not sent"):
        desk.captured(token, Captured(5000, (NAMES[0],)))
    desk.piece(token, NAMES[0], ONE)
    desk.captured(token, Captured(5000, (NAMES[0],)))
    desk.end(token, End("done"))
    with pytest.raises(Refused, match="the job is over"):
        desk.piece(token, NAMES[1], TWO)
    desk = server.desk()
    assert (folder_of(server, job) / CAPTURED).exists()
    server.now += KEEP_CAPTURED
    desk.tidy()
    assert folder_of(server, job).exists()
    server.now += timedelta(seconds=1)
    desk.tidy()
    assert not folder_of(server, job).exists()


@pytest.mark.parametrize("how", ["cancelled", "expired", "failed", "forgotten"])
def test_what_nobody_wants_any_more_is_taken_away(server: BootServer, how: str) -> None:
    desk = server.desk()
    job, token = claimed(server, desk)
    desk.piece(token, NAMES[0], ONE)
    if how == "cancelled":
        assert desk.cancel(Look(job.id)).state == "cancelled", "a PC that is read can be let go"
    elif how == "expired":
        server.now += timedelta(hours=2)
        desk.tidy()
    elif how == "failed":
        desk.end(token, End("failed", "disk-failing"))
    else:
        for file in (server.root / "state/jobs" / job.id).iterdir():
            file.unlink()
        server.desk()
    assert not folder_of(server, job).exists()
    if how != "forgotten":
        with pytest.raises(Refused, match="the job is over"):
            desk.piece(token, NAMES[1], TWO)


def test_a_piece_comes_over_the_socket(tmp_path_factory: pytest.TempPathFactory) -> None:
    server = BootServer(tmp_path_factory.mktemp("s"))  # names of Unix sockets are short
    desk = server.desk()
    job, token = claimed(server, desk)
    listening = Server(server.root / "run" / "agent.sock", 0o660, agent_routes(desk))
    threading.Thread(target=listening.serve_forever, args=(0.05,), daemon=True).start()
    try:
        said = server.say("agent", f"/v1/piece/{NAMES[0]}", ONE, token)
        assert said == (200, {})
        for path in ("/v1/piece/../../jobs/x", "/v1/piece/%2e%2e", "/v1/piece/", "/v1/piece"):
            status, _ = server.say("agent", path, ONE, token)
            assert status in {400, 404}
        large = bytes(LARGEST_SENT + 1)
        assert server.say("agent", f"/v1/piece/{digest_of(large).hex()}", large, token)[0] == 413
        assert server.say("agent", f"/v1/piece/{NAMES[1]}", TWO)[0] == 401
        asked = asdict(Have(tuple(NAMES)))
        assert server.say("agent", "/v1/have", asked, token)[1] == {"pieces": NAMES[1:]}
    finally:
        listening.shutdown()
        listening.server_close()
    assert (folder_of(server, job) / PIECES).read_bytes() == ONE
