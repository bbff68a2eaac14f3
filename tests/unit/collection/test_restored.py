"""Bringing files back with a real restic: right to the byte, over nothing, by nobody's links."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import staging
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
)
from ansible_collections.ictops.schools.plugins.module_utils.restored import (
    PREFIX,
    PlaceError,
    RestoreError,
)

from tests.support.restored import CLASS, PUPIL, back, kept, left_in

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, as restoring does")
ODD = [
    "two\nlines", 'it\'s "quoted"', "-rf", "--overwrite", "{{ lookup('pipe', 'touch x') }}",
    "{% raw %}", "*", "**", "a[b]c", "[", "]", "a?c", "[!a]", "back\\slash", "\\", "!not", "~root",
    "$HOME", " spaces ", "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "#sharp", "...", "\t",
    os.fsdecode(b"caf\xe9"), os.fsdecode(b"\xff\xfe"), "long" * 60,
]  # fmt: skip


def state(path: Path) -> tuple[int, int, int, int]:
    found = path.lstat()
    return found.st_uid, found.st_gid, found.st_mode, found.st_mtime_ns


def test_a_deleted_file_comes_back_as_it_was(repository: Repository, home: Path) -> None:
    essay = home / "essay.odt"
    essay.write_bytes(os.urandom(3_000_000))
    os.utime(essay, ns=(10**18, 10**18 + 123))
    content, was = essay.read_bytes(), state(essay)
    snapshot = kept(repository, home)
    essay.unlink()
    told = back(repository, snapshot[:8], essay)
    assert told == {
        "snapshot": snapshot, "path": str(essay), "to": str(essay), "files": 1,
        "bytes": 3_000_000, "verified": True, "owner": f"{PUPIL}:{CLASS}",
    }  # fmt: skip
    assert (essay.read_bytes(), state(essay)) == (content, was)
    assert left_in(home) == []


def test_a_folder_comes_back_as_it_was(repository: Repository, home: Path, tmp_path: Path) -> None:
    was = {one.relative_to(home): state(one) for one in [home, *home.rglob("*")]}
    snapshot = kept(repository, home)
    home.rename(tmp_path / "away")
    told = back(repository, snapshot, home)
    assert (told["files"], told["bytes"]) == (4, 14)
    assert {one.relative_to(home): state(one) for one in [home, *home.rglob("*")]} == was
    assert (home / "link").readlink() == Path("/etc/shadow")
    assert (home / "work" / "deep" / "two.txt").read_text() == "two"


def test_folders_above_come_back_as_they_were(repository: Repository, home: Path) -> None:
    was = state(home / "work"), state(home / "work" / "deep")
    snapshot = kept(repository, home)
    subprocess.run(["rm", "-r", home / "work"], check=True)
    back(repository, snapshot, home / "work" / "deep" / "two.txt")
    assert (state(home / "work"), state(home / "work" / "deep")) == was
    assert (home / "work" / "deep" / "two.txt").read_text() == "two"
    assert not (home / "work" / "one.txt").exists(), "nobody asked for it"


def test_nothing_is_overwritten_unasked(repository: Repository, home: Path) -> None:
    snapshot = kept(repository, home)
    essay = home / "essay.odt"
    essay.write_text("a newer one")
    (home / "work" / "new").write_text("new")
    with pytest.raises(PlaceError, match=r"essay.odt is there \(a file of 11 bytes, changed 20"):
        back(repository, snapshot, essay)
    with pytest.raises(PlaceError, match=r"ann is there \(a folder, changed 20"):
        back(repository, snapshot, home)
    (home / "link").unlink()
    (home / "link").symlink_to("nowhere")
    with pytest.raises(PlaceError, match=r"link is there \(a link, changed 20"):
        back(repository, snapshot, home / "link")
    assert (essay.read_text(), (home / "work" / "new").read_text()) == ("a newer one", "new")
    assert (home / "link").readlink() == Path("nowhere")
    assert left_in(home.parent) == []


def test_overwriting_takes_nothing_away(repository: Repository, home: Path) -> None:
    was = state(home / "work")
    snapshot = kept(repository, home)
    essay = home / "essay.odt"
    essay.write_text("a newer one")
    (home / "work" / "new").write_text("in no backup")
    (home / "work").chmod(0o700)
    (home / "work" / "deep" / "two.txt").unlink()
    assert back(repository, snapshot, essay, overwrite=True)["files"] == 1
    assert essay.read_text() == "my essay"
    essay.write_text("again")
    back(repository, snapshot, home, overwrite=True)
    assert essay.read_text() == "my essay"
    assert (home / "work" / "new").read_text() == "in no backup"
    assert (home / "work" / "deep" / "two.txt").read_text() == "two"
    assert state(home / "work") == was
    assert left_in(home.parent) == []


def test_a_folder_in_a_file_s_place_stays(repository: Repository, home: Path) -> None:
    snapshot = kept(repository, home)
    (home / "essay.odt").unlink()
    (home / "essay.odt").mkdir()
    (home / "essay.odt" / "precious").write_text("x")
    (home / "work" / "one.txt").write_text("newer")
    for what in (home / "essay.odt", home):
        with pytest.raises(PlaceError, match=r"essay\.odt is a folder now and was a file"):
            back(repository, snapshot, what, overwrite=True)
    assert (home / "essay.odt" / "precious").read_text() == "x"
    assert (home / "work" / "one.txt").read_text() == "newer", "all of it is seen before any goes"


def test_below_another_folder(repository: Repository, home: Path, tmp_path: Path) -> None:
    snapshot = kept(repository, home)
    to = tmp_path / "restored" / "for ann"
    told = back(repository, snapshot, home / "work", to)
    place = Path(f"{to}{home}/work")
    assert told["to"] == str(place)
    assert (place / "deep" / "two.txt").read_text() == "two"
    assert state(place) == state(home / "work")
    assert state(place.parent)[:3] == state(home)[:3]
    assert (to.stat().st_uid, to.stat().st_mode & 0o777) == (0, 0o700)
    assert [one.name for one in to.iterdir()] == [Path(str(home)).parts[1]]
    back(repository, snapshot, home / "essay.odt", to)
    assert (place.parent / "essay.odt").read_text() == "my essay"
    with pytest.raises(PlaceError, match="is there"):
        back(repository, snapshot, home / "essay.odt", to)


@pytest.mark.parametrize("to", ["restored", "../x", "/a/../b", "//a", "/a/", ".", "/a\0b"])
def test_only_a_whole_path_to_go_to(repository: Repository, home: Path, to: str) -> None:
    snapshot = kept(repository, home)
    with pytest.raises(RestoreError, match="no whole path of a folder"):
        back(repository, snapshot, home / "essay.odt", to)


@pytest.mark.parametrize("path", ["essay.odt", "/", "", "/a/../b", "//a", "/a/", "-r", "/a\0b"])
def test_only_a_whole_path_to_bring_back(repository: Repository, home: Path, path: str) -> None:
    with pytest.raises(RestoreError, match="no whole path of a file or folder"):
        back(repository, kept(repository, home), path)


@pytest.mark.parametrize("snapshot", ["latest", "--help", "", "zz" * 8, "abc"])
def test_only_an_id_of_a_snapshot(repository: Repository, snapshot: str) -> None:
    with pytest.raises(RestoreError, match="is no snapshot's id"):
        back(repository, snapshot, "/home")


def test_odd_names(repository: Repository, home: Path, tmp_path: Path) -> None:
    decoys = ["abc", "a", "b", "axc", "xx", "back", "slash", "caf", "root", "not"]
    for one in [*ODD, *decoys]:
        (home / one).write_bytes(b"in " + os.fsencode(one))
    snapshot = kept(repository, home)
    for number, name in enumerate(ODD):
        told = back(repository, snapshot, home / name, tmp_path / "to" / str(number))
        folder = Path(told["to"]).parent
        assert [one.name for one in folder.iterdir()] == [name]
        assert (folder / name).read_bytes() == b"in " + os.fsencode(name)
        (home / name).unlink()
        back(repository, snapshot, home / name)
        assert (home / name).read_bytes() == b"in " + os.fsencode(name)
    assert left_in(home) == []


def test_odd_names_of_folders(repository: Repository, home: Path, tmp_path: Path) -> None:
    for one in ODD:
        (home / one).mkdir()
        (home / one / one).write_bytes(os.fsencode(one))
    snapshot = kept(repository, home)
    for number, name in enumerate(ODD):
        told = back(repository, snapshot, home / name, tmp_path / "to" / str(number))
        assert Path(told["to"], name).read_bytes() == os.fsencode(name)


def test_names_as_restic_says_them(repository: Repository, home: Path) -> None:
    """What is found has a sign for each byte that is no UTF-8: that is all a person can ask for."""
    odd = home / os.fsdecode(b"caf\xe9")
    beside = home / "caf\N{LATIN SMALL LETTER E WITH ACUTE}"
    odd.write_text("no UTF-8")
    beside.write_text("UTF-8")
    snapshot = kept(repository, home)
    odd.unlink()
    beside.unlink()
    told = back(repository, snapshot, f"{home}/caf\N{REPLACEMENT CHARACTER}")
    assert (told["to"], odd.read_text(), beside.exists()) == (str(odd), "no UTF-8", False)
    (home / os.fsdecode(b"caf\xe8")).write_text("another")
    snapshot = kept(repository, home)
    with pytest.raises(RestoreError, match="2 files are called"):
        back(repository, snapshot, f"{home}/caf\N{REPLACEMENT CHARACTER}")
    assert left_in(home) == []


def test_a_path_that_is_not_in_it(repository: Repository, home: Path) -> None:
    snapshot = kept(repository, home)
    with pytest.raises(RestoreError, match=r"esay.odt' is not in snapshot .*'.*/essay\.odt'"):
        back(repository, snapshot, home / "esay.odt")
    with pytest.raises(RestoreError, match=r"nearest to it: '.*/ann/work'"):
        back(repository, snapshot, home / "wrk" / "deep" / "two.txt")
    with pytest.raises(RestoreError, match=r"nearest to it: '/"):
        back(repository, snapshot, "/nowhere/at/all")
    with pytest.raises(RestoreError, match="is not in snapshot"):
        back(repository, snapshot, home / "essay*")
    with pytest.raises(RestoreError, match="there is no snapshot 01234567"):
        back(repository, "0123456789abcdef", home)
    assert left_in(home.parent) == []


def test_a_file_in_a_folder_s_place(repository: Repository, home: Path) -> None:
    snapshot = kept(repository, home)
    with pytest.raises(PlaceError, match=r"one.txt is in the way: it is no folder"):
        back(repository, snapshot, home / "essay.odt", home / "work" / "one.txt")


def test_a_dump_is_no_file_of_the_host(repository: Repository, home: Path, tmp_path: Path) -> None:
    snapshot = kept(repository, home, kind="postgresql")
    with pytest.raises(RestoreError, match=r"is a dump, .*: say where to put it"):
        back(repository, snapshot, home / "essay.odt")
    assert Path(back(repository, snapshot, home / "essay.odt", tmp_path / "to")["to"]).exists()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    made = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    subprocess.run(made, check=True)
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk(repository: Repository, home: Path, small: Path) -> None:
    (home / "big").write_bytes(os.urandom(1_000_000))
    snapshot = kept(repository, home)
    with pytest.raises(RestoreError, match=f"no room for it on the disk .* that has {small}"):
        back(repository, snapshot, home / "big", small / "to")
    assert list(small.iterdir()) == []
    assert Path(back(repository, snapshot, home / "essay.odt", small / "to")["to"]).exists()


def test_another_file_system_below_a_bind(
    repository: Repository, home: Path, tmp_path: Path
) -> None:
    """A folder that is mounted a second time has the same device, but no rename leads there."""
    snapshot = kept(repository, home)
    (tmp_path / "bound").mkdir()
    bind = ["mount", "--bind", str(home.parent), str(tmp_path / "bound")]
    subprocess.run(bind, check=True)
    try:
        told = back(repository, snapshot, home / "essay.odt", tmp_path / "bound" / "to")
        assert Path(told["to"]).read_text() == "my essay"
    finally:
        subprocess.run(["umount", str(tmp_path / "bound")], check=True)


def test_a_damaged_repository_changes_nothing(repository: Repository, home: Path) -> None:
    (home / "big").write_bytes(os.urandom(300_000))
    snapshot = kept(repository, home)
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
    assert left_in(home) == []


def test_what_a_killed_restore_left_goes(repository: Repository, home: Path) -> None:
    snapshot = kept(repository, home)
    (home / f"{PREFIX}dead").mkdir()
    (home / f"{PREFIX}dead" / "copy").write_text("x")
    theirs = home / f"{PREFIX}theirs"
    theirs.mkdir()
    os.chown(theirs, PUPIL, CLASS)
    folder = os.open(home, staging.FOLDER)
    with staging.staged(folder, PREFIX) as busy:
        (Path(staging.path_of(busy)) / "half").write_text("of another restore")
        (home / "essay.odt").unlink()
        back(repository, snapshot, home / "essay.odt")
        assert (Path(staging.path_of(busy)) / "half").exists()
        assert not (home / f"{PREFIX}dead").exists()
    os.close(folder)
    assert left_in(home) == [theirs], "what is not root's is left alone"
