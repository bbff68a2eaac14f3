# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Running restic on one repository: its password in no argument list, its words as data."""

from __future__ import annotations

import json
import os
import pwd
import re
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

NO_LOCK = ("--no-lock",)
"""For what only reads, and must not wait for a backup or keep one waiting."""
SHOWN = 2000
"""Characters of restic's complaints that are told."""
_TRACE = re.compile(r"\t|(?:[\w.-]+/)*(?:main|runtime|\w+)\.[\w.()*]+$")


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

    :ivar url: as restic takes it with ``--repo``. It is in no argument list either: that of a
        rest-server can hold a password.
    :ivar password_file: holds the password; readable by root alone.
    :ivar options: restic's extended options, such as ``rclone.program=…``.
    :ivar environment: of its backend, such as the keys of S3.
    :ivar cache: the folder of restic's cache; empty for none, None for restic's own choice.
    :ivar account: who restic runs as, so that what it writes belongs to the account which serves
        the repository; empty for whoever this is.
    """

    url: str
    password_file: str
    options: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    account: str = ""
    cache: str | None = None

    def words(self, *command: str) -> list[str]:
        """Give the argument list of a command."""
        extended = [word for one in self.options for word in ("--option", one)]
        if self.cache is not None:
            extended += ["--cache-dir", self.cache] if self.cache else ["--no-cache"]
        return ["restic", *extended, *command]

    def process(self, **more: str) -> dict[str, object]:
        """Give what :class:`subprocess.Popen` needs to run it: environment and account.

        Address and password go by the environment, which other accounts cannot see: root's file
        is not for the account to read.
        """
        environment = {
            "PATH": os.environ.get("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"),
            "LANG": "C.UTF-8",
            "HOME": "/root",
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


def run(
    repository: Repository,
    *command: str,
    may_end_with: tuple[int, ...] = (0,),
    environment: dict[str, str] | None = None,
    told: str = "",
) -> str:
    """Run restic, and give what it printed.

    :param environment: more of it, for this command alone.
    :param told: what it is told where it asks.
    :raises ResticError: if it ends with something else.
    """
    done = subprocess.run(
        repository.words(*command),
        input=told,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        **repository.process(**(environment or {})),
    )
    if done.returncode not in may_end_with:
        raise ResticError(done.returncode, _complaint(done.stderr or done.stdout))
    return done.stdout


def answer(repository: Repository, *command: str):
    """Run restic with ``--json``, and give what it says.

    :raises ResticError: if it fails, or what it says is no JSON.
    """
    said = run(repository, *command, "--json")
    try:
        return json.loads(said)
    except ValueError as error:
        raise ResticError(0, f"what restic says cannot be read: {error}") from error


def answer_lines(repository: Repository, *command: str):
    """Run restic with ``--json``, and give what it says in lines, one by one.

    :raises ResticError: if it fails, or a line is no JSON.
    """
    for line in run(repository, command[0], "--json", *command[1:]).splitlines():
        try:
            yield json.loads(line)
        except ValueError as error:
            raise ResticError(0, f"what restic says cannot be read: {error}") from error


def _complaint(text: str) -> str:
    """Give restic's last words: the reason is at their end, but for the trace of its functions."""
    lines = [line for line in text.splitlines() if not _TRACE.match(line)]
    return "\n".join(lines).strip()[-SHOWN:] or "restic said nothing"
