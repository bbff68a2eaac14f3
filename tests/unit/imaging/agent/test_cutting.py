"""Chunks to pieces, and back."""

from __future__ import annotations

from itertools import pairwise

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ictops.imaging.agent.cutting import PIECE, compressed, decompressed, runs_of
from ictops.imaging.wire.index import Piece
from ictops.imaging.wire.strict import NotAsAgreed
from ictops.imaging.wire.words import digest_of


def piece(stored: bytes, plain: int) -> Piece:
    return Piece(digest_of(stored), 0, 0, len(stored), plain)


@given(st.lists(st.integers(1, 2 * PIECE), max_size=30))
def test_runs_keep_the_order_and_are_no_larger_than_a_piece(lengths: list[int]) -> None:
    runs = list(runs_of(lengths, int))
    assert [one for run in runs for one in run] == lengths
    for run, after in pairwise(runs):
        assert sum(run) <= PIECE or len(run) == 1
        assert sum(run) + after[0] > PIECE


def test_pieces_come_back_in_order_with_what_came_with_them() -> None:
    plain = [bytes([number]) * 5000 for number in range(50)]
    made = list(compressed(enumerate(plain)))
    assert [what for what, _ in made] == list(range(50))
    assert [decompressed(piece(one, 5000), one) for _, one in made] == plain


def test_what_is_not_as_the_index_says_is_refused() -> None:
    stored = zstandard.ZstdCompressor().compress(bytes(1000))
    for size in (999, 1001):
        with pytest.raises(NotAsAgreed, match="has another size"):
            decompressed(piece(stored, size), stored)
    with pytest.raises(NotAsAgreed, match="is no Zstandard"):
        decompressed(piece(b"nonsense", 1000), b"nonsense")
