"""Bringing files back with a real restic: whole, over nothing, and through nobody's links."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import backup_bring
from ansible_collections.ictops.schools.plugins.module_utils.backup_bring import (
    NotThereError,
    bring,
    pattern,
)
from ansible_collections.ictops.schools.plugins.module_utils.backup_place import (
    PlaceError,
    trusted,
)
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, ResticError
from ansible_collections.ictops.schools.plugins.module_utils.snapshots import of_folders, of_stream

from tests.support.restic import repository_in

ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as restoring does")
ODD = [
    "two\nlines",
    'it\'s "quoted"',
    "-rf",
    "--overwrite",
    "{{ lookup('pipe', 'touch x') }}",
    "{% raw %}",
    "**",
    "a[b]c",
    "a?c",
    "back\\slash",
    "!not",
    "~root",
    "$HOME",
    " spaces ",
    "caf\N{LATIN SMALL LETTER E WITH ACUTE}",
    "#sharp",
]


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return repository_in(tmp_path / "kept")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "homes" / "ann"
    (folder / "work" / "deep").mkdir(parents=True)
    (folder / "essay.odt").write_text("my essay")
    (folder / "work" / "one.txt").write_text("one")
    (folder / "work" / "deep" / "two.txt").write_text("two")
    (folder / "link").symlink_to("/etc/shadow")
    (folder / "essay.odt").chmod(0o640)
    (folder / "work").chmod(0o750)
    return folder


def kept(repository: Repository, *paths: Path) -> str:
    return of_folders(repository, list(map(str, paths)), host="h", tags={"set": "s"}).snapshot


def back(repository: Repository, snapshot: str, path: Path | str, to: str = "", **more: Any) -> Any:
    return bring(repository, snapshot, str(path), to, overwrite=more.get("overwrite", False))


def leftovers() -> list[Path]:
    return [*Path("/").glob(".ictops-restore-*"), *Path("/tmp").glob(".ictops-restore-*")]  # noqa: S108


@ROOT
def test_a_deleted_file_comes_back_as_it_was(repository: Repository, home: Path) -> None:
    essay = home / "essay.odt"
    os.chown(essay, 1234, 4321)
    os.utime(essay, ns=(10**18, 10**18))
    snapshot = kept(repository, home.parent)
    essay.unlink()
    told = back(repository, snapshot, essay)
    assert (told["to"], told["files"], told["bytes"]) == (str(essay), 1, 8)
    assert (told["owner"], told["verified"], len(told["snapshot"])) == ("1234", True, 64)
    about = essay.stat()
    assert essay.read_text() == "my essay"
    assert (about.st_uid, about.st_gid, about.st_mode & 0o777) == (1234, 4321, 0o640)
    assert about.st_mtime_ns == 10**18
    assert leftovers() == []


@ROOT
def test_what_is_there_is_never_overwritten_unasked(repository: Repository, home: Path) -> None:
    snapshot = kept(repository, home.parent)
    essay = home / "essay.odt"
    essay.write_text("a newer one")
    with pytest.raises(PlaceError, match="is there already, and was left as it is"):
        back(repository, snapshot, essay)
    assert essay.read_text() == "a newer one"
    assert back(repository, snapshot, essay, overwrite=True)["files"] == 1
    assert essay.read_text() == "my essay"
    assert leftovers() == []


@ROOT
def test_of_a_folder_what_is_missing_comes_back(repository: Repository, home: Path) -> None:
    snapshot = kept(repository, home.parent)
    (home / "essay.odt").write_text("a newer one")
    (home / "work" / "deep" / "two.txt").unlink()
    (home / "work" / "new.txt").write_text("new")
    (home / "link").unlink()
    told = back(repository, snapshot, home)
    assert (told["files"], told["bytes"], told["kept"]) == (2, 3, 2)
    assert (home / "essay.odt").read_text() == "a newer one"
    assert (home / "work" / "deep" / "two.txt").read_text() == "two"
    assert (home / "work" / "new.txt").read_text() == "new"
    assert (home / "link").readlink() == Path("/etc/shadow")
    back(repository, snapshot, home, overwrite=True)
    assert (home / "essay.odt").read_text() == "my essay"
    assert (home / "work" / "new.txt").read_text() == "new"


@ROOT
def test_folders_above_come_back_with_it(repository: Repository, home: Path) -> None:
    os.chown(home / "work", 1234, 4321)
    snapshot = kept(repository, home.parent)
    for path in ("deep/two.txt", "one.txt"):
        (home / "work" / path).unlink()
    (home / "work" / "deep").rmdir()
    (home / "work").rmdir()
    told = back(repository, snapshot, home / "work" / "deep" / "two.txt")
    assert (told["files"], told["to"]) == (1, str(home / "work" / "deep" / "two.txt"))
    about = (home / "work").stat()
    assert (about.st_uid, about.st_mode & 0o777) == (1234, 0o750)
    assert not (home / "work" / "one.txt").exists()


@ROOT
def test_to_another_folder(repository: Repository, home: Path, tmp_path: Path) -> None:
    os.chown(home / "essay.odt", 1234, 4321)
    snapshot = kept(repository, home.parent)
    place = tmp_path / "restored" / "for ann"
    told = back(repository, snapshot, home / "essay.odt", str(place))
    assert told["to"] == str(place / "essay.odt")
    assert (place / "essay.odt").read_text() == "my essay"
    about = place.stat()
    assert (about.st_uid, about.st_mode & 0o777) == (1234, 0o700)
    assert (place.parent.stat().st_uid, place.parent.stat().st_mode & 0o777) == (0, 0o711)
    assert sorted(one.name for one in place.iterdir()) == ["essay.odt"]
    told = back(repository, snapshot, home, str(place))
    assert told["to"] == str(place / "ann")
    assert (place / "ann" / "work" / "deep" / "two.txt").read_text() == "two"
    with pytest.raises(PlaceError, match="is there already"):
        back(repository, snapshot, home / "essay.odt", str(place))


@ROOT
@pytest.mark.parametrize("name", ODD)
def test_an_odd_name(repository: Repository, home: Path, tmp_path: Path, name: str) -> None:
    for one in [*ODD, "abc", "axc", "not", "x"]:
        (home / one).write_text(f"in {one}")
    snapshot = kept(repository, home.parent)
    told = back(repository, snapshot, home / name, str(tmp_path / "to"))
    assert told["files"] == 1
    assert [one.name for one in (tmp_path / "to").iterdir()] == [name]
    assert (tmp_path / "to" / name).read_text() == f"in {name}"


@ROOT
def test_names_that_are_no_utf_8(repository: Repository, home: Path, tmp_path: Path) -> None:
    odd = os.fsencode(home) + b"/caf\xe9"
    Path(os.fsdecode(odd)).write_text("no UTF-8")
    snapshot = kept(repository, home.parent)
    told = back(repository, snapshot, f"{home}/caf\N{REPLACEMENT CHARACTER}", str(tmp_path / "to"))
    assert told["files"] == 1
    assert [os.fsencode(one.name) for one in (tmp_path / "to").iterdir()] == [b"caf\xe9"]
    back(repository, snapshot, home, str(tmp_path / "all"))
    assert Path(os.fsdecode(os.fsencode(tmp_path) + b"/all/ann/caf\xe9")).exists()
    Path(os.fsdecode(os.fsencode(home) + b"/caf\xe8")).write_text("another")
    snapshot = kept(repository, home.parent)
    with pytest.raises(PlaceError, match="2 files are called"):
        back(repository, snapshot, f"{home}/caf\N{REPLACEMENT CHARACTER}", str(tmp_path / "two"))
    assert not (tmp_path / "two").exists()


@ROOT
def test_a_path_that_is_not_in_it(repository: Repository, home: Path) -> None:
    snapshot = kept(repository, home.parent)
    with pytest.raises(NotThereError, match=r"is not in the snapshot .*; it has '.*/essay\.odt'"):
        back(repository, snapshot, home / "esay.odt")
    with pytest.raises(NotThereError, match=r"it has '.*/work'"):
        back(repository, snapshot, home / "wrk" / "deep" / "two.txt")
    with pytest.raises(ResticError):
        back(repository, "0123456789abcdef", home)
    assert leftovers() == []


@ROOT
def test_a_pupil_s_link_leads_nowhere(repository: Repository, home: Path, tmp_path: Path) -> None:
    snapshot = kept(repository, home.parent)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for path in ("deep/two.txt", "one.txt"):
        (home / "work" / path).unlink()
    (home / "work" / "deep").rmdir()
    (home / "work").rmdir()
    (home / "work").symlink_to(elsewhere)
    os.lchown(home / "work", 1234, 4321)
    for what in (home / "work" / "one.txt", home / "work", home):
        with pytest.raises(PlaceError, match=r"is a link that is not root's|is in the way"):
            back(repository, snapshot, what, overwrite=True)
    with pytest.raises(PlaceError, match="is a link that is not root's"):
        back(repository, snapshot, home / "essay.odt", str(home / "work"))
    assert list(elsewhere.iterdir()) == []


@ROOT
def test_root_s_own_links_are_followed(repository: Repository, home: Path, tmp_path: Path) -> None:
    snapshot = kept(repository, home.parent)
    (tmp_path / "by").symlink_to("homes")
    assert trusted(str(tmp_path / "by" / "ann")) == str(home)
    told = back(repository, snapshot, home / "essay.odt", str(tmp_path / "by" / "ann" / "back"))
    assert told["to"] == str(home / "back" / "essay.odt")
    (tmp_path / "round").symlink_to("round")
    with pytest.raises(PlaceError, match="is a link"):
        trusted(str(tmp_path / "round" / "x"))


@ROOT
def test_a_file_where_a_folder_was(repository: Repository, home: Path) -> None:
    snapshot = kept(repository, home.parent)
    (home / "essay.odt").unlink()
    (home / "essay.odt").mkdir()
    with pytest.raises(PlaceError, match="a folder is where the file"):
        back(repository, snapshot, home / "essay.odt", overwrite=True)
    with pytest.raises(PlaceError, match="is no folder"):
        back(repository, snapshot, home / "work", str(home / "work" / "one.txt"))


@ROOT
def test_a_dump_goes_to_a_folder(repository: Repository, tmp_path: Path) -> None:
    made, _ = of_stream(
        repository, [b"a dump"], "/mis/school.dump", host="h", tags={"kind": "postgresql"}
    )
    with pytest.raises(PlaceError, match=r"is a dump, .*: say where to put it"):
        back(repository, made.snapshot, "/mis/school.dump")
    told = back(repository, made.snapshot, "/mis/school.dump", str(tmp_path / "to"))
    assert Path(told["to"]).read_bytes() == b"a dump"


@ROOT
def test_a_damaged_repository_changes_nothing(
    repository: Repository, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "big").write_bytes(os.urandom(300_000))
    snapshot = kept(repository, home.parent)
    (home / "big").unlink()
    for pack in Path(repository.url, "data").rglob("*"):
        if pack.is_file() and pack.stat().st_size > 200_000:
            pack.chmod(0o600)
            with pack.open("r+b") as file:
                file.seek(1000)
                file.write(b"DAMAGED")
    with pytest.raises(ResticError):
        back(repository, snapshot, home / "big")
    assert not (home / "big").exists()
    assert leftovers() == []


def test_a_pattern_fits_its_path_alone() -> None:
    assert pattern("/a[1]*?\\x") == "/a\\[1\\]\\*\\?\\\\x"
    assert pattern("/caf\N{REPLACEMENT CHARACTER}") == "/caf?"


def test_half_known_names() -> None:
    assert backup_bring.names_of("/a//b/") == ["a", "b"]
