"""A PC of a room, and a boot server that answers as it is told to."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.partaking import take_part
from ictops.imaging.wire.said import Ready, Session, stream_head
from tests.support.room import Image
from tests.unit.imaging.agent.streams import GROUP, LINK, Stands, name, pack, session


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


def test_what_was_not_asked_for_is_not_fetched(image: Image) -> None:
    other = Session(unicast="no other PC wants this pack now", pack="f" * 64)
    pc, server = Pc(image), Server(other, other, other)
    pc.take_part(server)
    assert pc.fetched == list(range(8))
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


def test_a_last_word_that_is_not_heard_is_nothing_to_note(image: Image) -> None:
    class Gone(Server):
        def say(self, ready: Ready) -> Session:
            if not ready.packs:
                raise JobFailed("server-gone", "it does not answer")
            return super().say(ready)

    pc = Pc(image)
    pc.take_part(Gone(Session(unicast="nobody else wants it", pack=name(image))), range(4))
    assert pc.fetched == list(range(4))
    assert pc.notes == []


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
