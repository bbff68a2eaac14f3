"""Archiving with a real restic: all is compared before anything is taken away."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.ictops.schools.plugins.module_utils.backup_compare import (
    compare,
    restored,
    take_away,
)
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, ResticError
from ansible_collections.ictops.schools.plugins.module_utils.snapshots import of_folders
from ansible_collections.ictops.schools.plugins.modules.backup_archive import refusal

from tests.support.restic import repository_in


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return repository_in(tmp_path / "kept")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "homes" / "leaver"
    (folder / "work" / "empty").mkdir(parents=True)
    (folder / "essay.odt").write_text("my essay")
    (folder / "work" / "two\nlines {{ x }} '\"").write_text("two")
    (folder / "work" / "-rf").write_text("dash")
    (folder / "work" / ("long" * 40)).write_text("long")
    (folder / "work" / os.fsdecode(b"caf\xe9")).write_text("no UTF-8")
    (folder / "work" / "caf\N{LATIN SMALL LETTER E WITH ACUTE}").write_text("UTF-8")
    (folder / "zero").write_bytes(b"")
    (folder / "link").symlink_to("/etc/shadow")
    (folder / "dead link").symlink_to("gone {{ x }}\n")
    os.link(folder / "essay.odt", folder / "second name")
    os.mkfifo(folder / "pipe")
    return folder


def archived(repository: Repository, *paths: Path) -> str:
    return of_folders(repository, list(map(str, paths)), host="h", tags={"archive": "a"}).snapshot


def test_all_is_there_and_all_is_taken_away(repository: Repository, home: Path) -> None:
    other = home.parent / "other.txt"
    other.write_text("x")
    paths = [str(home), str(other)]
    compared = compare(paths, restored(repository, archived(repository, home, other)))
    assert compared.differences == []
    assert compared.files == 11
    assert [take_away(path, compared.states) for path in paths] == [[], []]
    assert list(home.parent.iterdir()) == []


def test_what_differs_is_found(repository: Repository, home: Path) -> None:
    snapshot = archived(repository, home)
    before = (home / "essay.odt").stat()
    (home / "essay.odt").write_text("my ESSAY")
    os.utime(home / "essay.odt", ns=(before.st_atime_ns, before.st_mtime_ns))
    (home / "link").unlink()
    (home / "link").symlink_to("/etc/passwd")
    (home / "new").write_text("")
    (home / "work" / "-rf").unlink()
    (home / "work" / "-rf").mkdir()
    compared = compare([str(home)], restored(repository, snapshot))
    assert sorted(Path(one).name for one in compared.differences) == [
        "-rf", "essay.odt", "link", "new", "second name",
    ]  # fmt: skip


def test_what_changes_after_that_is_left(repository: Repository, home: Path) -> None:
    compared = compare([str(home)], restored(repository, archived(repository, home)))
    (home / "essay.odt").write_text("my ESSAY")
    (home / "work" / "new").write_text("new")
    left = take_away(str(home), compared.states)
    assert sorted(str(Path(one).relative_to(home)) for one in left) == [
        ".", "essay.odt", "second name", "work", "work/new",
    ]  # fmt: skip
    assert (home / "essay.odt").read_text() == "my ESSAY"
    assert not (home / "zero").exists()


def test_a_folder_that_was_put_in_its_place_is_left(repository: Repository, home: Path) -> None:
    compared = compare([str(home)], restored(repository, archived(repository, home)))
    home.rename(home.parent / "away")
    home.mkdir()
    assert take_away(str(home), compared.states) == [str(home)]
    assert (home.parent / "away" / "essay.odt").exists()


def test_what_restic_cannot_keep_is_not_taken_away(repository: Repository, home: Path) -> None:
    """Restic 0.14 keeps the target of a link as text: bytes that are no UTF-8 are lost."""
    (home / "odd link").symlink_to(os.fsdecode(b"gone\xff"))
    compared = compare([str(home)], restored(repository, archived(repository, home)))
    assert compared.differences == [str(home / "odd link")]


def test_a_damaged_archive_takes_nothing_away(repository: Repository, home: Path) -> None:
    (home / "big").write_bytes(os.urandom(300_000))
    snapshot = archived(repository, home)
    for pack in Path(repository.url, "data").rglob("*"):
        if pack.is_file() and pack.stat().st_size > 200_000:
            pack.chmod(0o600)
            with pack.open("r+b") as file:
                file.seek(1000)
                file.write(b"DAMAGED")
    with pytest.raises(ResticError):
        restored(repository, snapshot)


def test_what_is_not_archived(home: Path, tmp_path: Path) -> None:
    (tmp_path / "by").symlink_to(home.parent)
    for path, why in {
        "/home": "no folder of somebody's",
        "/": "no folder of somebody's",
        "home/x": "no whole path",
        "/home/../etc": "no whole path",
        str(home / "gone"): "is not there",
        str(tmp_path / "by" / "leaver"): "goes by a link",
    }.items():
        assert why in refusal([path], remove=True)
    assert "named twice" in refusal([str(home), str(home / "work")], remove=True)
    assert "no paths" in refusal([], remove=True)
    assert "is a file system of its own" in refusal(["/dev/shm"], remove=True)  # noqa: S108
    assert refusal([str(home)], remove=True) == ""
