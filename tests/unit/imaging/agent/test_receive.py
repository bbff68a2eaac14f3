from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from ictops.imaging.agent import receive as module
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.receive import Ear, Link, StreamLost, receive, take_part
from ictops.imaging.wire.said import Ready, Session, probe_word, stream_head
from tests.support.room import Image, make_image

LINK = Link("lo", "127.0.0.1", "127.0.0.1")
GROUP = "239.255.35.40"

Stands = Callable[..., None]


@pytest.fixture
def image(tmp_path: Path) -> Image:
    return make_image(tmp_path / "packs", packs=2, pieces=4, piece=1000)


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stands:
    """Gives a udp-receiver that has received these bytes, and then says nothing for so long."""
    program = tmp_path / "bin" / "udp-receiver"
    program.parent.mkdir()
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    def stand(received: bytes, silent: float = 0) -> None:
        (tmp_path / "received").write_bytes(received)
        program.write_text(f"#!/bin/sh\ncat {tmp_path}/received\nexec sleep {silent}\n")
        program.chmod(0o755)

    return stand


def name(image: Image, number: int = 0) -> str:
    return image.index.packs[number].digest.hex()


def pack(image: Image, number: int = 0) -> bytes:
    return image.whole[number * 4000 : (number + 1) * 4000]


def session(image: Image) -> Session:
    return Session(9000, pack=name(image), group=GROUP)


def taken(image: Image, *numbers: int) -> dict[int, bytes]:
    got: dict[int, bytes] = {}
    pieces = [(one, image.index.pieces[one]) for one in numbers]
    receive(LINK, session(image), image.index.packs[0], pieces, got.__setitem__)
    return got


def test_the_wanted_pieces_are_taken(image: Image, receiver: Stands) -> None:
    receiver(stream_head(name(image)) + pack(image))
    assert taken(image, 1, 3) == {1: image.whole[1000:2000], 3: image.whole[3000:4000]}


def test_another_packs_stream_is_refused(image: Image, receiver: Stands) -> None:
    receiver(stream_head(name(image, 1)) + pack(image, 1))
    with pytest.raises(StreamLost, match="the wrong pack, or none came on port 9000"):
        taken(image, 0)


def test_nothing_received_is_nothing_though_udp_receiver_ends_well(
    image: Image, receiver: Stands
) -> None:
    receiver(b"")
    with pytest.raises(StreamLost, match="nothing came on port 9000"):
        taken(image, 0)


def test_a_damaged_piece_is_refused_and_those_before_are_kept(
    image: Image, receiver: Stands
) -> None:
    damaged = bytearray(pack(image))
    damaged[1500] ^= 1
    receiver(stream_head(name(image)) + damaged)
    got: dict[int, bytes] = {}
    pieces = list(enumerate(image.index.pieces[:4]))
    with pytest.raises(StreamLost, match="at byte 1000 of a pack is damaged"):
        receive(LINK, session(image), image.index.packs[0], pieces, got.__setitem__)
    assert set(got) == {0}


def test_a_stream_that_ends_early_is_told(image: Image, receiver: Stands) -> None:
    receiver(stream_head(name(image)) + pack(image)[:2500])
    with pytest.raises(StreamLost, match="2500 of 4000 bytes came"):
        taken(image, 0, 1, 2, 3)


