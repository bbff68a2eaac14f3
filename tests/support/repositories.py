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
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.ictops.schools.plugins.module_utils.restic import run
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import Kept, kept

NAME, PASSWORD = "oakfield", "not-the-real-one"
ACCOUNT = "" if os.geteuid() else "nobody"
"""Whose the repositories are, as on a server: not root's, who looks after them."""

need_restic = pytest.mark.skipif(not shutil.which("restic"), reason="there is no restic")


@dataclass(frozen=True)
class Server:
    """What a server has."""

    folder: Path

    @property
    def told(self) -> dict[str, Any]:
        """Give what modules are told of it."""
        return {
            "repositories": [NAME], "folder": str(self.folder), "account": ACCOUNT, "patience": 20,
            **{name: str(self.folder / name) for name in ("settings", "state", "cache")},
        }  # fmt: skip

    @property
    def one(self) -> Kept:
        return kept(NAME, self.told)

    @property
    def repository(self) -> Path:
        return self.folder / "repositories" / NAME

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
    ) -> str:
        """Make a snapshot as a host does, and give its id.

        :param at: when the host says that it was.
        :param stream: a dump's name and content.
        """
        tags = {"set": set_, "class": class_, "kind": kind} | (
            {"archive": archive} if archive else {}
        )
        words = ["backup", "--json", "--host", host]
        for name, value in tags.items():
            words += ["--tag", f"{name}={value}"]
        if at is not None:
            words += ["--time", at.astimezone().strftime("%Y-%m-%d %H:%M:%S")]
        words += ["--stdin", "--stdin-filename", stream[0]] if stream else ["--", str(self.data)]
        # Root reads what is backed up; the repository is then the account's, as rclone writes it.
        done = subprocess.run(
            replace(self.one.repository, account="").words(*words), capture_output=True, check=True,
            input=stream[1] if stream else b"",
            **replace(self.one.repository, account="").process(),
        )  # fmt: skip
        self.give_away()
        return str(json.loads(done.stdout.splitlines()[-1])["snapshot_id"])

    def give_away(self) -> None:
        """Give the repository to the account."""
        if ACCOUNT:
            subprocess.run(["chown", "-R", ACCOUNT, str(self.folder / "repositories")], check=True)

    def copies_to(self, url: str, *, forget: bool = True, **environment: str) -> None:
        """Set a second copy up, as the role does."""
        said = {"url": url, "environment": environment, "forget": forget}
        (self.folder / "settings" / f"{NAME}.copy.json").write_text(json.dumps(said))
        (self.folder / "settings" / f"{NAME}.copy.password").write_text("another\n")

    def elsewhere(self) -> Path:
        """Make a folder for second copies."""
        made = self.folder / "elsewhere"
        made.mkdir()
        if ACCOUNT:
            shutil.chown(made, ACCOUNT)
        return made

    def packs(self) -> list[Path]:
        """Give the files that hold the data, the largest first: trees are in small ones."""
        found = [path for path in (self.repository / "data").rglob("*") if path.is_file()]
        return sorted(found, key=lambda path: path.stat().st_size, reverse=True)

    def whole(self) -> None:
        """See that all data of it can be read, and that all of it is right."""
        run(self.one.repository, "check", "--read-data")


@contextmanager
def server_of() -> Iterator[Server]:
    """Give a server with an empty repository, that the account can reach."""
    folder = Path(tempfile.mkdtemp(prefix="ictops-server-", dir="/var/tmp"))
    try:
        folder.chmod(0o711)
        made = Server(folder)
        for name in ("settings", "state", "cache", "scratch", "repositories", "data"):
            (folder / name).mkdir()
            if ACCOUNT and name in {"cache", "scratch", "repositories"}:
                shutil.chown(folder / name, ACCOUNT)
        (folder / "settings" / f"{NAME}.password").write_text(PASSWORD + "\n")
        run(made.one.repository, "init")
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
