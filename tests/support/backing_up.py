"""Backing up with a real restic on this disk: the module as Ansible runs it, and its processes."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ansible_collections.ictops.schools.plugins.module_utils.backing_up import Asked, back_up
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, run

from tests.support.modules import begin

HOST = "oak-srv-01"


def folders(*paths: Path, **more: Any) -> dict[str, Any]:
    """Give a set of pupils' folders."""
    return {
        "name": "homes", "class": "pupils", "kind": "folders",
        "paths": [str(path) for path in paths], **more,
    }  # fmt: skip


def backed_up(repository: Repository, one: Mapping[str, Any], sample: int = 20) -> list[Any]:
    """Back a set up in this process, and give what is told of it."""
    return list(back_up(Asked(repository, HOST, sample, 0, time.monotonic()), one))


def tags(snapshot: Mapping[str, Any]) -> dict[str, str]:
    """Give what a snapshot is marked with."""
    return dict(tag.partition("=")[::2] for tag in snapshot["tags"])


def begun(repository: Repository, *sets: Mapping[str, Any], **more: Any) -> subprocess.Popen[str]:
    """Have the module back sets up."""
    folder = Path(repository.password_file).parent
    given = {
        "repository": {
            "url": repository.url, "password_file": repository.password_file,
            "options": list(repository.options),
        },
        "name": "oakfield", "host": HOST, "sets": list(sets), "patience": 0,
        "at_work": str(folder / "at-work"), **more,
    }  # fmt: skip
    return begin("backup_run", given)


def locks(repository: Repository) -> list[str]:
    """Give the locks of a repository."""
    return run(repository, "list", "--no-lock", "locks").split()


def pids_of(repository: Repository, program: bytes = b"restic") -> list[int]:
    """Give the programs of that name that work on a repository, or serve it."""
    place = os.fsencode(Path(repository.password_file).parent)
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes()
            where = (process / "environ").read_bytes()
        except OSError:  # it has ended meanwhile
            continue
        # Where it is said: on the command line or in the environment.
        if words.partition(b"\0")[0] == program and (place in words or place in where):
            found.append(int(process.name))
    return found


def all_over(repository: Repository) -> bool:
    """Say whether no restic is left that worked on a repository, and none as a zombie either.

    Restic takes no lock of a process away whose number is still in use.
    """
    zombies = [one for one in Path("/proc").glob("[0-9]*/stat") if _is_zombie(one)]
    return not zombies and not pids_of(repository)


def _is_zombie(stat: Path) -> bool:
    try:
        name, _, rest = stat.read_text().rpartition(")")
    except OSError:  # it is gone now
        return False
    return name.endswith("(restic") and rest.split()[0] == "Z"


def until(fact: Callable[[], object], seconds: float = 20.0) -> None:
    """Wait until something is so."""
    ends = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < ends, "it never came so"
        time.sleep(0.01)
