"""Pieces in a folder: what is there, what goes first, and what is told."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from ictops.imaging.agent.cache import Cache
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.wire.index import ImageIndex, Pack, Piece
from ictops.imaging.wire.job import ImageRef
from ictops.imaging.wire.words import digest_of

SIZES = (300_000, 900, 5000, 50_000, 700)


def made(seed: int) -> tuple[ImageIndex, list[bytes]]:
    """Give an index of one pack, and its pieces."""
    data = [random.Random(seed).randbytes(size) for size in SIZES]
    pieces, at = [], 0
    for one in data:
        pieces.append(Piece(digest_of(one), 0, at, len(one), len(one)))
        at += len(one)
    return ImageIndex((Pack(digest_of(b"".join(data)), at),), tuple(pieces), (), ()), data


class Small(Cache):
    """A cache on a file system of so many bytes."""

    size = 3_000_000

    def _free(self) -> int:
        return self.size - sum(one.stat().st_blocks * 512 for one in self._packs())


def test_each_piece_is_known_alone(tmp_path: Path) -> None:
    index, data = made(1)
    for alone in range(len(data)):
        cache = Cache(tmp_path / str(alone), lambda _: None)
        cache.folder.mkdir()
        cache.make_room(index, [])
        for number in set(range(len(data))) - {alone}:
            cache.keep(index, number, data[number])
        there = [cache.has(index, number) for number in range(len(data))]
        assert [number for number, has in enumerate(there) if not has] == [alone]
        assert cache.piece(index, alone) is None
        assert cache.piece(index, alone - 1) == data[alone - 1]


def test_the_longest_unused_goes_first(tmp_path: Path) -> None:
    said: list[str] = []
    cache = Small(tmp_path, said.append)
    for seed in (1, 2, 3):
        index, data = made(seed)
        cache.make_room(index, [])
        for number, one in enumerate(data):
            cache.keep(index, number, one)
        (pack,) = (one for one in cache._packs() if one.name == index.packs[0].digest.hex())
        os.utime(pack, (seed, seed))
    there = {one.name for one in cache._packs()}
    assert there == {made(seed)[0].packs[0].digest.hex() for seed in (2, 3)}
    assert said == []


def test_what_does_not_fit_is_told_once_and_not_kept(tmp_path: Path) -> None:
    said: list[str] = []
    cache = Small(tmp_path, said.append)
    cache.size = 2 * 2**20 + 60_000
    index, data = made(1)
    cache.make_room(index, [])
    for number, one in enumerate(data):
        cache.keep(index, number, one)
    assert [cache.piece(index, number) is not None for number in range(5)] == [
        False, True, True, True, True,
    ]  # fmt: skip
    assert len(said) == 1
    assert "the cache is too small" in said[0]


def test_a_cache_that_cannot_be_written_is_told_once(tmp_path: Path) -> None:
    said: list[str] = []
    cache = Cache(tmp_path, said.append)
    index, data = made(1)
    cache.make_room(index, [])
    (tmp_path / "packs").write_text("a file where a folder is needed")
    for number, one in enumerate(data):
        cache.keep(index, number, one)
    assert said == ["the cache is not used any more: Not a directory"]


def test_only_the_descriptions_of_these_images_stay(tmp_path: Path) -> None:
    cache = Cache(tmp_path, lambda _: None)
    for version in ("1", "2"):
        cache.keep_small(f"/images/pc/{version}/index", version.encode())
    cache.make_room(made(1)[0], [ImageRef("pc", "2", "ab" * 32)])
    assert cache.small("/images/pc/2/index", 10) == b"2"
    with pytest.raises(JobFailed, match="does not have it"):
        cache.small("/images/pc/1/index", 10)
    with pytest.raises(JobFailed, match="damaged"):
        cache.small("/images/pc/2/index", 10, "ab" * 32)
