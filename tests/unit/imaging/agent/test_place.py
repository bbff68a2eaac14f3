"""Chunks change places on one disk, with hardly any memory."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from ictops.imaging.agent.disk import Part
from ictops.imaging.agent.place import Move, move_all

SIZE = 64


@st.composite
def layouts(draw: st.DrawFn) -> tuple[list[Move], int]:
    """Targets side by side with gaps, each from anywhere, also across others' borders."""
    moves, at = [], draw(st.integers(0, 3))
    while at < SIZE - 1 and len(moves) < 14:
        length = draw(st.integers(1, min(9, SIZE - at)))
        source = draw(st.integers(0, SIZE - length))
        moves.append(Move(source, at, length))
        at += length + draw(st.integers(0, 3))
    order = draw(st.permutations(moves))
    return order, draw(st.integers(0, 20))


@given(layouts())
@settings(max_examples=500)
def test_each_move_gives_what_stood_there_before_or_is_given_up(
    case: tuple[list[Move], int],
) -> None:
    moves, room = case
    before = bytes(range(SIZE))
    disk = bytearray(before)
    kept: list[int] = []

    def read(offset: int, length: int) -> Part:
        return bytes(disk[offset : offset + length])

    def write(offset: int, data: Part) -> None:
        kept.append(offset)
        disk[offset : offset + len(data)] = data

    given_up = move_all(moves, room, read, write)
    made = [move for number, move in enumerate(moves) if number not in given_up]
    assert sorted(kept) == sorted(one.target for one in made)
    for one in made:
        wanted = before[one.source : one.source + one.length]
        assert disk[one.target : one.target + one.length] == wanted


@given(st.integers(2, 40), st.integers(-3, 3).filter(bool))
def test_a_shift_needs_no_memory(count: int, shift: int) -> None:
    disk = bytearray(range(count + 6))
    moves = [Move(3 + n, 3 + n + shift, 1) for n in range(count)]

    def write(offset: int, data: Part) -> None:
        disk[offset : offset + 1] = data

    assert move_all(moves, 0, lambda at, length: bytes(disk[at : at + length]), write) == []
    assert disk[3 + shift : 3 + shift + count] == bytes(range(3, 3 + count))


def test_a_circle_is_turned_with_room_for_one() -> None:
    disk = bytearray(b"ABCDE")
    moves = [Move((n + 1) % 5, n, 1) for n in range(5)]

    def write(offset: int, data: Part) -> None:
        disk[offset : offset + 1] = data

    assert move_all(moves, 1, lambda at, length: bytes(disk[at : at + length]), write) == []
    assert disk == b"BCDEA"


def test_a_circle_without_room_gives_up_one() -> None:
    moves = [Move((n + 1) % 5, n, 1) for n in range(5)]
    written: list[int] = []
    given_up = move_all(moves, 0, lambda _at, _length: b"x", lambda at, _: written.append(at))
    assert len(given_up) == 1
    assert len(written) == 4
