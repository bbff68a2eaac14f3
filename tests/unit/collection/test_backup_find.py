"""Files are found in all snapshots, the newest first, whatever their names are."""

from __future__ import annotations

from datetime import timedelta

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import found
from ansible_collections.ictops.schools.plugins.module_utils.found import find
from ansible_collections.ictops.schools.plugins.module_utils.repositories import snapshots

from tests.support.repositories import Server, days_ago, only

ODD = ["my essay [1].odt", "my essay {{ 7 * 7 }}.odt", "my essay\n.odt", "-my essay"]


def paths(server: Server, pattern: str, **of: object) -> list[str]:
    matches, more = find(server.own, pattern, **of)
    assert not more
    return [one["path"] for one in matches]


def test_a_deleted_file_is_found_in_the_snapshots_that_have_it(server: Server) -> None:
    server.has("other", b"x")
    for day in range(30, 0, -1):
        if day in (20, 19):
            server.has("my essay.odt", b"y" * day)
        server.backup(at=days_ago(day))
        (server.data / "my essay.odt").unlink(missing_ok=True)
    matches, more = find(server.own, "*essay*")
    assert not more
    assert [one["size"] for one in matches] == [19, 20]
    assert {one["path"] for one in matches} == {f"{server.data}/my essay.odt"}
    by_id = {one.id: one.at for one in snapshots(server.own)}
    assert [one["at"] for one in matches] == [by_id[one["snapshot"]] for one in matches]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_are_found(server: Server, name: str) -> None:
    server.has(name, b"x")
    server.backup()
    assert paths(server, "*my essay*") == [f"{server.data}/{name}"]


def test_a_host_a_set_and_a_time_can_be_named(server: Server) -> None:
    server.has("essay", b"x")
    for day, host, name in ((3, "a", "homes"), (2, "a", "staff"), (1, "b", "homes")):
        server.backup(at=days_ago(day), host=host, set_=name)
    many = {
        (): 3,
        (("host", "a"),): 2,
        (("set", "homes"),): 2,
        (("after", days_ago(2.5)),): 2,
        (("before", days_ago(2.5)),): 1,
        (("after", days_ago(2.5)), ("before", days_ago(1.5))): 1,
    }
    for words, number in many.items():
        assert len(paths(server, "essay", **dict(words))) == number, words


def test_more_than_can_be_shown_is_said(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        server.has(f"essay {number}", b"x")
    server.backup()
    monkeypatch.setattr(found, "MOST", 4)
    matches, more = find(server.own, "essay*")
    assert (len(matches), more) == (4, True)


def test_one_turn_after_the_other_goes_through_all_snapshots(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.has("essay", b"x")
    for day in range(5):
        server.backup(at=days_ago(day))
    monkeypatch.setattr(found, "FIRST", 1)
    monkeypatch.setattr(found, "TIMES", 2)
    matches, more = find(server.own, "essay")
    assert not more
    at = [one["at"] for one in matches]
    assert (len(at), at) == (5, sorted(at, reverse=True))


def test_the_module_says_what_was_agreed_and_what_is_no_time(server: Server) -> None:
    server.has("essay", b"x")
    server.backup()
    at = (days_ago(0) + timedelta(hours=1)).isoformat()
    one = only(server.module("find", pattern="essay", before=at), "ictops_backup_found")
    assert (len(one["found"]), one["more"], one["good"]) == (1, False, True)
    said = server.module("find", pattern="essay", before="yesterday", fails=True)
    assert said["msg"] == "'yesterday' is no time"
