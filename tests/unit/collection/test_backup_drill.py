"""Drills on a backup server: what is restored is compared with what its host noted."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.module_utils import drilled
from ansible_collections.ictops.schools.plugins.module_utils.drilled import drill, scratch_in
from ansible_collections.ictops.schools.plugins.module_utils.restic import run

from tests.support.repositories import NAME, Server, damage, need_root

ROLES = Path(__file__).parents[3] / "roles"
ODD = (
    "a.odt", "b [1] *.txt", "c?\\.txt", "d\nnewline", "dir/ünï", "empty", "'single' \"double\"",
    "{{ lookup('pipe', 'id') }}", "{% raw %}", "-rf", "$(id) `id`", " ",
)  # fmt: skip


def asked(snapshot: str, sample: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    of = {"repository": NAME, "host": "oak-srv-01", "set": "homes", "snapshot": snapshot}
    return {**of, "sample": sample, **more}


def tried(server: Server, snapshot: str, sample: list[dict[str, Any]], **more: Any) -> Any:
    with scratch_in(str(server.scratch)) as scratch:
        assert stat.S_IMODE(scratch.stat().st_mode) == 0o700
        said = drill({NAME: server.one}, asked(snapshot, sample, **more), scratch)
    nothing_is_left(server)
    return said


def nothing_is_left(server: Server) -> None:
    assert not list(server.scratch.iterdir())


def odd_files(server: Server) -> list[dict[str, Any]]:
    return [server.has(name, b"" if name == "empty" else os.urandom(99)) for name in ODD]


def test_a_sample_is_restored_and_compared(server: Server) -> None:
    sample = odd_files(server)
    server.has("b 1 x.txt", b"a pattern would fit this one too")
    private = server.data / "private"
    private.mkdir(mode=0o500)
    sample.append(server.has("private/e", b"secret"))
    (private / "e").chmod(0)
    snapshot = server.backup()
    said = tried(server, snapshot, sample)
    assert (said["good"], said["message"]) == (True, "")
    assert (said["files"], said["bytes"]) == (len(ODD) + 1, 99 * (len(ODD) - 1) + 6)
    # And each of them is looked at.
    bad = tried(server, snapshot, [{**one, "sha256": "ab" * 32} for one in sample])
    first = f"{sample[0]['path']} has other content in the backup; "
    assert bad["message"].startswith(f"{len(sample)} of {len(sample)} files: {first}")
    assert bad["message"].endswith(f"; and {len(sample) - 3} more")


def test_names_that_are_no_text_are_restored_too(server: Server) -> None:
    raw = os.fsdecode(b"caf\xe9.odt")
    sample = [server.has(raw, b"latin")]
    snapshot = server.backup()
    assert tried(server, snapshot, sample)["good"]
    assert not tried(server, snapshot, [{**sample[0], "sha256": "ab" * 32}])["good"]


def test_the_sample_of_a_dump_is_the_whole_dump(server: Server) -> None:
    content = os.urandom(3_000_000)
    noted = {**server.has("noted", content), "path": "/postgresql/mis.dump"}
    snapshot = server.backup(stream=("/postgresql/mis.dump", content))
    said = tried(server, snapshot, [noted])
    assert (said["good"], said["files"], said["bytes"]) == (True, 1, 3_000_000)
    said = tried(server, snapshot, [{**noted, "size": 5}])
    assert said["message"] == (
        "1 of 1 files: /postgresql/mis.dump has 3000000 bytes in the backup, and had 5"
    )


def test_a_damaged_pack_is_told_for_the_files_that_it_concerns(server: Server) -> None:
    bad = server.has("bad", os.urandom(200_000))
    first = server.backup()
    pack = server.packs()[0]
    good = server.has("good", os.urandom(100_000))
    second = server.backup()
    damage(pack)
    said = tried(server, second, [bad, good])
    assert not said["good"]
    assert said["message"].startswith(f"1 of 2 files: {bad['path']} ")
    assert good["path"] not in said["message"]
    assert not tried(server, first, [bad])["good"]
    assert tried(server, second, [good])["good"]


@need_root
def test_what_a_host_put_in_a_files_place_is_not_followed(server: Server) -> None:
    """A link to the server's own secrets, and a pipe that nobody ever writes to."""
    secret = server.has("secret", b"")
    link = {**secret, "path": str(server.data / "link")}
    Path(link["path"]).symlink_to(secret["path"])
    pipe = {**secret, "path": str(server.data / "pipe")}
    os.mkfifo(pipe["path"])
    said = tried(server, server.backup(), [link, pipe])
    assert said["message"] == (
        f"2 of 2 files: {link['path']} could not be restored; "
        f"{pipe['path']} is no file in the backup"
    )


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"host": "oak-srv-02"}, "the snapshot is of oak-srv-01 and its set homes"),
        ({"set": "staff"}, "the snapshot is of oak-srv-01 and its set homes"),
        ({"snapshot": "ab" * 32}, "the snapshot is not in the repository any more"),
        ({"snapshot": "latest"}, "there is nothing that could be tried"),
        ({"snapshot": "--target=/etc"}, "there is nothing that could be tried"),
        ({"sample": []}, "there is nothing that could be tried"),
        ({"repository": "rowan"}, "this server has no such repository"),
    ],
)
def test_what_cannot_be_tried_is_told(server: Server, more: dict[str, Any], why: str) -> None:
    sample = [server.has("a", b"x")]
    said = tried(server, **{"snapshot": server.backup(), "sample": sample, **more})
    assert (said["good"], said["message"]) == (False, why)


