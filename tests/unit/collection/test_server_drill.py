"""Drills on a backup server: what is restored is compared with what its host noted."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import server_drill
from ansible_collections.ictops.schools.plugins.module_utils.server_drill import (
    drill,
    literal,
    scratch_of,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import BackupFault

from tests.support.repositories import ACCOUNT, Server, damage, need_restic

pytestmark = need_restic


def tried(
    server: Server, snapshot: str, sample: list[dict[str, Any]], host: str = "oak-srv-01"
) -> dict[str, Any]:
    with scratch_of(server.folder / "scratch", ACCOUNT) as scratch:
        assert stat.S_IMODE(scratch.stat().st_mode) == 0o700
        said: dict[str, Any] = drill(server.one, scratch, host, "homes", snapshot, sample)
    return said


def nothing_is_left(server: Server) -> bool:
    return not list((server.folder / "scratch").iterdir())


def test_a_sample_is_restored_and_compared(server: Server) -> None:
    names = ["a.odt", "b [1] *.txt", "c?\\.txt", "d\nnewline", "dir/ünï", "empty"]
    sample = [server.has(name, b"" if name == "empty" else os.urandom(99)) for name in names]
    server.has("other", b"not asked for")
    private = server.data / "private"
    private.mkdir(mode=0o500)
    sample.append(server.has("private/e", b"secret"))
    (private / "e").chmod(0)
    said = tried(server, server.backup(), sample)
    assert said == {"files": 7, "bytes": 99 * 5 + 6, "good": True, "message": ""}
    assert nothing_is_left(server)


def test_a_dump_is_restored_and_compared(server: Server) -> None:
    content = os.urandom(300_000)
    noted = server.has("noted", content)
    snapshot = server.backup(stream=("/mis.dump", content))
    sample = [{**noted, "path": "/mis.dump"}]
    assert tried(server, snapshot, sample)["good"]
    bad = tried(server, snapshot, [{**sample[0], "size": 5}])
    assert not bad["good"]
    assert bad["message"] == (
        "1 of 1 files: /mis.dump: it has 300000 bytes in the backup, and had 5"
    )


def test_what_is_another_file_in_the_backup_is_told(server: Server) -> None:
    good, other = server.has("good", b"12345"), server.has("other", b"12345")
    gone = server.has("gone", b"x")
    Path(gone["path"]).unlink()
    (server.data / "gone").symlink_to("/etc/shadow")
    said = tried(server, server.backup(), [good, {**other, "sha256": "ab" * 32}, gone])
    assert (said["good"], said["files"], said["bytes"]) == (False, 1, 5)
    assert "2 of 3 files" in said["message"]
    assert f"{other['path']}: its content is another in the backup" in said["message"]
    assert f"{gone['path']}: it could not be restored" in said["message"]
    assert nothing_is_left(server)


def test_a_damaged_pack_is_told_for_the_files_that_it_concerns(server: Server) -> None:
    bad = server.has("bad", os.urandom(200_000))
    first = server.backup()
    pack = server.packs()[0]
    good = server.has("good", os.urandom(100_000))
    second = server.backup()
    damage(pack)
    said = tried(server, second, [bad, good])
    assert (said["good"], said["files"], said["bytes"]) == (False, 1, 100_000)
    assert "1 of 2 files" in said["message"]
    assert bad["path"] in said["message"]
    assert good["path"] not in said["message"]
    assert not tried(server, first, [bad])["good"]
    assert nothing_is_left(server)


def test_a_snapshot_of_another_host_or_of_nobody_is_refused(server: Server) -> None:
    sample = [server.has("a", b"x")]
    snapshot = server.backup()
    with pytest.raises(BackupFault, match="the snapshot is of oak-srv-01"):
        tried(server, snapshot, sample, host="oak-srv-02")
    with pytest.raises(BackupFault, match="not in the repository"):
        tried(server, "ab" * 32, sample)


def test_a_set_without_files_is_good_and_one_without_a_sample_is_not(server: Server) -> None:
    snapshot = server.backup()
    assert tried(server, snapshot, []) == {
        "files": 0, "bytes": 0, "good": True, "message": "it has no files",
    }  # fmt: skip
    server.has("a", b"x")
    with pytest.raises(BackupFault, match="noted nothing of its 1 files"):
        tried(server, server.backup(), [])


def test_what_has_no_room_is_not_tried(server: Server) -> None:
    noted = server.has("a", b"x")
    snapshot = server.backup()
    with pytest.raises(BackupFault, match="it was not tried"):
        tried(server, snapshot, [{**noted, "size": 1 << 60}])
    assert nothing_is_left(server)


def test_what_a_killed_drill_left_goes_and_two_do_not_meet(server: Server) -> None:
    folder = server.folder / "scratch"
    (folder / "drill-old" / "home").mkdir(parents=True)
    (folder / "drill-old" / "home" / "secret").write_text("x")
    with scratch_of(folder, ACCOUNT) as scratch:
        assert list(folder.iterdir()) == [scratch]
        with pytest.raises(BackupFault, match="another drill"), scratch_of(folder, ACCOUNT):
            pass
    with pytest.raises(ZeroDivisionError), scratch_of(folder, ACCOUNT) as scratch:
        (scratch / "x").write_text(str(1 // 0))
    assert nothing_is_left(server)


def test_a_path_is_a_pattern_that_it_alone_fits() -> None:
    assert literal("/a/[b]*?\\") == "/a/\\[b]\\*\\?\\\\"


def test_what_fails_beside_a_prune_is_tried_again(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first try finds nothing, as if a prune had just moved it."""
    noted = server.has("a", b"x")
    snapshot = server.backup()
    real, seen = server_drill.when_free, []

    def once_without(repository: Any, *words: str, **more: Any) -> str:
        seen.append("--no-lock" in words)
        return real(repository, *(words if len(seen) > 1 else ("version",)), **more)

    monkeypatch.setattr(server_drill, "when_free", once_without)
    assert tried(server, snapshot, [noted])["good"]
    assert seen == [True, False]
