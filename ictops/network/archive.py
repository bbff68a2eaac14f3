"""Backups of switches in a git repository: a folder a site, a folder a switch in it."""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ictops.errors import SwitchError
from ictops.estate.models import SITE_CODE
from ictops.network.clean import Mask
from ictops.network.whole import write_whole
from ictops.settings import make_private

HOST_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,252}\Z")
"""What a switch's name may be here: it becomes a folder."""
KEY_BYTES = 32
_OPTIONS = (
    *("-c", "core.hooksPath=/dev/null", "-c", "commit.gpgSign=false", "-c", "gc.auto=0"),
    *("-c", "core.autocrlf=false", "-c", "core.quotePath=false", "-c", "color.ui=false"),
)
"""Whatever somebody's own settings of git say."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A commit that changed what is kept of a switch."""

    commit: str
    at: datetime
    by: str
    subject: str


def path_of(site: str, host: str) -> str:
    """Give where a switch's files are, in a folder of all sites.

    :raises SwitchError: if a name would lead elsewhere.
    """
    if not SITE_CODE.match(site) or not HOST_NAME.match(host):
        raise SwitchError("this is no name that a folder can have", where=f"{site}/{host}")
    return f"{site}/{host}"


class Archive:
    """The backups of a cluster's switches.

    :param folder: where the repository is, or is to be.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def mask(self) -> Mask:
        """Give what hides secrets in this archive; its key lies beside it, never in it.

        :raises SwitchError: if the key is not whole.
        """
        path = self.folder.with_name(f"{self.folder.name}.key")
        make_private(path.parent)
        with suppress(FileExistsError):  # made by the first backup
            write_whole(path, secrets.token_hex(KEY_BYTES).encode(), replace=False)
        with suppress(ValueError):  # what is no key is told as one that is not whole
            key = bytes.fromhex(path.read_text(encoding="ascii"))
            if len(key) == KEY_BYTES:
                return Mask(key)
        raise SwitchError(
            "the key that masks secrets is not whole",
            where=str(path),
            do="Bring it back from a copy; if there is none, remove it: marks of secrets in older "
            "backups then are of another key",
        )

    def kept(self, site: str, host: str) -> dict[str, str]:
        """Give the files that are there of a switch, by name."""
        folder = self._folder(site, host)
        return {
            path.name: path.read_text(encoding="utf-8")
            for path in sorted(folder.glob("*"))
            if path.is_file() and not path.name.startswith(".")
        }

    def keep(self, site: str, host: str, files: Mapping[str, str]) -> bool:
        """Put a switch's files in the place of those that are there; tell if anything changed.

        Files that a switch no longer has are taken away. Nothing is committed yet.

        :raises SwitchError: if they cannot be written.
        """
        folder = self._folder(site, host)
        before = self.kept(site, host)
        if before == dict(files):
            return False
        try:
            self._replace(folder, before, files)
        except OSError as error:
            raise SwitchError(
                f"the backup cannot be written: {error.strerror}", where=f"{site}/{host}"
            ) from error
        return True

    def _replace(self, folder: Path, before: Mapping[str, str], files: Mapping[str, str]) -> None:
        make_private(self.folder)
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            if before.get(name) != text:
                write_whole(folder / name, text.encode())
        for name in before.keys() - files.keys():
            (folder / name).unlink()

    def commit(self, title: str, *, by: str, only: tuple[str, str] | None = None) -> str | None:
        """Commit all that has changed, with a message that says what; None if nothing has.

        :param title: what brought the change, such as a run.
        :param by: who, as the journal names people.
        :param only: site and switch, where it is of one alone.
        """
        path = f"{path_of(*only)}/" if only is not None else "."
        if not self.folder.is_dir():
            return None
        with self._alone():
            if not (self.folder / ".git").is_dir():
                self._git("init", "--quiet", "--initial-branch=main")
            self._git("add", "--all", "--", path)
            changed = self._git("diff", "--cached", "--numstat", "--no-renames").splitlines()
            if not changed:
                return None
            self._git("commit", "--quiet", "--message", _message(title, changed), by=by)
            return self._git("rev-parse", "HEAD").strip()

    def log(self, site: str, host: str) -> list[Entry]:
        """Give the commits that changed what is kept of a switch, the newest first."""
        if not (self.folder / ".git").is_dir():
            return []
        said = self._git("log", "--format=%H%x00%aI%x00%an%x00%s", "--", f"{path_of(site, host)}/")
        entries = (line.split("\0", 3) for line in said.splitlines())
        return [Entry(c, datetime.fromisoformat(at), by, what) for c, at, by, what in entries]

    def message(self, commit: str) -> str:
        """Give what a commit says of itself."""
        return self._git("show", "--no-patch", "--format=%B", self.resolve(commit)).strip()

    def show(self, site: str, host: str, name: str, at: str = "HEAD") -> str:
        """Give one file of a switch as it was at a commit.

        :raises SwitchError: if there is no such commit or file.
        """
        return self._git("show", f"{self.resolve(at)}:{path_of(site, host)}/{name}")

    def names(self, site: str, host: str, at: str = "HEAD") -> list[str]:
        """Give the names of the files of a switch at a commit.

        :raises SwitchError: if there is no such commit.
        """
        path = f"{path_of(site, host)}/"
        said = self._git("ls-tree", "--name-only", self.resolve(at), "--", path)
        return [line.rpartition("/")[2] for line in said.splitlines()]

    def diff(self, site: str, host: str, start: str, end: str = "HEAD") -> str:
        """Give what changed of a switch between two commits, as git writes it."""
        path = f"{path_of(site, host)}/"
        return self._git("diff", self.resolve(start), self.resolve(end), "--", path)

    def resolve(self, commit: str) -> str:
        """Give the full name of a commit.

        :raises SwitchError: if there is none of that name.
        """
        try:
            return self._git(
                "rev-parse", "--verify", "--quiet", "--end-of-options", f"{commit}^{{commit}}"
            ).strip()
        except SwitchError as error:
            raise SwitchError(
                f"there is no commit {commit!r} in the backups",
                do="'ictops switch log HOST' lists them",
            ) from error

    def _folder(self, site: str, host: str) -> Path:
        return self.folder / path_of(site, host)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let one process at a time commit."""
        with self.folder.with_name(f"{self.folder.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _git(self, *words: str, by: str = "ictops") -> str:
        name = re.sub(r"[<>\n]", " ", by).strip() or "ictops"
        person = {"NAME": name, "EMAIL": "ictops@localhost"}
        env = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")}
        env |= {f"GIT_{who}_{k}": v for who in ("AUTHOR", "COMMITTER") for k, v in person.items()}
        env |= {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "LC_ALL": "C.UTF-8"}
        try:
            done = subprocess.run(
                ["git", "-C", str(self.folder), *_OPTIONS, *words],
                env=env, stdin=subprocess.DEVNULL, capture_output=True, check=False,
            )  # fmt: skip
        except FileNotFoundError as error:
            raise SwitchError("backups of switches need git", do="apt-get install git") from error
        if done.returncode != 0:
            said = done.stderr.decode(errors="replace").strip().splitlines()
            raise SwitchError(
                f"git {words[0]}: {said[-1] if said else f'exit {done.returncode}'}",
                where=str(self.folder),
            )
        return done.stdout.decode(errors="replace")


def _message(title: str, changed: list[str]) -> str:
    """Say which switches changed, and by how many lines."""
    switches: dict[str, list[str]] = {}
    for row in changed:
        added, removed, path = row.split("\t", 2)
        folder, _, name = path.rpartition("/")
        if folder:
            switches.setdefault(folder, []).append(f"{name} +{added} -{removed}")
    some = ", ".join(sorted(s.rpartition("/")[2] for s in switches)[:3])
    more = f" and {len(switches) - 3} more" if len(switches) > 3 else ""  # noqa: PLR2004
    body = "".join(f"{s}: {', '.join(files)}\n" for s, files in sorted(switches.items()))
    return f"{some}{more}: {title}\n\n{body}"