@pytest.mark.parametrize("path", ["a", "/../../etc/shadow", "/var/./x", ""])
def test_a_path_that_leads_elsewhere_is_refused(server: Server, path: str) -> None:
    sample = [{**server.has("a", b"x"), "path": path}]
    said = tried(server, server.backup(), sample)
    assert said["message"] == f"{path!r} is no whole path of a file"


def test_what_has_no_room_is_not_tried(server: Server) -> None:
    noted = server.has("a", b"x")
    said = tried(server, server.backup(), [{**noted, "size": 1 << 60}])
    assert said["message"].startswith("it was not tried: the files have")


def test_what_a_killed_drill_left_goes_and_two_do_not_meet(server: Server) -> None:
    left = server.scratch / "drill-old" / "home"
    left.mkdir(parents=True)
    (left / "secret").write_text("x")
    with scratch_in(str(server.scratch)) as scratch:
        assert list(server.scratch.iterdir()) == [scratch]
        with pytest.raises(ValueError, match="another drill"), scratch_in(str(server.scratch)):
            pass
    with pytest.raises(ZeroDivisionError), scratch_in(str(server.scratch)) as scratch:
        (scratch / "x").write_text(str(1 // 0))
    nothing_is_left(server)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_drill_that_is_interrupted_leaves_nothing(server: Server, number: int) -> None:
    noted = server.has("a", os.urandom(30_000_000))
    entry = asked(server.backup(), [noted])
    process = server.begin("drill", scratch=str(server.scratch), samples=[entry])
    ends = time.monotonic() + 60
    while not any(path.is_file() for path in server.scratch.rglob("*")):
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < ends
    os.kill(process.pid, number)
    process.communicate(timeout=60)
    assert process.returncode == 128 + number
    nothing_is_left(server)
    of = subprocess.run(["pgrep", "-s", str(process.pid)], capture_output=True, check=False)
    assert not of.stdout, "its restic is gone too"


def test_what_fails_beside_a_prune_is_tried_again_with_none_beside(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first try finds nothing, as if a prune had just moved it."""
    noted = server.has("a", b"x")
    snapshot = server.backup()
    seen = []

    def without(repository: Any, *words: str, **more: Any) -> Any:
        seen.append("--no-lock" in words)
        return run(repository, "version", **more)

    monkeypatch.setattr(drilled, "run", without)
    assert tried(server, snapshot, [noted])["good"]
    assert seen == [True]


def test_the_module_says_what_was_agreed(server: Server) -> None:
    sample = [server.has("a", b"x")]
    good = asked(server.backup(), sample)
    bad = {**good, "host": "oak-srv-02"}
    more = {"scratch": str(server.scratch)}
    said = server.module("drill", samples=[good, bad], fails=True, **more)
    fine, other = said["ictops_backup_drill"]["results"]
    of = {name: value for name, value in good.items() if name != "sample"}
    assert fine == {**of, "files": 1, "bytes": 1, "good": True, "message": ""}
    assert (other["host"], other["good"]) == ("oak-srv-02", False)
    assert said["msg"] == f"oak-srv-02 homes: {other['message']}"
    assert not server.module("drill", samples=[good], **more)["changed"]
    nothing_is_left(server)


def test_the_roles_task_reads_its_own_part_and_renders_nothing_of_it(server: Server) -> None:
    """By ansible-playbook itself. A name that was rendered would be no file of the backup."""
    sample = odd_files(server)
    told = {"oak-bak-01": [asked(server.backup(), sample)], "elm-bak-01": [{"never": "seen"}]}
    file = server.folder / "told.json"
    file.touch(0o600)
    file.write_text(json.dumps(told))
    play = server.folder / "play.yml"
    variables = {
        "backup_drill": {"file": str(file)}, "backup_server_folder": str(server.folder),
        "__backup_server_repositories": server.told,
    }  # fmt: skip
    tasks = [{"import_tasks": str(ROLES / "backup_server" / "tasks" / "drill.yml")}]
    play.write_text(
        json.dumps([{"hosts": "all", "gather_facts": False, "vars": variables, "tasks": tasks}])
    )
    done = subprocess.run(
        ["ansible-playbook", "-i", "oak-bak-01,", "-c", "local", str(play)], text=True,
        capture_output=True, check=False, cwd=ROLES.parent,
        env={
            **os.environ, "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    nothing_is_left(server)
