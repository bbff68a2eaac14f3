"""Folders become a snapshot that says what is in it, and a set that is not whole is no good one."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import backing_up
from ansible_collections.ictops.schools.plugins.module_utils.made import made
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, ResticError

from tests.support.backing_up import HOST, backed_up, folders, tags
from tests.support.restic import content, repository_in, snapshots


@pytest.fixture
def homes(tmp_path: Path) -> Path:
    folder = tmp_path / "homes"
    for pupil in ("ann", "ben"):
        (folder / pupil / "work").mkdir(parents=True)
        for number in range(6):
            (folder / pupil / "work" / f"{number}.txt").write_text(f"{pupil} {number}")
    return folder


def test_folders_are_backed_up_with_their_sample(repository: Repository, homes: Path) -> None:
    (told,) = backed_up(repository, folders(homes, exclude=["0.txt"]))
    assert (told["message"], told["files"], told["files_new"]) == ("", 10, 10)
    (snapshot,) = snapshots(repository)
    assert (snapshot["id"], snapshot["hostname"]) == (told["snapshot"], HOST)
    assert tags(snapshot) == {"set": "homes", "class": "pupils", "kind": "folders"}
    assert len(told["sample"]) >= 5
    assert not [one for one in told["sample"] if one["path"].endswith("0.txt")]
    for one in told["sample"]:
        kept = content(repository, told["snapshot"], one["path"])
        assert (len(kept), hashlib.sha256(kept).hexdigest()) == (one["size"], one["sha256"])


def test_a_second_backup_reads_what_has_changed(repository: Repository, homes: Path) -> None:
    backed_up(repository, folders(homes))
    (homes / "ann" / "work" / "1.txt").write_text("a better one")
    (homes / "ann" / "new.txt").write_text("new")
    (told,) = backed_up(repository, folders(homes))
    assert (told["files_new"], told["files_changed"], told["files"]) == (1, 1, 13)


def test_a_file_that_changes_during_the_backup_is_in_no_sample(
    repository: Repository, homes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = homes / "ann" / "work" / "1.txt"
    real = backing_up.of_folders

    def and_a_pupil_writes(*words: Any) -> Any:
        told = real(*words)
        before = changed.stat()
        changed.write_text("ann 9")  # of the same length, and its time is set back
        os.utime(changed, ns=(before.st_atime_ns, before.st_mtime_ns))
        return told

    monkeypatch.setattr(backing_up, "of_folders", and_a_pupil_writes)
    (told,) = backed_up(repository, folders(homes / "ann" / "work"), 60)
    sampled = {Path(one["path"]).name for one in told["sample"]}
    assert sampled == {"0.txt", "2.txt", "3.txt", "4.txt", "5.txt"}


def test_what_is_missing_or_a_link_is_told_and_the_rest_is_safe(
    repository: Repository, homes: Path
) -> None:
    link = homes.parent / "link"
    link.symlink_to(homes / "ben")
    (told,) = backed_up(repository, folders(homes / "ann", homes / "gone", link))
    assert told["snapshot"] == ""
    assert f"{homes}/gone is not there" in told["message"]
    assert f"{link} is a link: name {homes}/ben" in told["message"]
    (snapshot,) = snapshots(repository)
    assert snapshot["id"][:8] in told["message"]
    assert content(repository, snapshot["id"], f"{homes}/ann/work/1.txt") == b"ann 1"


def test_an_empty_folder_is_no_good_backup(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "share").mkdir()
    (told,) = backed_up(repository, folders(tmp_path / "share"))
    assert told["snapshot"] == ""
    assert "is something not mounted?" in told["message"]


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"name": "../etc"}, "cannot be a set's name"),
        ({"name": "homes\n"}, "cannot be a set's name"),
        ({"class": "parents"}, "is no class"),
        ({"kind": "oracle"}, "is no kind of set"),
        ({"paths": ["relative"]}, "is no whole path"),
        ({"paths": ["--help"]}, "is no whole path"),
        ({"paths": []}, "no path is named"),
    ],
)
def test_a_set_that_makes_no_sense_is_told(
    repository: Repository, homes: Path, wrong: dict[str, Any], why: str
) -> None:
    (told,) = backed_up(repository, {**folders(homes), **wrong})
    assert told["snapshot"] == ""
    assert why in told["message"]
    assert snapshots(repository) == []


@pytest.fixture
def of_nobody() -> Iterator[tuple[Repository, Path]]:
    """Give a repository whose restic is not root, and a folder: it cannot read all of that."""
    if os.geteuid() != 0:
        pytest.skip("only root can be somebody else")
    folder = Path(tempfile.mkdtemp(prefix="ictops-unread-", dir="/var/tmp"))
    try:
        folder.chmod(0o755)
        made_in = repository_in(folder / "kept")
        (folder / "homes").mkdir()
        for path in (folder / "kept").rglob("*"):
            shutil.chown(path, "nobody")
        shutil.chown(folder / "kept", "nobody")
        yield replace(made_in, account="nobody"), folder / "homes"
    finally:
        shutil.rmtree(folder)


def test_a_file_that_cannot_be_read_is_told(of_nobody: tuple[Repository, Path]) -> None:
    repository, homes = of_nobody
    (homes / "read.txt").write_text("for all")
    (homes / "shut.txt").write_text("for root")
    (homes / "shut.txt").chmod(0o600)
    (told,) = backed_up(repository, folders(homes))
    assert told["snapshot"] == ""
    assert f"could not be read: {homes}/shut.txt (Permission denied)" in told["message"]
    (snapshot,) = snapshots(repository)
    assert content(repository, snapshot["id"], f"{homes}/read.txt") == b"for all"


SUMMARY = (
    '{"message_type":"summary","files_new":1,"files_changed":0,"data_added":5,'
    '"total_files_processed":1,"total_bytes_processed":5,"snapshot_id":"0123abcd"}'
)


def error_of(path: Path) -> str:
    return (
        '{"message_type":"error","error":{"Op":"lstat","Path":"x","Err":2},'
        f'"during":"archival","item":"{path}"}}'
    )


def test_a_file_that_was_deleted_during_the_backup_is_nobodys_fault(tmp_path: Path) -> None:
    (tmp_path / "there").touch()
    gone, there = error_of(tmp_path / "gone"), error_of(tmp_path / "there")
    told = made(3, SUMMARY, f"{gone}\n{there}\nWarning: at least one source file …\n")
    assert told.unread == (f"{tmp_path}/there (No such file or directory)",)
    assert made(3, SUMMARY, gone).unread == ()


def test_a_backup_that_was_cut_off_is_none() -> None:
    with pytest.raises(ResticError, match="ended with -9"):
        made(-9, '{"message_type":"sum', "")
    with pytest.raises(ResticError, match="ended with 0"):
        made(0, "", "")
    with pytest.raises(ResticError, match="no space left"):
        made(1, SUMMARY, "Fatal: unable to save snapshot: no space left on device\n")
