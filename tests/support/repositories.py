"""A backup server's folders on this machine, with real repositories of restic's."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    Kept,
    kept,
    snapshots,
)
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, run

from tests.support.modules import begin, said
from tests.support.quick_key import empty_repository
from tests.support.restic import need_program

NAME, PASSWORD, COPYS_PASSWORD = "oakfield", "not-the-real-one", "nor-this-one"
ACCOUNT = "" if os.geteuid() else "nobody"
"""Whose the repositories are, as on a server: not root's, who looks after them."""

need_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can do this")


@dataclass
class Server:
    """What a server has.

    :ivar copy: what modules are told of the second copy.
    """

    folder: Path
    copy: dict[str, Any] = field(default_factory=dict)

    @property
    def told(self) -> dict[str, Any]:
        """Give what modules are told of it."""
        return {
            "names": [NAME], "folder": str(self.folder), "account": ACCOUNT, "patience": 20,
            "settings": str(self.folder / "settings"), "copy_to": "", "copy_forgets": True,
            "copy_options": [],
            "copy_environment": {}, **self.copy,
        }  # fmt: skip

    @property
    def one(self) -> Kept:
        (only,) = kept(self.told)
        return only

    @property
    def own(self) -> Repository:
        return self.one.own

    @property
    def second(self) -> Repository:
        """Give the second copy."""
        made = self.one.copy
        assert made is not None
        return made

    @property
    def repository(self) -> Path:
        return self.folder / "repositories" / NAME

    @property
    def scratch(self) -> Path:
        return self.folder / "scratch"

    @property
    def data(self) -> Path:
        """Give a folder that is backed up."""
        return self.folder / "data"

    def has(self, name: str, content: bytes) -> dict[str, Any]:
        """Write a file that will be backed up; give what its host notes of it."""
        path = self.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        return {"path": str(path), "size": len(content), "sha256": digest}

    def backup(
        self,
        *,
        host: str = "oak-srv-01",
        set_: str = "homes",
        class_: str = "pupils",
        kind: str = "folders",
        at: datetime | None = None,
        archive: str = "",
        stream: tuple[str, bytes] | None = None,
        zone: str = "UTC",
    ) -> str:
        """Make a snapshot as a host does, and give its whole id.

        :param at: when the host says that it was.
        :param stream: a dump's name and content.
        :param zone: the host's, as ``TZ`` has it.
        """
        tags = {"set": set_, "class": class_, "kind": kind}
        tags |= {"archive": archive} if archive else {}
        words = ["backup", "--json", "--host", host]
        for name, value in tags.items():
            words += ["--tag", f"{name}={value}"]
        if at is not None:
            words += ["--time", at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")]
        words += ["--stdin", "--stdin-filename", stream[0]] if stream else ["--", str(self.data)]
        # Root reads what is backed up; the repository is then the account's, as rclone writes it.
        as_root = replace(self.own, account="")
        done = subprocess.run(
            as_root.words(*words), capture_output=True, check=True,
            input=stream[1] if stream else b"", **as_root.process(TZ=zone),
        )  # fmt: skip
        self.give_away()
        short = json.loads(done.stdout.splitlines()[-1])["snapshot_id"]
        (whole,) = [one.id for one in snapshots(self.own) if one.id.startswith(short)]
        return str(whole)

    def there(self) -> set[str]:
        """Give the ids of all snapshots."""
        return {one.id for one in snapshots(self.own)}

    def give_away(self) -> None:
        """Give the repository to the account."""
        if ACCOUNT:
            subprocess.run(["chown", "-R", ACCOUNT, str(self.folder / "repositories")], check=True)

    def copies_to(self, url: str, *options: str, **environment: str) -> None:
        """Set a second copy up, as the role does."""
        self.copy = {
            "copy_to": url, "copy_options": list(options), "copy_environment": environment
        }  # fmt: skip
        (self.folder / "settings" / "copy.password").write_text(f"{COPYS_PASSWORD}\n")

    def elsewhere(self) -> Path:
        """Make a folder for second copies."""
        made = self.folder / "elsewhere"
        made.mkdir()
        if ACCOUNT:
            shutil.chown(made, ACCOUNT)
        return made

    def has_copy(self) -> None:
        """Have an empty second copy."""
        there = self.elsewhere()
        self.copies_to(str(there))
        empty_repository(there / NAME, COPYS_PASSWORD)
        if ACCOUNT:
            subprocess.run(["chown", "-R", ACCOUNT, str(there)], check=True)

    def packs(self) -> list[Path]:
        """Give the files that hold the data, the largest first: trees are in small ones."""
        found = [path for path in (self.repository / "data").rglob("*") if path.is_file()]
        return sorted(found, key=lambda path: path.stat().st_size, reverse=True)

    def locks(self) -> list[Path]:
        """Give the locks; one that is still being written has another name."""
        return list((self.repository / "locks").glob("?" * 64))

    def whole(self) -> None:
        """See that all data of it can be read, and that all of it is right."""
        run(self.own, "check", "--read-data")

    def module(self, name: str, *, fails: bool = False, **more: Any) -> dict[str, Any]:
        """Run a module in a process of its own, as Ansible does; give what it says."""
        told = said(self.begin(name, **more))
        assert bool(told.get("failed")) == fails, told.get("msg")
        return told

    def begin(self, name: str, **more: Any) -> subprocess.Popen[str]:
        """Start a module in a process group of its own."""
        return begin(f"backup_{name}", {"repositories": self.told, **more})


def only(told: dict[str, Any], key: str) -> dict[str, Any]:
    """Give what a module says of the only repository."""
    (one,) = told[key]["repositories"]
    assert isinstance(one, dict)
    return one


@contextmanager
def server_of() -> Iterator[Server]:
    """Give a server with an empty repository, that the account can reach."""
    need_program("restic")
    folder = Path(tempfile.mkdtemp(prefix="ictops-server-", dir="/var/tmp"))
    try:
        folder.chmod(0o711)
        made = Server(folder)
        for name in ("settings", "escrow", "scratch", "repositories", "data"):
            (folder / name).mkdir(mode=0o700)
            if ACCOUNT and name in {"scratch", "repositories"}:
                shutil.chown(folder / name, ACCOUNT)
        (folder / "settings" / f"{NAME}.password").write_text(PASSWORD + "\n")
        empty_repository(made.repository, PASSWORD)
        made.give_away()
        yield made
    finally:
        shutil.rmtree(folder)


def days_ago(number: float) -> datetime:
    """Give a time so many days ago, in UTC."""
    return datetime.now(UTC) - timedelta(days=number)


def damage(pack: Path) -> None:
    """Change a few bytes in the middle of a file."""
    pack.chmod(0o600)
    with pack.open("r+b") as file:
        file.seek(pack.stat().st_size // 2)
        file.write(b"DAMAGED!")
