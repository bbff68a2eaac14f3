from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictops.imaging.agent.chunking import BLOCK
from ictops.imaging.agent.faults import JobFailed
from ictops.imaging.agent.used import merged, read_map, used_extents
from ictops.imaging.images.checking import CHECKS
from tests.support.disks import tool

SIZE = 32 * 2**20
MAKE = {
    "ext4": ("mke2fs", "-q", "-t", "ext4"),
    "vfat": ("mkfs.vfat",),
    "ntfs": ("mkntfs", "-q", "-F"),
}


@pytest.mark.parametrize("filesystem", [*MAKE, "btrfs"])
def test_what_is_used_of_a_file_system(filesystem: str, tmp_path: Path) -> None:
    size = 4 * SIZE if filesystem == "btrfs" else SIZE
    file = tmp_path / "part"
    with file.open("wb") as made:
        made.truncate(size)
    tool(*MAKE.get(filesystem, ("mkfs.btrfs", "-q")), file)
    used = used_extents(file, filesystem, size)  # type: ignore[arg-type]
    assert used[0][0] == 0
    assert sum(end - first for first, end in used) < size // 2
    copy = tmp_path / "copy"
    with copy.open("wb") as made, file.open("rb") as read:
        made.truncate(size)
        for first, end in used:
            read.seek(first)
            made.seek(first)
            made.write(read.read(end - first))
    tool(*CHECKS[filesystem], copy)  # type: ignore[index]


def test_of_what_nobody_knows_all_is_used(tmp_path: Path) -> None:
    assert used_extents(tmp_path, "none", 10_000) == ((0, 10_000),)


def test_a_broken_file_system_is_told(tmp_path: Path) -> None:
    (tmp_path / "part").write_bytes(bytes(2**20))
    with pytest.raises(JobFailed, match="ext4 file system cannot be read"):
        used_extents(tmp_path / "part", "ext4", 2**20)


def test_a_map_is_read() -> None:
    text = (
        "# Log\n0x01400000     ?\n# pos size status\n0x0 0x1000 +\n0x1000 0x2000 ?\n0x3000 0x800 +"
    )
    assert read_map(text) == [(0, 0x1000), (0x3000, 0x3800)]


@given(st.lists(st.tuples(st.integers(0, 10**5), st.integers(0, 10**5)).map(sorted)))
def test_extents_are_widened_and_none_is_lost(extents: list[list[int]]) -> None:
    found = merged([(first, end) for first, end in extents], 10**5)
    assert all(not first % BLOCK and (not end % BLOCK or end == 10**5) for first, end in found)
    assert all(one[1] < other[0] for one, other in itertools.pairwise(found))
    for first, end in extents:
        assert first == end or any(one <= first and end <= last for one, last in found)
