from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from ictops.errors import SwitchError
from ictops.network.archive import Archive


@pytest.fixture
def archive(tmp_path: Path) -> Archive:
    return Archive(tmp_path / "switches" / "mine")


def test_what_is_kept_can_be_read_and_is_committed_once(archive: Archive) -> None:
    assert archive.keep("oak", "oak-sw-01", {"running.cfg": "hostname one\n"})
    assert not archive.keep("oak", "oak-sw-01", {"running.cfg": "hostname one\n"})
    first = archive.commit("backup, run abc", by="Ann <x>\n")
    assert first is not None
    assert archive.commit("backup, run abd", by="ann") is None
    assert archive.message(first) == (
        "oak-sw-01: backup, run abc\n\noak/oak-sw-01: running.cfg +1 -0"
    )
    [entry] = archive.log("oak", "oak-sw-01")
    assert (entry.commit, entry.subject) == (first, "oak-sw-01: backup, run abc")
    assert entry.by == "Ann  x"
    assert archive.log("oak", "oak-sw-02") == []


def test_a_file_that_is_no_more_goes_and_the_past_stays(archive: Archive) -> None:
    archive.keep("oak", "sw", {"running.cfg": "one\n", "modules.txt": "fan\n"})
    first = archive.commit("a", by="ann")
    archive.keep("oak", "sw", {"running.cfg": "two\n"})
    second = archive.commit("b", by="ann")
    assert first
    assert second
    assert archive.kept("oak", "sw") == {"running.cfg": "two\n"}
    assert archive.show("oak", "sw", "modules.txt", first[:8]) == "fan\n"
    said = archive.diff("oak", "sw", first, second)
    assert "-one\n+two\n" in said
    assert [entry.commit for entry in archive.log("oak", "sw")] == [second, first]


def test_one_commit_names_the_switches(archive: Archive) -> None:
    for number in range(5):
        archive.keep("oak", f"sw-{number}", {"running.cfg": "x\n"})
    commit = archive.commit("backup", by="ann")
    assert commit
    said = archive.message(commit)
    assert said.startswith("sw-0, sw-1, sw-2 and 2 more: backup\n")
    assert said.count("running.cfg +1 -0") == 5


@pytest.mark.parametrize(
    ("site", "host"),
    [("../up", "sw"), ("oak", "../sw"), ("oak", ".git"), ("oak", "-rf"), ("o a", "s"), ("oak", "")],
)
def test_no_name_leads_out_of_the_archive(archive: Archive, site: str, host: str) -> None:
    with pytest.raises(SwitchError, match="no name that a folder can have"):
        archive.keep(site, host, {"running.cfg": "x"})


@pytest.mark.parametrize("name", ["nonsense", "--all", "HEAD~7", ""])
def test_an_unknown_commit_is_told(archive: Archive, name: str) -> None:
    archive.keep("oak", "sw", {"running.cfg": "x\n"})
    archive.commit("a", by="ann")
    with pytest.raises(SwitchError, match="there is no commit"):
        archive.show("oak", "sw", "running.cfg", name)


def test_nobody_else_reads_it_and_the_key_is_beside_it(archive: Archive) -> None:
    archive.keep("oak", "sw", {"running.cfg": "x\n"})
    archive.commit("a", by="ann")
    assert archive.folder.stat().st_mode & 0o077 == 0
    mark = archive.mask().of("hunter2")
    assert Archive(archive.folder).mask().of("hunter2") == mark
    key = archive.folder.with_name("mine.key")
    assert key.stat().st_mode & 0o077 == 0
    for broken in ("ab", "no key"):
        key.write_text(broken)
        with pytest.raises(SwitchError, match="not whole"):
            archive.mask()


def test_two_that_make_the_key_have_the_same(archive: Archive) -> None:
    marks: list[str] = []
    threads = [
        threading.Thread(target=lambda: marks.append(archive.mask().of("x"))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(marks)) == 1
    assert len(marks) == 8


def test_settings_of_a_persons_git_do_not_matter(
    archive: Archive, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".gitconfig").write_text(
        f"[core]\n hooksPath = {hooks}\n[commit]\n gpgSign = true\n"
    )
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    archive.keep("oak", "sw", {"running.cfg": "x\n"})
    assert archive.commit("a", by="ann")
    assert not (tmp_path / "elsewhere").exists()
    said = subprocess.run(
        ["git", "-C", str(archive.folder), "status", "--porcelain"],
        env={"PATH": "/usr/bin:/bin"}, check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    assert said == ""
