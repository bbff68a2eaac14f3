from __future__ import annotations

import pytest

from ictops.imaging.service.room import AGAIN, MOMENT, PATIENCE, Room, Sending
from ictops.imaging.wire.said import Session

A, B, C = ("a" * 64, "b" * 64, "c" * 64)
ALL = (A, B, C)


def address(name: str) -> str:
    return f"10.0.0.{name.removeprefix('pc')}"


def ask(room: Room, name: str, now: float, *packs: str) -> None:
    room.ask(name, packs or ALL, address(name), now)


def begin(room: Room, now: float) -> Sending:
    sending = room.begin(now)
    assert sending is not None
    room.tell(9000, "239.255.35.40")
    return sending


def addresses(sending: Sending) -> set[str]:
    return {one.address for one in sending.members}


def test_a_pack_is_sent_as_soon_as_all_are_ready() -> None:
    room = Room(2)
    assert room.due(0) is None
    asked = room.ask("pc1", ALL, address("pc1"), 0)
    assert room.due(3) == PATIENCE - 3
    ask(room, "pc2", 4)
    assert room.due(4) == 0
    assert begin(room, 4).pack == A
    assert asked.told == Session(9000, pack=A, group="239.255.35.40")
    assert room.due(4) is None


def test_those_that_never_come_are_waited_for_once() -> None:
    room = Room(3)
    for now in (0.0, 20.0):
        ask(room, "pc1", now)
        ask(room, "pc2", now)
        assert room.due(now) == (PATIENCE if now == 0 else 0)
        begin(room, now + PATIENCE)
        room.ended(now + PATIENCE, {}, 0)


def test_one_that_comes_after_that_is_told_and_takes_part() -> None:
    room = Room(3)
    ask(room, "pc1", 0)
    ask(room, "pc2", 0)
    begin(room, PATIENCE)
    asked = room.ask("pc3", ALL, address("pc3"), PATIENCE + 1)
    room.ended(PATIENCE + 2, {}, 0)
    ask(room, "pc1", PATIENCE + 2, B, C)
    ask(room, "pc2", PATIENCE + 2, B, C)
    assert room.due(PATIENCE + 2) == 0
    sending = begin(room, PATIENCE + 2)
    assert sending.pack == B
    assert len(addresses(sending)) == 3
    assert asked.told is not None
    assert asked.told.note == "the room began without this PC: others had waited 10 s"


def test_a_pc_is_waited_for_so_long_in_all() -> None:
    room = Room(2)
    now = 0.0
    ask(room, "pc1", now)
    ask(room, "pc2", now)
    for late in (4 + MOMENT, 4 + MOMENT):
        begin(room, now)
        room.ended(now, {}, 0)
        ask(room, "pc1", now)
        now += late
        ask(room, "pc2", now)
    begin(room, now)
    room.ended(now, {}, 0)
    ask(room, "pc1", now)
    assert room.due(now) == pytest.approx(PATIENCE - 8)


def test_the_moment_between_two_packs_is_free_for_those_who_take_part() -> None:
    room = Room(2)
    room.absent = 0
    now = 0.0
    for _ in range(100):
        ask(room, "pc1", now)
        ask(room, "pc2", now + MOMENT / 2)
        now += MOMENT / 2
        assert len(begin(room, now).members) == 2
        room.ended(now, {}, 0)
    ask(room, "pc1", now)
    assert room.due(now) == pytest.approx(MOMENT)
    assert room.begin(now + MOMENT) is None
    ask(room, "pc1", now + MOMENT)
    assert room.due(now + MOMENT) == 0


def test_what_a_session_takes_is_no_waiting() -> None:
    room = Room(2)
    ask(room, "pc1", 0, A)
    ask(room, "pc2", 0, A)
    begin(room, 0)
    ask(room, "pc1", 1, B)
    room.ended(50, {}, 0)
    ask(room, "pc2", 50, B)
    assert [one.patience for one in room.members.values()] == [PATIENCE, PATIENCE]


def test_nobody_waits_for_a_pc_that_wants_other_packs() -> None:
    room = Room(3)
    ask(room, "pc1", 0, A)
    ask(room, "pc2", 0, A)
    ask(room, "pc3", 0, A, C)
    begin(room, 0)
    room.ended(1, {}, 0)
    ask(room, "pc1", 1, B)
    ask(room, "pc2", 1, B)
    assert room.due(1) == 0


