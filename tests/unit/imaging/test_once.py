from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ictops.imaging.once import made_once


def test_it_is_made_once_and_nobody_else_looks_into_it(tmp_path: Path) -> None:
    mark = tmp_path / "imaging" / "keys" / "key"
    for text in ("first", "second"):
        made_once(mark, lambda folder, text=text: (folder / "key").write_text(text))
    assert mark.read_text() == "first"
    assert stat.S_IMODE(mark.parent.stat().st_mode) == 0o700
    assert list(mark.parent.parent.iterdir()) == [mark.parent]


def test_whoever_is_quicker_makes_it(tmp_path: Path) -> None:
    mark = tmp_path / "keys" / "key"

    def late(folder: Path) -> None:
        made_once(mark, lambda other: (other / "key").write_text("theirs"))
        (folder / "key").write_text("ours")

    made_once(mark, late)
    assert mark.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [mark.parent]


def test_what_fails_leaves_nothing(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        made_once(tmp_path / "keys" / "key", fail)
    assert list(tmp_path.iterdir()) == []
