"""What is in a server's repositories: listed, found, and looked at for damage."""

from __future__ import annotations

import json
import os
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import server_find
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError
from ansible_collections.ictops.schools.plugins.module_utils.server_check import check
from ansible_collections.ictops.schools.plugins.module_utils.server_find import find
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import (
    BackupFault,
    kept,
    size_of,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_snapshots import (
    moment,
    snapshots_of,
)

from tests.support.repositories import Server, damage, days_ago, need_restic

pytestmark = need_restic


def test_times_of_restics_are_read() -> None:
    wanted = datetime(2026, 11, 29, 5, 0, 0, 123456, tzinfo=UTC)
    assert moment("2026-11-29T06:00:00.123456789+01:00") == wanted
    assert moment("2026-11-29T05:00:00Z") == wanted.replace(microsecond=0)
    assert moment("2026-11-29T05:00:00.5Z") == wanted.replace(microsecond=500000)
    with pytest.raises(ValueError, match="is no time"):
        moment("yesterday")


def test_snapshots_are_listed_the_newest_first(server: Server) -> None:
    server.has("essay.odt", b"first")
    old = server.backup(at=days_ago(9))
    new = server.backup(host="oak-srv-02", set_="staff", class_="staff", archive="leavers-1")
    first, second = snapshots_of(server.one.repository)
    assert first.id.startswith(new)
    assert second.id.startswith(old)
    assert (first.host, first.archive, first.tags["class"]) == ("oak-srv-02", "leavers-1", "staff")
    assert second.paths == (str(server.data),)
    assert abs(datetime.now(UTC) - second.at - timedelta(days=9)) < timedelta(minutes=2)
    assert size_of(server.repository) > 1000


def test_a_name_leads_out_of_no_folder(server: Server) -> None:
    for name in ("../oakfield", "", "-x", "a/b", "Oak", "oak\n"):
        with pytest.raises(BackupFault, match="is no repository's name"):
            kept(name, server.told)


def test_files_are_found_in_all_snapshots_the_newest_first(server: Server) -> None:
    server.has("ann/essay.odt", b"first")
    server.has("ben/other.odt", b"other")
    for day in (5, 3, 4):
        server.has("ann/essay.odt", b"first" * day)
        server.backup(at=days_ago(day))
    there = snapshots_of(server.one.repository)
    found, more = find(server.one.repository, there, "*essay*")
    assert [one["size"] for one in found] == [15, 20, 25]
    assert [one["snapshot"] for one in found] == [one.id for one in there]
    assert {one["path"] for one in found} == {str(server.data / "ann/essay.odt")}
    assert {(one["host"], one["set"], one["type"]) for one in found} == {
        ("oak-srv-01", "homes", "file")
    }
    assert datetime.fromisoformat(found[0]["mtime"]).utcoffset() == timedelta(0)
    assert not more
    assert find(server.one.repository, there, "*nobody*") == ([], False)
    assert find(server.one.repository, there[:1], "*essay*")[0] == found[:1]
    assert find(server.one.repository, [], "*") == ([], False)


def test_odd_names_are_found(server: Server) -> None:
    odd = ["new\nline.odt", 'a"],"hits":1,"snapshot":"b.odt', "-rf.odt", "ünï [1] *.odt", "}{.odt"]
    for name in odd:
        server.has(name, b"x")
    raw = os.fsencode(str(server.data)) + b"/caf\xe9.odt"
    Path(os.fsdecode(raw)).write_bytes(b"latin")
    server.backup()
    there = snapshots_of(server.one.repository)
    found, _ = find(server.one.repository, there, "*.odt")
    wanted = [f"{server.data}/{name}" for name in (*odd, "caf\N{REPLACEMENT CHARACTER}.odt")]
    assert sorted(one["path"] for one in found) == sorted(wanted)
    (dash,) = find(server.one.repository, there, "-rf*")[0]
    assert dash["path"].endswith("/-rf.odt")


@pytest.mark.parametrize("most", [1, 7, 30, 59, 60, 61])
def test_there_is_an_end_to_what_is_told(server: Server, most: int) -> None:
    for number in range(19):
        server.has(f"{number}.odt", b"x")
    for day in (3, 2, 1):
        server.backup(at=days_ago(day))
    there = snapshots_of(server.one.repository)
    found, more = find(server.one.repository, there, "*.odt", most)
    assert (len(found), more) == (min(most, 57), most < 57)
    ends = [one["snapshot"] for one in found]
    assert ends == sorted(ends, key=[one.id for one in there].index)


def test_what_cannot_be_looked_for_is_told(server: Server) -> None:
    server.has("essay.odt", b"x")
    server.backup()
    with pytest.raises(ResticError, match="syntax error in pattern"):
        find(server.one.repository, snapshots_of(server.one.repository), "[")


def test_what_comes_in_pieces_is_read_as_if_it_were_whole() -> None:
    ids = ["ab" * 32, "cd" * 32]
    files = [[{"path": f"/{number}/ü}}]"} for number in range(3)], [{"path": '/"],"hits":1'}]]
    said = json.dumps(
        [
            {"matches": each, "hits": len(each), "snapshot": name}
            for name, each in zip(ids, files, strict=True)
        ],
        ensure_ascii=False,
        separators=(",", ":"),
    ).encode()
    for size in range(1, len(said) + 1):
        told = server_find._Told(100)
        heard = []
        for at in range(0, len(said), size):
            told.data += said[at : at + size]
            heard += list(told.read())
        assert heard == list(zip(ids, files, strict=True))


def test_a_repository_without_damage_is_good(server: Server) -> None:
    server.has("a", os.urandom(300_000))
    server.backup()
    assert [check(server.one, part, 3) for part in (1, 2, 3)] == ["", "", ""]
    assert not list((server.repository / "locks").iterdir())


def test_a_damaged_pack_is_found_in_the_part_that_it_is_in(server: Server) -> None:
    for number in range(4):
        server.has("a", os.urandom(200_000 + number))
        server.backup()
    pack = server.packs()[0]
    damage(pack)
    parts = [check(server.one, part, 5) for part in range(1, 6)]
    (found,) = [one for one in parts if one]
    assert found.startswith(f"damage in a pack ({pack.name[:8]}): ")
    assert not list((server.repository / "locks").iterdir())


def test_a_pack_that_is_gone_is_found(server: Server) -> None:
    server.has("a", os.urandom(200_000))
    server.backup()
    pack = server.packs()[0]
    pack.unlink()
    assert pack.name[:8] in check(server.one, 1, 1)


def test_a_backup_beside_a_check_is_no_damage(server: Server) -> None:
    server.has("a", os.urandom(200_000))
    server.backup()
    words = server.one.repository.words("backup", "--stdin", "--host", "h")
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, **server.one.repository.process()
    ) as busy:
        assert busy.stdin is not None
        while not list((server.repository / "locks").iterdir()):
            time.sleep(0.05)
        busy.stdin.write(os.urandom(3_000_000))
        busy.stdin.flush()
        assert check(server.one, 1, 1) == ""
        busy.stdin.close()
        assert busy.wait() == 0
