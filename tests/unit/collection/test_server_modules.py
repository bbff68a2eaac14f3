"""The modules of a backup server, run as Ansible runs them: what they say is what was agreed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support.repositories import PASSWORD, Server, damage, days_ago, need_restic

pytestmark = need_restic


def module(
    server: Server, name: str, *, fails: bool = False, check: bool = False, **more: Any
) -> dict[str, Any]:
    """Run a module in a process of its own; give what it says."""
    arguments = {**server.told, **more, "_ansible_check_mode": check}
    done = subprocess.run(
        [sys.executable, "-m", f"ansible_collections.ictops.schools.plugins.modules.backup_{name}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}), text=True, check=False,
        capture_output=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    said: dict[str, Any] = json.loads(done.stdout)
    assert bool(said.get("failed")) == fails, said.get("msg")
    return said


def only(said: dict[str, Any], key: str) -> dict[str, Any]:
    (one,) = said[key]["repositories"]
    assert isinstance(one, dict)
    return one


def test_what_each_says(server: Server) -> None:
    noted = server.has("essay.odt", os.urandom(200_000))
    old, new = server.backup(at=days_ago(40)), server.backup()
    listed = only(module(server, "list", host="oak-srv-01", set="homes"), "ictops_backup_list")
    first = listed["snapshots"][0]
    assert first["snapshot"].startswith(new)
    assert {name: first[name] for name in ("host", "set", "class", "kind", "archive", "paths")} == {
        "host": "oak-srv-01", "set": "homes", "class": "pupils", "kind": "folders", "archive": "",
        "paths": [str(server.data)],
    }  # fmt: skip
    assert (listed["escrowed"], listed["copy"], listed["good"]) == (False, False, True)
    assert only(module(server, "list", host="nobody"), "ictops_backup_list")["snapshots"] == []
    words = {"pattern": "*essay*", "before": days_ago(20).isoformat()}
    found = only(module(server, "find", **words), "ictops_backup_found")
    assert [one["snapshot"][:8] for one in found["found"]] == [old]
    found = only(module(server, "find", pattern="*essay*"), "ictops_backup_found")
    assert [one["snapshot"][:8] for one in found["found"]] == [new, old]
    checked = only(module(server, "check", part=1, parts=1), "ictops_backup_check")
    assert (checked["good"], checked["part"], checked["parts"]) == (True, 1, 1)
    assert module(server, "copy")["ictops_backup_copy"] == {"repositories": []}
    kept = {"retention": {"pupils": {"keep_last": 1}}}
    assert module(server, "prune", check=True, **kept)["ictops_backup_prune"]["repositories"] == []
    said = module(server, "prune", **kept)
    pruned = only(said, "ictops_backup_prune")
    assert said["changed"]
    assert ([one[:8] for one in pruned["removed"]], pruned["kept"]) == ([old], 1)
    told = Path(server.folder) / "drill.json"
    entry = {"repository": "oakfield", "host": "oak-srv-01", "set": "homes", "snapshot": new}
    told.write_text(json.dumps([{**entry, "sample": [noted]}]))
    (tried,) = module(server, "drill", file=str(told))["ictops_backup_drill"]["results"]
    assert tried == {**entry, "files": 1, "bytes": 200_000, "good": True, "message": ""}
    damage(server.packs()[0])
    said = module(server, "drill", file=str(told), fails=True)
    (tried,) = said["ictops_backup_drill"]["results"]
    assert not tried["good"]
    assert noted["path"] in tried["message"]
    said = module(server, "check", fails=True)
    assert not only(said, "ictops_backup_check")["good"]
    assert said["msg"].startswith("oakfield: damage in a pack")
    said = module(
        server, "delete", repository="oakfield", archive="leavers-1", snapshots=[new], fails=True
    )
    assert said["ictops_backup_deleted"]["removed"] == []
    assert "nothing was deleted" in said["msg"]


def test_one_that_fails_keeps_no_other_from_its_turn(server: Server) -> None:
    said = module(server, "list", repositories=["nobody", "oakfield"], fails=True)
    bad, good = said["ictops_backup_list"]["repositories"]
    assert (bad["repository"], bad["good"], good["repository"], good["good"]) == (
        "nobody", False, "oakfield", True,
    )  # fmt: skip
    assert bad["message"]


def test_a_repository_is_made_once_and_its_password_stays(server: Server) -> None:
    more = {"repositories": ["rowan"], "password": "a-first-password"}
    path = server.folder / "settings" / "rowan.password"
    assert module(server, "repository", check=True, **more)["changed"]
    assert not path.exists()
    assert module(server, "repository", **more)["changed"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert not module(server, "repository", **more)["changed"]
    said = module(server, "repository", fails=True, **{**more, "password": "another-password"})
    assert "does not open it" in said["msg"]
    assert path.read_text() == "a-first-password\n"
    assert PASSWORD not in json.dumps(said)
    assert "another-password" not in json.dumps(said)
