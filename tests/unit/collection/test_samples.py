"""A sample has files alone, and of these no one that changed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import samples
from ansible_collections.ictops.schools.plugins.module_utils.samples import still_so, take


def test_a_file_that_changed_meanwhile_is_noticed(tmp_path: Path) -> None:
    for name in ("same", "other", "gone", "put back"):
        (tmp_path / name).write_text("as it was")
    sample = take([str(tmp_path)], 4)
    assert len(sample) == 4
    (tmp_path / "other").write_text("something")
    (tmp_path / "gone").unlink()
    before = (tmp_path / "put back").stat()
    (tmp_path / "put back").write_text("no, it is")
    os.utime(tmp_path / "put back", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [Path(one.path).name for one in sample if still_so(one)] == ["same"]


def test_nothing_but_files_is_read(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/etc/passwd")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "empty").mkdir()
    (tmp_path / os.fsdecode(b"caf\xe9")).write_text("no UTF-8")
    assert take([str(tmp_path)], 5) == []
    (tmp_path / "file").write_text("x")
    (seen,) = take([str(tmp_path), str(tmp_path / "file")], 5)
    assert (seen.path, seen.size) == (str(tmp_path / "file"), 1)


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_is_put_in_a_files_place_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """A pupil may do that between the look and the reading; a pipe would never end."""
    path = tmp_path / "file"
    if kind == "link":
        path.symlink_to("/etc/passwd")
    else:
        os.mkfifo(path)
    monkeypatch.setattr(samples, "_down", lambda *_: str(path))
    assert take([str(tmp_path)], 1) == []


def test_large_files_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "LARGEST", 3)
    (tmp_path / "large").write_text("1234")
    (tmp_path / "small").write_text("123")
    (seen,) = take([str(tmp_path)], 5)
    assert seen.size == 3
