from __future__ import annotations

import random
from pathlib import Path

import pytest

from ictops.imaging.images.reading import copy_part

BLOCK = 65536


@pytest.mark.parametrize("start", [0, BLOCK, 5 * BLOCK])
def test_a_part_is_copied_and_its_holes_stay_holes(tmp_path: Path, start: int) -> None:
    chance = random.Random(1)
    disk, copy = tmp_path / "disk", tmp_path / "copy"
    with disk.open("wb") as file:
        file.truncate(400 * BLOCK)
        for at in (0, 3, 7, 8, 300, 302):
            file.seek(at * BLOCK)
            file.write(chance.randbytes(BLOCK - 1000))
    size = 301 * BLOCK + 512 - start
    copy_part(disk, start, size, copy)
    assert copy.read_bytes() == disk.read_bytes()[start : start + size]
    assert copy.stat().st_blocks * 512 < 40 * BLOCK
