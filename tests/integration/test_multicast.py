from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ictops.imaging.wire.job import ImageRef, Multicast
from tests.support.imaging import BootServer, claim
from tests.support.room import Image, Room, Talk, finish, make_image, need_room, room

pytestmark = pytest.mark.imaging

PIECE = 256 * 1024
SLOW = 40_000_000
"""Bits a second: a pack of 4 MiB then takes about a second, in which something can happen."""


@pytest.fixture
def four() -> Iterator[Room]:
    need_room()
    with room(4) as one:
        yield one


def small_image(folder: Path, packs: int = 3) -> Image:
    return make_image(folder, packs, 16, PIECE)


def sent_to(server: Talk, sessions: int) -> list[int]:
    """Give to how many PCs each of the first sessions was sent, once they are over."""

    def found() -> list[int]:
        lines = [one for one in server.all_of("log") if " PCs of " in one]
        return [int(one.split(" to ")[1].split()[0]) for one in lines]

    server.wait_for(lambda _: len(found()) >= sessions)
    return found()


def assert_right(room: Room, image: Image, *pcs: int) -> None:
    for number in pcs:
        assert room.target(number).read_bytes() == image.whole, f"pc{number}"


def test_a_room_gets_each_pack_once(four: Room, tmp_path: Path) -> None:
    image = small_image(tmp_path / "packs")
    server = four.serve(image.folder, bits=SLOW)
    before = four.sent_bytes()
    pcs = [four.image(n, image, members=4) for n in range(4)]
    ends = finish(pcs)
    assert sent_to(server, 3) == [4, 4, 4]
    assert [one["unicast"] for one in ends] == [0] * 4
    assert four.sent_bytes() - before < 1.3 * len(image.whole)
    assert not any(one.all_of("note") for one in pcs)
    assert_right(four, image, *range(4))


def test_the_room_begins_without_a_pc_that_is_late_and_says_so(four: Room, tmp_path: Path) -> None:
    image = small_image(tmp_path / "packs")
    four.serve(image.folder)
    finish([four.image(n, image, members=3) for n in range(2)])
    late = four.image(2, image, members=3)
    assert late.end()["unicast"] == len(image.whole)
    assert "the room began without this PC: others had waited 10 s" in late.all_of("note")
    assert_right(four, image, 0, 1, 2)


