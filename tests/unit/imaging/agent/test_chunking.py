from __future__ import annotations

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictops.imaging.agent.chunking import BLOCK, LARGEST, SMALLEST, chunks_of, cut

KINDS = [bytes(BLOCK), *(random.Random(n).randbytes(BLOCK) for n in range(40))]
KINDS += [random.Random(n).randbytes(BLOCK - 100) + bytes(100) for n in range(9)]
BLOCKS = st.lists(st.sampled_from(KINDS), max_size=300)


@given(BLOCKS, st.integers(0, BLOCK - 1))
def test_chunks_together_are_what_was_cut(blocks: list[bytes], rest: int) -> None:
    blocks = [*blocks, *([bytes(range(1, 200))[: rest % 199]] if rest % 199 else [])]
    chunks = list(cut(blocks))
    assert b"".join(chunks) == b"".join(blocks)
    assert all(SMALLEST <= len(one) <= LARGEST and not len(one) % BLOCK for one in chunks[:-1])


@given(st.integers(0, 10**9), st.integers(0, 400), st.integers(1, 50))
def test_an_insertion_changes_chunks_near_it_alone(seed: int, where: int, count: int) -> None:
    chance = random.Random(seed)
    blocks = [chance.randbytes(BLOCK) for _ in range(400)]
    more = [chance.randbytes(BLOCK) for _ in range(count)]
    before = list(cut(blocks))
    after = list(cut([*blocks[:where], *more, *blocks[where:]]))
    lost = sum(len(one) for one in before if one not in set(after))
    assert lost <= 4 * LARGEST


def test_a_file_that_goes_takes_no_neighbour_with_it() -> None:
    chance = random.Random(5)

    def file() -> list[bytes]:
        return [*(chance.randbytes(BLOCK) for _ in range(5)), b"end" + bytes(BLOCK - 3)]

    files = [file() for _ in range(50)]
    before = set(cut(block for one in files for block in one))
    after = set(cut(block for n, one in enumerate(files) if n != 20 for block in one))
    assert len(after - before) <= 2


def test_zeros_are_few_chunks() -> None:
    assert {len(one) for one in cut([bytes(BLOCK)] * 640)} == {LARGEST}


def test_no_chunk_spans_a_gap() -> None:
    data = random.Random(1).randbytes(40 * BLOCK)
    extents = [(BLOCK, 2 * BLOCK), (5 * BLOCK, 30 * BLOCK + 512)]
    found = list(chunks_of(io.BytesIO(data), BLOCK, extents))
    joined = b"".join(chunk for _, chunk in found)
    assert joined == data[2 * BLOCK : 3 * BLOCK] + data[6 * BLOCK : 31 * BLOCK + 512]
    for offset, chunk in found:
        assert data[BLOCK + offset : BLOCK + offset + len(chunk)] == chunk
        assert any(begin <= offset and offset + len(chunk) <= end for begin, end in extents)


def test_a_disk_that_ends_too_early_is_told() -> None:
    with pytest.raises(EOFError, match="8192"):
        list(chunks_of(io.BytesIO(bytes(8192)), 0, [(0, 3 * BLOCK)]))
