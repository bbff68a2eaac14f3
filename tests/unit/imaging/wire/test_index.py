from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictops.imaging.wire.index import Chunk, ImageIndex, Pack, Piece, Place, unpack
from ictops.imaging.wire.strict import NotAsAgreed

D = bytes(range(32))
INDEX = ImageIndex(
    packs=(Pack(D, 1000),),
    pieces=(Piece(D, 0, 0, 600, 8192), Piece(D[::-1], 0, 600, 400, 4096)),
    chunks=(Chunk(D, 0, 0, 4096), Chunk(D, 0, 4096, 4096), Chunk(D, 1, 0, 4096)),
    places=(Place(1, 0, 0), Place(1, 4096, 2), Place(2, 2**40, 1)),
)


def test_what_is_packed_is_unpacked() -> None:
    assert unpack(INDEX.pack()) == INDEX
    assert unpack(INDEX.pack()).pack() == INDEX.pack()


@pytest.mark.parametrize(
    "change",
    [
        {"packs": ()},
        {"pieces": (Piece(D, 0, 600, 401, 8192), INDEX.pieces[1])},
        {"pieces": (Piece(D, 0, 0, 600, 2**30), INDEX.pieces[1])},
        {"chunks": (*INDEX.chunks[:2], Chunk(D, 1, 1, 4096))},
        {"chunks": (*INDEX.chunks[:2], Chunk(D, 1, 0, 0))},
        {"places": (Place(1, 0, 3),)},
        {"places": (Place(1, 0, 0), Place(1, 4095, 1))},
        {"places": (Place(2, 0, 0), Place(1, 4096, 1))},
    ],
)
def test_an_index_that_points_outside_is_refused(change: dict) -> None:
    with pytest.raises(NotAsAgreed):
        unpack(dataclasses.replace(INDEX, **change).pack())


@given(st.binary(max_size=200))
def test_what_is_no_index_is_refused(data: bytes) -> None:
    with pytest.raises(NotAsAgreed):
        unpack(data)


@given(st.integers(0, len(INDEX.pack()) - 1))
def test_an_index_that_is_cut_off_is_refused(length: int) -> None:
    with pytest.raises(NotAsAgreed):
        unpack(INDEX.pack()[:length])