def test_a_pc_that_comes_late_takes_part_at_the_next_pack(four: Room, tmp_path: Path) -> None:
    image = small_image(tmp_path / "packs", packs=4)
    server = four.serve(image.folder, bits=SLOW // 2)
    early = [four.image(n, image, members=3) for n in range(2)]
    early[0].wait_for(lambda one: "piece" in one)
    late = four.image(2, image, members=3)
    ends = finish([*early, late])
    assert sent_to(server, 2)[:2] == [2, 3]
    assert [one["unicast"] for one in ends[:2]] == [0, 0]
    assert ends[2]["multicast"]
    assert_right(four, image, 0, 1, 2)


def test_a_pc_that_stops_answering_is_dropped_and_gets_the_rest_alone(
    four: Room, tmp_path: Path
) -> None:
    image = small_image(tmp_path / "packs")
    server = four.serve(image.folder, bits=SLOW)
    pcs = [four.image(n, image, members=4) for n in range(4)]
    pcs[3].wait_for(lambda one: "piece" in one)
    pcs[3].signal(signal.SIGSTOP)
    assert [one["unicast"] for one in finish(pcs[:3])] == [0] * 3  # while it has stopped
    assert sent_to(server, 3) == [4, 3, 3]
    assert "10.99.0.13 of a: it stopped answering in a session" in server.all_of("log")
    pcs[3].signal(signal.SIGCONT)
    assert pcs[3].end()["unicast"] >= 2 * len(image.whole) // 3
    assert_right(four, image, *range(4))


def test_a_pc_that_restarts_in_a_session_takes_part_again(four: Room, tmp_path: Path) -> None:
    image = small_image(tmp_path / "packs")
    four.serve(image.folder, bits=SLOW)
    pcs = [four.image(n, image, members=4) for n in range(4)]
    pcs[3].wait_for(lambda one: "piece" in one)
    pcs[3].signal(signal.SIGKILL)
    pcs[3] = four.image(3, image, members=4)
    ends = finish(pcs)
    assert [one["unicast"] for one in ends[:3]] == [0, 0, 0]
    assert ends[3]["multicast"]
    assert_right(four, image, *range(4))


def test_a_pc_behind_a_switch_that_blocks_multicast_fetches_alone_and_says_why(
    four: Room, tmp_path: Path
) -> None:
    image = small_image(tmp_path / "packs")
    server = four.serve(image.folder)
    four.block_multicast("pc3")
    pcs = [four.image(n, image, members=4) for n in range(4)]
    ends = finish(pcs)
    assert [one["unicast"] for one in ends] == [0, 0, 0, len(image.whole)]
    assert sent_to(server, 3) == [3, 3, 3]
    assert any("a switch between the boot server" in one for one in pcs[3].all_of("note"))
    assert_right(four, image, *range(4))


def test_a_pc_that_multicast_no_longer_reaches_holds_up_the_others_once(
    four: Room, tmp_path: Path
) -> None:
    image = small_image(tmp_path / "packs", packs=5)
    server = four.serve(image.folder, bits=SLOW)
    pcs = [four.image(n, image, members=4) for n in range(4)]
    pcs[3].wait_for(lambda one: "piece" in one)
    four.block_multicast("pc3")
    ends = finish(pcs)
    assert [one["unicast"] for one in ends[:3]] == [0] * 3
    spoiled = [one for one in server.all_of("log") if "10.99.0.13" in one]
    assert spoiled == ["10.99.0.13 of a: it stopped answering in a session"]
    assert any("a switch between the boot server" in one for one in pcs[3].all_of("note"))
    assert_right(four, image, *range(4))


def test_two_rooms_at_once_are_never_mixed(four: Room, tmp_path: Path) -> None:
    folder = tmp_path / "packs"
    first, second = small_image(folder), small_image(folder)
    server = four.serve(folder, bits=SLOW)
    pcs = [four.image(n, first, group="a", members=2) for n in (0, 1)]
    pcs += [four.image(n, second, group="b", members=2) for n in (2, 3)]
    assert [one["unicast"] for one in finish(pcs)] == [0] * 4
    assert sent_to(server, 6) == [2] * 6
    assert_right(four, first, 0, 1)
    assert_right(four, second, 2, 3)


def test_a_switch_need_learn_but_once_who_listens(four: Room, tmp_path: Path) -> None:
    image = small_image(tmp_path / "packs")
    four.snoop()
    server = four.serve(image.folder, bits=SLOW)
    pcs = [four.image(n, image, members=4) for n in range(4)]
    pcs[3].wait_for(lambda one: "piece" in one)
    four.keep_from_telling("pc3")
    assert [one["unicast"] for one in finish(pcs)] == [0] * 4
    assert [one.all_of("note") for one in pcs] == [[]] * 4
    assert sent_to(server, 3) == [4, 4, 4]
    assert_right(four, image, *range(4))


def test_packets_may_be_lost(four: Room, tmp_path: Path) -> None:
    image = small_image(tmp_path / "packs")
    four.serve(image.folder)
    for number in range(4):
        four.lose(f"pc{number}", 1)
    finish([four.image(n, image, members=4) for n in range(4)])
    assert_right(four, image, *range(4))


def test_a_slow_disk_stops_no_stream(four: Room, tmp_path: Path) -> None:
    image = small_image(tmp_path / "packs", packs=6)
    server = four.serve(image.folder)
    pcs = [four.image(n, image, members=4) for n in range(3)]
    slow = four.image(3, image, members=4, slow="0.1", spool=str(16 * PIECE))
    assert [one["unicast"] for one in finish(pcs)] == [0] * 3
    assert "done" not in slow.said[-1]
    assert not [one for one in server.all_of("log") if "10.99.0.13" in one]
    slow.end()
    assert_right(four, image, *range(4))


def test_no_sender_outlives_the_service(four: Room, tmp_path: Path) -> None:
    image = small_image(tmp_path / "packs")
    server = four.serve(image.folder, bits=SLOW // 10)
    pcs = [four.image(n, image, members=2) for n in range(2)]
    pcs[0].wait_for(lambda one: "piece" in one)
    assert "udp-sender" in four.processes("server")
    server.signal(signal.SIGTERM)
    server.wait_for(lambda one: "stopped" in one)
    server.process.wait()
    assert not four.processes("server")


def test_the_service_sends_to_the_pcs_of_its_jobs(four: Room, tmp_path: Path) -> None:
    image = small_image(tmp_path / "packs")
    boot = BootServer(tmp_path, datetime.now(UTC))
    inside = ["ip", "netns", "exec", four.namespace("server")]
    options = ["--interface", "eth0", "--packs", str(image.folder)]
    ref = ImageRef("golden", "1", "0" * 64)
    with boot.running(*options, inside=inside) as service:
        pcs = []
        for number in range(2):
            mac = f"52:54:00:00:00:0{number}"
            job = boot.job(mac, kind="image", image=ref, multicast=Multicast("a", 2))
            boot.say("admin", "/arm", asdict(boot.signed(job)))
            token = boot.say("agent", "/v1/claim", asdict(claim(mac)))[1]["token"]
            socket = str(tmp_path / "run" / "agent.sock")
            pcs.append(four.image(number, image, members=2, socket=socket, token=token))
        assert [one["unicast"] for one in finish(pcs)] == [0, 0]
        service.send_signal(signal.SIGTERM)
        assert service.wait() == 0
    assert (tmp_path / "log").read_text().count(" to 2 PCs of a in ") == 3
    assert_right(four, image, 0, 1)
