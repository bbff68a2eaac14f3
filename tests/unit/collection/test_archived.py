"""Archives with a real restic: nothing is taken away that was not restored and compared."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import archived, trees
from ansible_collections.ictops.schools.plugins.module_utils.archived import ArchiveError, archive
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    run,
)
from ansible_collections.ictops.schools.plugins.module_utils.staging import PlaceError

from tests.support.restic import snapshots
from tests.support.restored import CLASS, PUPIL

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as archiving does")


@pytest.fixture
def home(home: Path) -> Path:
    (home / "work" / "deep" / os.fsdecode(b"caf\xe9\n")).write_text("odd")
    os.mkfifo(home / "pipe")
    return home


def put_away(
    repository: Repository, *paths: Path, away: bool = True, name: str = "leavers-2026"
) -> dict[str, Any]:
    told: dict[str, Any] = {}
    scratch = Path(repository.password_file).parent / "scratch"
    scratch.mkdir(exist_ok=True)
    try:
        archive(
            repository, "oak-srv-01", name, [str(path) for path in paths], told,
            away=away, scratch=str(scratch),
        )  # fmt: skip
    finally:
        assert not list(scratch.iterdir())
    return told


def test_all_of_it_is_kept_and_then_gone(repository: Repository, home: Path) -> None:
    other = home.parent / "list.csv"
    other.write_text("names")
    told = put_away(repository, home, other)
    assert not list(home.parent.iterdir())
    assert (told["verified"], told["removed"]) == (True, [str(home), str(other)])
    (snapshot,) = snapshots(repository)
    assert snapshot["id"] == told["snapshot"]
    assert "archive=leavers-2026" in snapshot["tags"]
    back = home.parent / "back"
    run(repository, "restore", snapshot["id"], "--target", str(back))
    copy = Path(f"{back}{home}")
    assert (copy / "essay.odt").read_text() == "my essay"
    assert (copy / "essay.odt").stat().st_uid == PUPIL
    assert (copy / "link").readlink() == Path("/etc/shadow")


def test_without_that_being_asked_for_it_stays(repository: Repository, home: Path) -> None:
    told = put_away(repository, home, away=False)
    assert (told["verified"], told["removed"]) == (True, [])
    assert (home / "essay.odt").read_text() == "my essay"


def test_a_socket_is_nothing_to_keep(repository: Repository, home: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(home / "agent"))
    assert put_away(repository, home)["removed"] == [str(home)]


@pytest.fixture
def mounted(home: Path) -> Iterator[Path]:
    inside = home / "a disk"
    inside.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", inside], check=True)
    try:
        (inside / "precious").write_text("of somebody else")
        yield inside
    finally:
        subprocess.run(["umount", inside], check=True)


def test_what_is_mounted_below_it_is_never_taken_away(
    repository: Repository, home: Path, mounted: Path
) -> None:
    with pytest.raises(ArchiveError, match=r"a disk is a file system of its own.*unmount it"):
        put_away(repository, home)
    with pytest.raises(ArchiveError, match="is a file system of its own"):
        put_away(repository, mounted)
    assert (mounted / "precious").exists()
    assert (home / "essay.odt").exists()
    assert not snapshots(repository)


def test_what_is_mounted_meanwhile_is_not_taken_away(
    repository: Repository, home: Path, mounted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archived, "_see_no_mounts", lambda _path: None)
    with pytest.raises(ArchiveError, match=r"a disk was mounted meanwhile\. What was removed is"):
        put_away(repository, home)
    assert (mounted / "precious").exists()


def _write(path: Path) -> None:
    path.write_text("another")


def _come(path: Path) -> None:
    (path.parent / "new.txt").write_text("came meanwhile")


def _folder(path: Path) -> None:
    (path.parent / "new folder").mkdir()


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("/etc/passwd")


@pytest.mark.parametrize("change", [_write, _come, _folder, _link])
def test_what_changes_after_it_was_compared_stays(
    repository: Repository, home: Path, monkeypatch: pytest.MonkeyPatch, change: Any
) -> None:
    essay = home / "essay.odt"
    real = archived.remove

    def late(*what: Any) -> None:
        change(essay)
        real(*what)

    monkeypatch.setattr(archived, "remove", late)
    with pytest.raises(ArchiveError, match="What was removed is in the archive; do it again later"):
        put_away(repository, home)
    assert Path("/etc/passwd").exists()
    if change is _write:
        assert essay.read_text() == "another"
    elif change is not _link:
        assert list(home.glob("new*"))
    monkeypatch.setattr(archived, "remove", real)
    assert put_away(repository, home)["removed"] == [str(home)]


def test_what_differs_from_its_copy_is_kept(
    repository: Repository, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def restored(where: Repository, *words: str, **more: Any) -> str:
        said = run(where, *words, **more)
        copy = Path(words[words.index("--target") + 1] + str(home / "essay.odt"))
        size = copy.stat()
        copy.write_text("my essaY")
        os.utime(copy, ns=(size.st_atime_ns, size.st_mtime_ns))
        return said

    monkeypatch.setattr(archived, "run", restored)
    with pytest.raises(ArchiveError, match=r"is not what is there.*essay\.odt\. Nothing was"):
        put_away(repository, home)
    assert (home / "essay.odt").exists()


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.chmod(0o600),
        lambda path: os.chown(path, PUPIL, CLASS),
        lambda path: os.utime(path, (1, 1)),
        lambda path: os.setxattr(path, "user.note", b"of hers"),
        lambda path: path.unlink(),
    ],
)
def test_everything_that_a_file_is_counts(tmp_path: Path, change: Any) -> None:
    (tmp_path / "one").write_text("a")
    folder = os.open(tmp_path.parent, os.O_RDONLY)
    try:
        before = [one.what for one in trees.seen_in(folder, tmp_path.name)]
        assert [one.what for one in trees.seen_in(folder, tmp_path.name)] == before
        change(tmp_path / "one")
        assert [one.what for one in trees.seen_in(folder, tmp_path.name)] != before
    finally:
        os.close(folder)


def test_a_snapshot_of_one_that_failed_is_told_all_the_same(
    repository: Repository, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(*_: Any, **__: Any) -> str:
        raise ResticError(1, "no space left on device")

    monkeypatch.setattr(archived, "run", no_room)
    told: dict[str, Any] = {}
    with pytest.raises(ResticError):
        archive(repository, "oak", "x", [str(home)], told, away=True, scratch=str(tmp_path))
    (snapshot,) = snapshots(repository)
    assert (told["snapshot"], told["verified"], told["removed"]) == (snapshot["id"], False, [])


def test_a_link_of_a_pupil_leads_nowhere(repository: Repository, home: Path) -> None:
    (home / "work").rename(home / "was")
    (home / "work").symlink_to("/etc")
    os.lchown(home / "work", PUPIL, CLASS)
    with pytest.raises(PlaceError, match="a link that is not root's"):
        put_away(repository, home / "work" / "hosts")
    assert Path("/etc/hosts").exists()
    assert put_away(repository, home / "work")["removed"] == [str(home / "work")]
    assert Path("/etc/hosts").exists()


@pytest.mark.parametrize("path", ["/", "//", "relative", "/a/../b", "/srv/", "/none/of/it"])
def test_what_is_no_place_is_refused(repository: Repository, tmp_path: Path, path: str) -> None:
    told: dict[str, Any] = {}
    with pytest.raises(ArchiveError):
        archive(repository, "oak", "x", [path], told, away=True, scratch=str(tmp_path))
    assert not told


@pytest.mark.parametrize("name", ["", "Leavers", "a b", "../x", "-x"])
def test_what_is_no_name_is_refused(repository: Repository, home: Path, name: str) -> None:
    with pytest.raises(ArchiveError, match="cannot be an archive's name"):
        put_away(repository, home, name=name)
