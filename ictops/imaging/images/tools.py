"""The tools of other projects that know disks and file systems."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from ictops.errors import ImageError
from ictops.imaging.agent.tools import last_words

Word = str | Path


def run(*words: Word, stdin: str = "", env: Mapping[str, str] | None = None) -> str:
    """Run a tool and give what it says.

    :raises ImageError: with its last words, if it fails or is not there.
    """
    done = attempt(*words, stdin=stdin, env=env)
    if done.returncode:
        raise ImageError(f"{words[0]} failed: {last_words(done)}")
    return done.stdout


def attempt(
    *words: Word, stdin: str = "", env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a tool whose exit code tells something.

    :raises ImageError: if it is not there.
    """
    # partclone wants a TERM also where there is no terminal.
    environment = {"TERM": "dumb", **os.environ, "LC_ALL": "C", **(env or {})}
    try:
        return subprocess.run(
            [str(word) for word in words],
            input=stdin,
            env=environment,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError as error:
        raise ImageError(
            f"{words[0]} is not on this machine", do="docs/imaging.md lists the packages it needs"
        ) from error
