"""The places of a disk that are read before and after an erase."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.sample import EDGE, PLACE, Place, compare, remember

MIB = 1 << 20


def made(path: Path, size: int, *data: tuple[int, bytes]) -> Path:
    with path.open("wb") as file:
        file.truncate(size)
        for offset, some in data:
            file.seek(offset)
            file.write(some)
    return path


@settings(max_examples=40, deadline=None)
@given(size=st.integers(1, 5 * MIB), count=st.integers(-1, 30), seed=st.integers(0, 99))
def test_places_lie_within_the_disk_and_each_part_of_it_has_one(
    tmp_path_factory: pytest.TempPathFactory, size: int, count: int, seed: int
) -> None:
    path = made(tmp_path_factory.mktemp("disk") / "disk", size)
    known, (first, last, *others) = remember(path, count, Random(seed))
    assert known == size
    assert (first.offset, first.length) == (0, min(EDGE, size))
    assert (last.offset + last.length, last.length) == (size, min(EDGE, size))
    assert len(others) == max(1, min(count, size // PLACE))
    section = size // len(others)
    for number, place in enumerate(others):
        assert section * number <= place.offset
        assert place.offset + place.length <= (size if len(others) == 1 else section * (number + 1))
    assert all(place.blank for place in (first, last, *others))


def test_a_place_that_holds_data_is_preferred(tmp_path: Path) -> None:
    """Half of each part holds data: one place in two at random, and nearly all of eight."""
    parts = [(2 * MIB * n, os.urandom(MIB)) for n in range(16)]
    path = made(tmp_path / "disk", 32 * MIB, *parts)
    _size, places = remember(path, 16, Random(1))
    assert sum(not place.blank for place in places[2:]) >= 15


def test_what_is_read_is_on_the_disk_and_not_remembered(tmp_path: Path) -> None:
    path = made(tmp_path / "disk", 4 * MIB, (0, os.urandom(4 * MIB)))
    _size, places = remember(path, 10, Random(1))
    assert compare(path, places, blank=True).verified == 0
    made(path, 4 * MIB)
    found = compare(path, places, blank=True)
    assert (found.verified, found.changed, found.fault) == (12, 12, "")


def test_ones_are_nothing_and_a_single_byte_is_something(tmp_path: Path) -> None:
    path = made(tmp_path / "disk", 4 * MIB)
    _size, places = remember(path, 10, Random(1))
    made(path, 4 * MIB, (0, b"\xff" * 4 * MIB))
    assert compare(path, places, blank=True).verified == 12
    made(path, 4 * MIB, (MIB - 1, b"x"))
    found = compare(path, places, blank=True)
    assert found.verified < 12
    assert found.fault.endswith("the place at byte 0 still holds data")


def test_what_nobody_could_read_before_must_hold_nothing(tmp_path: Path) -> None:
    path = made(tmp_path / "disk", MIB)
    unread = (Place(0, MIB, None, blank=False),)
    found = compare(path, unread, blank=False)
    assert (found.verified, found.changed, found.fault) == (1, 0, "")
    made(path, MIB, (0, b"x"))
    assert "nobody knows what the place at byte 0 held" in compare(path, unread, blank=False).fault


def test_a_disk_without_bytes_is_failing(tmp_path: Path) -> None:
    with pytest.raises(JobFailed, match="says that it is empty") as raised:
        remember(made(tmp_path / "disk", 0), 10, Random(1))
    assert raised.value.kind == "disk-failing"
