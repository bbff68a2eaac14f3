# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Running restic on one repository: its password in no argument list, its words as data."""

from __future__ import annotations

import json
import os
import pwd
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

HOME = "/root"
NO_LOCK = ("--no-lock",)
"""For what only reads, and must not wait for a backup or keep one waiting."""
FULL = (
    "no space left on device", "disk quota exceeded",
    "file too big for remaining disk space",  # rclone's words
)  # fmt: skip
SHOWN = 2000
"""Characters of restic's complaints that are told."""
_WHO = re.compile(r"//[^\s/@]*:[^\s]*@|//[^\s/@]+@")


class ResticError(Exception):
    """Restic could not do what was asked; says why.

    :ivar code: what it ended with. Restic 0.14: 1 for a failure, 3 for a backup that could not read
        some of the files.
    """

    def __init__(self, code: int, said: str) -> None:
        super().__init__(said)
        self.code = code


@dataclass(frozen=True)
class Repository:
    """A repository, and who may read it.

    :ivar url: as restic takes it with ``--repo``.
    :ivar password_file: holds the password; readable by root alone.
    :ivar options: restic's extended options, such as ``rclone.program=…``.
    :ivar environment: of its backend, such as the keys of S3.
    :ivar account: who restic runs as, so that what it writes belongs to the account which serves
        the repository; empty for whoever this is.
    """

    url: str
    password_file: str
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    account: str = ""

    def words(self, *command: str) -> list[str]:
        """Give the argument list of a command.

        It does not say where: an address may have a password in it, and whoever has an account
        on the machine can read argument lists.
        """
        extended = [word for one in self.options for word in ("--option", one)]
        return ["restic", *extended, *command]

    @property
    def cache(self) -> Path:
        """Give the folder in which restic keeps what it knows of repositories, one in each."""
        home = pwd.getpwnam(self.account).pw_dir if self.account else HOME
        return Path(self.environment.get("RESTIC_CACHE_DIR", f"{home}/.cache/restic"))

    def give(self, what: str | int) -> None:
        """Give a folder, or an open file, to the account that restic runs as."""
        if self.account:
            whose = pwd.getpwnam(self.account)
            os.chown(what, whose.pw_uid, whose.pw_gid)

    def process(self, **more: str) -> dict[str, object]:
        """Give what :class:`subprocess.Popen` needs to run it: environment and account.

        The password goes by the environment, which other accounts cannot see: root's file is
        not for the account to read.
        """
        environment = {
            "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            "LANG": "C.UTF-8",
            "HOME": HOME,
            "RESTIC_REPOSITORY": self.url,
            "RESTIC_PASSWORD": Path(self.password_file).read_text(encoding="utf-8").strip("\n"),
            **self.environment,
            **more,
        }
        if not self.account:
            return {"env": environment}
        whose = pwd.getpwnam(self.account)
        environment["HOME"] = whose.pw_dir
        return {
            "env": environment,
            "user": whose.pw_uid,
            "group": whose.pw_gid,
            "extra_groups": [],
            "cwd": "/",
        }


def is_at_work(number: object) -> bool:
    """Say whether a restic of that process number lives on this machine."""
    try:
        name, _, rest = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")
    except FileNotFoundError:
        return False
    # One that was killed stands there as a zombie until somebody has waited for it.
    return name.endswith("(restic") and rest.split()[0] != "Z"


def is_full(text: str) -> bool:
    """Say whether somebody complains that a disk is full, or a quota used up."""
    small = text.lower()
    return any(words in small for words in FULL)


def shown(text: str) -> str:
    """Give an address, or what has some in it, without the names and passwords in them."""
    return _WHO.sub("//", text)


def literal(path: str) -> str:
    """Give a path as a pattern of restic's that fits nothing else (Go's filepath.Match)."""
    return "".join(f"\\{letter}" if letter in "*?[\\" else letter for letter in path)


def run(
    repository: Repository,
    *command: str,
    may_end_with: tuple[int, ...] = (0,),
    environment: Mapping[str, str] = MappingProxyType({}),
    keep: tuple[int, ...] = (),
) -> str:
    """Run restic, and give what it printed.

    :param environment: more of it, for what is secret.
    :param keep: open files that it is to have, too.
    :raises ResticError: if it ends with something else.
    """
    done = subprocess.run(
        repository.words(*command),
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        pass_fds=keep,
        **repository.process(**environment),
    )
    if done.returncode not in may_end_with:
        raise ResticError(done.returncode, complaint(done.stderr or done.stdout))
    return done.stdout


def answer(repository: Repository, *command: str):
    """Run restic with ``--json``, and give what it says; None if that is nothing.

    :raises ResticError: if it fails, or what it says is no JSON.
    """
    said = run(repository, command[0], "--json", *command[1:])
    try:
        return json.loads(said) if said.strip() else None
    except ValueError as error:
        raise ResticError(0, f"what restic says cannot be read: {error}") from error


def answer_lines(repository: Repository, *command: str):
    """Run restic with ``--json``, and give each line that it says.

    :raises ResticError: if it fails.
    """
    said = run(repository, command[0], "--json", *command[1:])
    return [json.loads(line) for line in said.splitlines() if line.startswith("{")]


def complaint(text: str) -> str:
    """Give restic's last words, the reason, without the places in its program that it names.

    Where it cannot write it adds the calls that led there, each with an indented line of its place.
    """
    lines = shown(text).strip().splitlines()
    places = [number for number, line in enumerate(lines) if line.startswith("\t")]
    left = set(range(len(lines))) - {near for one in places for near in (one - 1, one)}
    words = "\n".join(lines[number] for number in sorted(left))
    last = words[-SHOWN:]
    # After it restic tries again, and complains of what rclone left of the first try.
    full = "no space left on device\n" if is_full(words) and not is_full(last) else ""
    return full + last or "restic said nothing"
