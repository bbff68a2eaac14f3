"""Pinning the keys of real sshds: new ones, changed ones, silent ones."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.lab import Workspace

pytestmark = pytest.mark.lab

SERVER, FIRST, SECOND = "lab001-srv-01", "lab001-ws-01", "lab001-ws-02"


@pytest.fixture
def pinned(workspace: Workspace) -> Iterator[Path]:
    path = workspace.folder / "inventories" / "t" / "known_hosts" / "lab001"
    before = path.read_text()
    yield path
    path.write_text(before)


def lines(path: Path) -> list[list[str]]:
    return sorted(line.split() for line in path.read_text().splitlines())


def test_new_keys_are_shown_and_pinned_once_confirmed(workspace: Workspace, pinned: Path) -> None:
    before = lines(pinned)
    pinned.unlink()
    shown = workspace.ictops("site", "trust", "lab001", code=3)
    assert shown.count("SHA256:") == 3
    assert not pinned.exists(), "nothing is recorded unless a person says so"
    workspace.ictops("site", "trust", "lab001", "--yes")
    assert lines(pinned) == before


def test_a_changed_key_is_taken_only_for_a_host_that_is_named(
    workspace: Workspace, pinned: Path
) -> None:
    before = lines(pinned)
    shown = workspace.json("site", "show", "lab001")["hosts"]
    address = {host["name"]: host["address"] for host in shown}
    other = next(key for a, _, key in before if a == address[SERVER])
    text = [[a, k, other if a == address[FIRST] else key] for a, k, key in before]
    pinned.write_text("".join(" ".join(fields) + "\n" for fields in text))
    shown = workspace.ictops("site", "trust", "lab001", "--yes", code=3)
    assert f"{FIRST} changed" in " ".join(shown.split())
    assert lines(pinned) == sorted(text)
    workspace.ictops("site", "trust", "lab001", "--replace", SECOND, "--yes")
    assert lines(pinned) == sorted(text), "another host's name does not free this one"
    workspace.ictops("site", "trust", "lab001", "--replace", FIRST, "--yes")
    assert lines(pinned) == before


def test_a_silent_host_is_told_and_the_others_are_pinned(
    workspace: Workspace, pinned: Path
) -> None:
    name = workspace.lab.name
    pinned.unlink()
    workspace.ictops("lab", "fault", SECOND, "off", "--name", name)
    try:
        found = workspace.json("site", "trust", "lab001", "--yes", code=5)
    finally:
        workspace.ictops("lab", "fault", SECOND, "on", "--name", name)
    assert sorted(found["recorded"]) == [SERVER, FIRST]
    silent = [f for f in found["found"] if f["state"] == "silent"]
    assert [f["target"]["host"] for f in silent] == [SECOND]
    assert silent[0]["reason"]


def test_a_host_of_another_school_is_not_asked(workspace: Workspace) -> None:
    said = workspace.ictops("site", "trust", "lab001", "--host", "lab002-ws-01", code=1)
    assert "lab002-ws-01" in said