def test_a_silent_stream_is_given_up(
    image: Image, receiver: Stands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SILENCE", 0.3)
    receiver(stream_head(name(image)) + pack(image)[:2500], silent=60)
    with pytest.raises(StreamLost, match="nothing more came"):
        taken(image, 0, 1, 2, 3)


def test_no_receiver_is_said(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(StreamLost, match="udp-receiver cannot be started: No such file"):
        taken(image, 0)


def test_silence_and_a_missing_address_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HEAR_SECONDS", 0.1)
    listen = Session(9000, group=GROUP, listen=True)
    with closing(Ear(LINK)) as ear:
        assert "a switch between" in ear.hear(listen, "room")
        assert not ear.hears
    with closing(Ear(Link("eth9", "192.0.2.1", ""))) as ear:
        assert "can hear no multicast" in ear.hear(listen, "room")


def test_what_was_heard_long_ago_must_be_heard_again(monkeypatch: pytest.MonkeyPatch) -> None:
    listen = Session(9000, group=GROUP, listen=True)
    with closing(Ear(LINK)) as ear, ThreadPoolExecutor() as pool:
        hearing = pool.submit(ear.hear, listen, "room")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton("127.1"))
            while not hearing.done():
                server.sendto(b"something else", (GROUP, 9000))
                server.sendto(probe_word("room"), (GROUP, 9000))
                time.sleep(0.01)
        assert hearing.result() == ""
        assert ear.hears
        monkeypatch.setattr(module, "HEARD_SECONDS", 0.0)
        assert not ear.hears


class Server:
    """A boot server that answers as it was told to, and what it was asked."""

    def __init__(self, *answers: Session) -> None:
        self.answers = list(answers)
        self.asked: list[Ready] = []

    def say(self, ready: Ready) -> Session:
        self.asked.append(ready)
        return self.answers.pop(0) if ready.packs else Session(unicast="it takes no part")


class Pc:
    """What a PC got, by which way, and what it noted."""

    def __init__(self, image: Image) -> None:
        self.image = image
        self.given: dict[int, bytes] = {}
        self.fetched: list[int] = []
        self.notes: list[str] = []

    def take_part(self, server: Server, wanted: Sequence[int] = range(8)) -> None:
        take_part(
            "room", LINK, self.image.index, wanted,
            say=server.say, give=self.given.__setitem__, fetch=self.fetched.extend,
            note=self.notes.append, spool_bytes=4000,
        )  # fmt: skip


def test_all_comes_alone_if_the_boot_server_says_so(image: Image) -> None:
    pc, server = Pc(image), Server(Session(unicast="there is no multicast: no sender"))
    pc.take_part(server)
    assert pc.fetched == list(range(8))
    assert pc.notes == ["this PC fetches by itself: there is no multicast: no sender"]


def test_a_pack_that_nobody_else_wants_comes_alone(image: Image, receiver: Stands) -> None:
    receiver(stream_head(name(image)) + pack(image))
    alone = Session(unicast="no other PC wants this pack now", pack=name(image, 1))
    pc, server = Pc(image), Server(alone, session(image))
    pc.take_part(server, [5, 0, 4])
    assert pc.fetched == [4, 5]
    assert pc.given == {0: image.whole[:1000]}
    assert [len(one.packs) for one in server.asked] == [2, 1, 0]
    assert pc.notes == []


def test_a_lost_pack_is_asked_for_again_and_only_what_is_missing(
    image: Image, receiver: Stands
) -> None:
    receiver(stream_head(name(image)) + pack(image)[:2500])
    alone = Session(unicast="no other PC wants this pack now", pack=name(image))
    pc, server = Pc(image), Server(session(image), alone)
    pc.take_part(server, range(4))
    assert sorted(pc.given) == [0, 1]
    assert pc.fetched == [2, 3]
    assert not server.asked[1].heard  # it must hear the boot server again first
    assert pc.notes == [
        f"pack {name(image)[:12]} did not come by multicast: 2500 of 4000 bytes came"
    ]


def test_after_three_failures_the_rest_comes_alone(image: Image, receiver: Stands) -> None:
    receiver(b"noise")
    pc, server = Pc(image), Server(*[session(image)] * 3)
    pc.take_part(server)
    assert pc.fetched == list(range(8))
    assert pc.notes[-1] == "this PC fetches by itself: 3 packs did not come by multicast"
    assert server.asked[-1] == Ready(())


def test_what_was_not_asked_for_is_not_received(image: Image, receiver: Stands) -> None:
    receiver(stream_head("f" * 64))
    other = Session(9000, pack="f" * 64, group=GROUP)
    pc, server = Pc(image), Server(other, other, other)
    pc.take_part(server)
    assert not pc.given
    assert "sends what this PC did not ask for" in pc.notes[0]


def test_a_slow_writer_is_waited_for_before_the_next_pack(image: Image, receiver: Stands) -> None:
    receiver(stream_head(name(image)) + pack(image))
    pc, written = Pc(image), []

    class Watching(Server):
        def say(self, ready: Ready) -> Session:
            written.append(len(pc.given))
            return super().say(ready)

    def slowly(number: int, data: bytes) -> None:
        time.sleep(0.02)
        pc.given[number] = data

    server = Watching(session(image), Session(unicast="enough"))
    take_part(
        "room", LINK, image.index, range(8), say=server.say, give=slowly,
        fetch=pc.fetched.extend, note=pc.notes.append, spool_bytes=5000,
    )  # fmt: skip
    assert written[1] >= 3  # of 4: with one left there is room for a pack


def test_a_boot_server_that_does_not_answer_leaves_its_files(image: Image) -> None:
    def silent(ready: Ready) -> Session:
        raise JobFailed("server-gone", "it does not answer")

    pc = Pc(image)
    take_part(
        "room", LINK, image.index, range(8), say=silent, give=pc.given.__setitem__,
        fetch=pc.fetched.extend, note=pc.notes.append,
    )  # fmt: skip
    assert pc.fetched == list(range(8))
    assert "the boot server does not answer" in pc.notes[0]


def test_an_error_of_the_writer_ends_it(image: Image, receiver: Stands) -> None:
    receiver(stream_head(name(image)) + pack(image))

    def fail(number: int, data: bytes) -> None:
        raise OSError(5, "the disk fails")

    server = Server(session(image), Session(unicast="enough"))
    with pytest.raises(OSError, match="the disk fails"):
        take_part(
            "room", LINK, image.index, range(8), say=server.say, give=fail,
            fetch=lambda _: None, note=lambda _: None, spool_bytes=4000,
        )  # fmt: skip
