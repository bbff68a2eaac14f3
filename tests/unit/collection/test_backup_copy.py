"""Second copies elsewhere: a path, SFTP and REST, each with its real server."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.module_utils.copied import (
    bring_up_to_date,
    is_there,
)
from ansible_collections.ictops.schools.plugins.module_utils.pruned import prune, rules_of
from ansible_collections.ictops.schools.plugins.module_utils.repositories import snapshots
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    ResticError,
    run,
    shown,
)

from tests.support.cut_line import line_to
from tests.support.elsewhere import (
    BUCKET_KEYS,
    PASSWORD,
    USER,
    rest_server,
    s3_server,
    sftp_server,
)
from tests.support.repositories import COPYS_PASSWORD, NAME, Server, days_ago, only
from tests.support.repositories import PASSWORD as OWN_PASSWORD

BIG = 40_000_000
"""Bytes: enough for a line to be cut in the middle of them."""


def copied(server: Server) -> dict[str, Any]:
    said: dict[str, Any] = bring_up_to_date(server.one)
    return said


def all_is_whole(server: Server) -> None:
    run(server.second, "check", "--read-data")


def all_is_there(server: Server) -> None:
    """Read all data of the copy, and see that it has every snapshot."""
    all_is_whole(server)
    originals = [one.original for one in snapshots(server.second)]
    assert originals == [one.id for one in snapshots(server.own)]


def test_a_copy_is_made_and_brought_up_to_date(server: Server) -> None:
    assert server.module("copy")["ictops_backup_copy"] == {"repositories": []}
    server.copies_to(f"{server.elsewhere()}")
    server.has("a", os.urandom(200_000))
    server.backup()
    assert not is_there(server.second)
    said = server.module("copy")
    assert said["changed"]
    assert only(said, "ictops_backup_copy") == {
        "repository": NAME, "good": True, "message": "", "copied": 1, "snapshots": 1,
        "to": f"{server.folder}/elsewhere/{NAME}",
    }  # fmt: skip
    server.has("b", os.urandom(200_000))
    server.backup()
    assert copied(server) == {"copied": 1, "snapshots": 2}
    assert copied(server) == {"copied": 0, "snapshots": 2}
    all_is_there(server)
    polynomials = {
        json.loads(run(place, "cat", "config", "--no-lock"))["chunker_polynomial"]
        for place in (server.own, server.second)
    }
    assert len(polynomials) == 1, "or what is the same would be kept twice"


@pytest.mark.parametrize("forgets", [True, False])
def test_what_need_not_be_kept_goes_from_the_copy_too_unless_that_is_refused(
    server: Server, forgets: bool
) -> None:
    server.has("a", b"x")
    old = server.backup(at=days_ago(9))
    new = server.backup()
    server.has_copy()
    server.copy["copy_forgets"] = forgets
    assert copied(server)["copied"] == 2
    told = prune(server.one, rules_of({"pupils": {"keep_within": "1d"}}))
    assert (told["removed"], server.there()) == ([old], {new})
    left = {one.original for one in snapshots(server.second)}
    assert left == ({new} if forgets else {new, old})
    assert copied(server)["copied"] == 0
    all_is_whole(server)


def test_a_copy_that_is_out_of_reach_is_no_reason_to_make_another(server: Server) -> None:
    server.copies_to(f"rest:http://{USER}:{PASSWORD}@127.0.0.1:9/oak")
    said = server.module("copy", fails=True)
    one = only(said, "ictops_backup_copy")
    assert (one["good"], one["copied"], one["to"]) == (
        False, 0, f"rest:http://127.0.0.1:9/oak/{NAME}",
    )  # fmt: skip
    assert "connection refused" in one["message"]
    assert PASSWORD not in json.dumps(said)


def test_a_name_and_password_are_not_shown() -> None:
    assert shown("rest:https://user:hunter2@rest.example/x") == "rest:https://rest.example/x"
    assert shown("rest:https://token@rest.example/x") == "rest:https://rest.example/x"
    assert shown("rest:http://a:p@ss/w@h:8000/x: refused") == "rest:http://h:8000/x: refused"
    assert shown("sftp:backup@nas:/x") == "sftp:backup@nas:/x"
    assert shown("s3:https://s3.example/bucket") == "s3:https://s3.example/bucket"


def arguments_of(server: Server) -> tuple[dict[str, Any], set[str]]:
    """Copy, and give what the module says, and all argument lists that were seen meanwhile."""
    process, seen = server.begin("copy"), set()
    while process.poll() is None:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue
            if words.startswith("restic"):
                seen.add(words)
        time.sleep(0.02)
    out, _ = process.communicate()
    said: dict[str, Any] = json.loads(out)
    return said, seen


def test_a_copy_by_rest_and_no_secret_where_others_see_it(server: Server) -> None:
    server.has("a", os.urandom(200_000))
    server.backup()
    with rest_server(server.elsewhere()) as port:
        to = f"rest:http://{USER}:{PASSWORD}@127.0.0.1:{port}/oak"
        server.copies_to(to, AWS_SECRET_ACCESS_KEY="a-key-of-s3")
        said, seen = arguments_of(server)
        assert only(said, "ictops_backup_copy") == {
            "repository": NAME, "good": True, "message": "", "copied": 1, "snapshots": 1,
            "to": f"rest:http://127.0.0.1:{port}/oak/{NAME}",
        }  # fmt: skip
        assert {words.split()[1] for words in seen} >= {"init", "copy"}, "or nothing was looked at"
        for secret in (PASSWORD, OWN_PASSWORD, COPYS_PASSWORD, "a-key-of-s3"):
            assert secret not in " ".join(seen)
            assert secret not in json.dumps(said)
        assert copied(server) == {"copied": 0, "snapshots": 1}
        all_is_there(server)
        server.copies_to(to.replace(PASSWORD, "another-password"))
        with pytest.raises(ResticError) as fault:
            copied(server)
        assert "another-password" not in str(fault.value)


def test_a_network_that_comes_back_ends_no_copy(server: Server) -> None:
    server.has("a", os.urandom(BIG))
    server.backup()
    with rest_server(server.elsewhere()) as port, line_to(port) as line:
        server.copies_to(f"rest:http://{USER}:{PASSWORD}@127.0.0.1:{line.port}/oak")
        line.cut_after(BIG // 2)
        process = server.begin("copy")
        assert line.wait_until_cut(120)
        time.sleep(3)
        assert process.poll() is None
        line.mend()
        out, _ = process.communicate(timeout=300)
        assert only(json.loads(out), "ictops_backup_copy")["copied"] == 1
        all_is_there(server)


def test_a_copy_by_sftp(server: Server) -> None:
    server.has("a", os.urandom(200_000))
    server.backup()
    there = server.elsewhere()
    with sftp_server(server.folder / "ssh") as ssh:
        server.copies_to(f"sftp:oak@127.0.0.1:{there}", ssh.command(ssh.port))
        assert copied(server) == {"copied": 1, "snapshots": 1}
        assert copied(server) == {"copied": 0, "snapshots": 1}
        all_is_there(server)


def test_a_copy_by_s3(server: Server) -> None:
    server.has("a", os.urandom(200_000))
    server.backup()
    with s3_server() as port:
        server.copies_to(f"s3:http://127.0.0.1:{port}/schools", **BUCKET_KEYS)
        said, seen = arguments_of(server)
        assert only(said, "ictops_backup_copy")["copied"] == 1
        assert BUCKET_KEYS["AWS_SECRET_ACCESS_KEY"] not in " ".join(seen) + json.dumps(said)
        assert copied(server) == {"copied": 0, "snapshots": 1}
        all_is_there(server)


def test_a_copy_goes_to_no_host_with_another_key(server: Server) -> None:
    server.has("a", b"x")
    server.backup()
    there = server.elsewhere()
    with sftp_server(server.folder / "ssh") as ssh:
        server.copies_to(f"sftp:oak@127.0.0.1:{there}", ssh.command(ssh.port))
        (ssh.folder / "known_hosts").write_text("")
        assert not only(server.module("copy", fails=True), "ictops_backup_copy")["good"]
    assert not list(there.iterdir())