def test_nobody_waits_for_one_that_has_left() -> None:
    room = Room(3)
    ask(room, "pc1", 0)
    ask(room, "pc2", 0)
    room.leave("pc3")
    assert room.due(0) == 0
    room.leave("pc2")
    assert room.due(0) == 0
    room.leave("pc1")
    assert room.over


def test_one_that_leaves_while_it_waits_is_answered() -> None:
    room = Room(2)
    asked = room.ask("pc1", ALL, address("pc1"), 0)
    room.leave("pc1")
    assert asked.told is not None
    assert asked.told.unicast


def test_the_pack_that_most_want_is_sent_first() -> None:
    room = Room(3)
    ask(room, "pc1", 0, A, B)
    ask(room, "pc2", 0, C, B)
    ask(room, "pc3", 0, C, A, B)
    assert begin(room, 0).pack == B


def test_what_only_one_wants_it_fetches_by_itself() -> None:
    room = Room(2)
    first = room.ask("pc1", (A, B), address("pc1"), 0)
    second = room.ask("pc2", (C,), address("pc2"), 0)
    assert room.begin(0) is None
    assert first.told == Session(unicast="no other PC wants this pack now", pack=A)
    assert second.told == Session(unicast="no other PC wants this pack now", pack=C)


def test_a_pc_that_spoils_two_sessions_goes_on_alone() -> None:
    room = Room(2)
    spoiled = {address("pc2"): "it stopped answering in a session"}
    for number in (1, 2):
        ask(room, "pc1", 0)
        ask(room, "pc2", 0)
        begin(room, 0)
        room.ended(0, spoiled, 0)
        assert bool(room.members["pc2"].alone) == (number == 2)
        ask(room, "pc1", 0)
        assert room.due(0) == 0
    assert room.members["pc2"].alone.endswith("it stopped answering in a session")
    ask(room, "pc1", 1)
    assert room.due(1) == 0


def test_a_lost_last_word_spoils_nothing() -> None:
    room = Room(2)
    for _ in range(2):
        ask(room, "pc1", 0)
        ask(room, "pc2", 0)
        begin(room, 0)
        assert not room.all_have_it()
        ask(room, "pc1", 0, B)
        ask(room, "pc2", 0, B)
        assert room.all_have_it()
        room.ended(0, {address("pc2"): "it stopped answering in a session"}, 0)
    assert room.members["pc2"].patience == PATIENCE


def test_a_pc_that_asks_again_has_been_waiting_all_the_time() -> None:
    room = Room(2)
    room.ask("pc1", ALL, address("pc1"), 0).left_at = 5
    assert room.due(5.1) == pytest.approx(PATIENCE - 5.1)
    ask(room, "pc1", 5.2)
    assert room.due(5.2) == pytest.approx(PATIENCE - 5.2)
    ask(room, "pc2", 6)
    assert room.members["pc1"].patience == PATIENCE
    assert room.members["pc2"].patience == pytest.approx(PATIENCE - 6)


def test_an_answer_that_nobody_listened_to_is_given_again() -> None:
    room = Room(2)
    asked = room.ask("pc1", ALL, address("pc1"), 0)
    asked.left_at = 5
    ask(room, "pc2", 5)
    assert len(begin(room, 5.1).members) == 2
    assert room.ask("pc1", ALL, address("pc1"), 5.2).told == asked.told
    assert room.ask("pc1", ALL, address("pc1"), 5.3).told is None


def test_a_pc_that_does_not_ask_again_waits_no_more() -> None:
    room = Room(2)
    room.ask("pc1", ALL, address("pc1"), 0).left_at = 5
    assert room.due(5 + AGAIN) is None
    ask(room, "pc2", 5 + AGAIN)
    assert room.due(5 + AGAIN) == PATIENCE


def test_those_who_were_told_are_told_if_nothing_can_be_sent() -> None:
    room = Room(2)
    asked = [room.ask(name, ALL, address(name), 0) for name in ("pc1", "pc2")]
    room.begin(0)
    room.tell_alone("there is no multicast: the pack is lost")
    told = Session(unicast="there is no multicast: the pack is lost", pack=A)
    assert [one.told for one in asked] == [told, told]
