# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One set of a host becomes a snapshot, or one for each of its databases."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar

from ansible_collections.ictops.schools.plugins.module_utils.dumps import Dump, DumpError, dumps_of
from ansible_collections.ictops.schools.plugins.module_utils.made import (
    Made,
    of_folders,
    whole_id,
)
from ansible_collections.ictops.schools.plugins.module_utils.piping import piped
from ansible_collections.ictops.schools.plugins.module_utils.repositories import said_of
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    answer_lines,
)
from ansible_collections.ictops.schools.plugins.module_utils.samples import Seen, still_so, take

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
CLASSES = ("pupils", "staff", "mis", "system")
PAUSE = 15.0
"""Seconds between two looks whether a repository is free."""
SHOWN = 3
"""How many files are named that could not be read."""
Result = TypeVar("Result")


class SetError(Exception):
    """A set cannot be backed up; says why."""


@dataclass(frozen=True)
class Asked:
    """What all sets of a run have in common.

    :ivar sample: how many files are told for drills.
    :ivar upload_limit: KiB a second; 0 for none.
    :ivar until: by the monotonic clock, how long a repository that is busy is waited for.
    """

    repository: Repository
    host: str
    sample: int
    upload_limit: int
    until: float

    def words(self, one: Mapping[str, Any], part: str = "") -> list[str]:
        """Give restic's words for a set, or for a part of one."""
        tags = [f"set={one['name']}", f"class={one['class']}", f"kind={one['kind']}"]
        tags += [f"part={part.replace(',', ' ')}"] if part else []
        limit = ["--limit-upload", str(self.upload_limit)] if self.upload_limit else []
        said = [word for tag in tags for word in ("--tag", tag)]
        return ["backup", "--json", "--host", self.host, *limit, *said]


def back_up(asked: Asked, one: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Back a set up, and tell of each snapshot: it, or why there is none."""
    told = not_done(one, "")
    try:
        _see(one)
        if one["kind"] == "folders":
            yield {**told, **_patiently(asked, lambda: _folders(asked, one))}
            return
        with dumps_of(one) as dumps:
            for dump in dumps:
                try:
                    found = _patiently(asked, lambda dump=dump: _dump(asked, one, dump))
                    yield {**told, "at": _now(), **found}
                except (ResticError, DumpError, OSError) as error:
                    yield {**told, "message": f"{dump.name}: {said_of(error)}"}
    except (ResticError, DumpError, SetError, OSError) as error:
        yield {**told, "message": said_of(error)}


def not_done(one: Mapping[str, Any], why: str) -> dict[str, Any]:
    """Tell of a set that is not backed up."""
    return {
        "set": str(one.get("name")), "class": str(one.get("class")), "kind": str(one.get("kind")),
        "snapshot": "", "at": _now(), "seconds": 0.0, "files": 0, "bytes": 0, "files_new": 0,
        "files_changed": 0, "bytes_added": 0, "sample": [], "message": why,
    }  # fmt: skip


def _see(one: Mapping[str, Any]) -> None:
    if not NAME.fullmatch(str(one.get("name"))):
        raise SetError(f"{one.get('name')!r} cannot be a set's name: take letters a-z and dashes")
    if one.get("class") not in CLASSES:
        raise SetError(f"{one.get('class')!r} is no class; there are {', '.join(CLASSES)}")


def _patiently(asked: Asked, work: Callable[[], Result]) -> Result:
    """Do it again where the repository is held by a check or a prune, as long as there is time."""
    while True:
        try:
            return work()
        except ResticError as error:
            if "already locked" not in str(error) or time.monotonic() > asked.until:
                raise
        time.sleep(PAUSE)


def _folders(asked: Asked, one: Mapping[str, Any]) -> dict[str, Any]:
    began = time.monotonic()
    paths = [str(path) for path in one.get("paths") or ()]
    there, wrong = _places(paths)
    if not there:
        raise SetError("; ".join(wrong) or "no path is named")
    more = [word for path in one.get("exclude") or () for word in ("--exclude", str(path))]
    more += ["--one-file-system"] if one.get("one_file_system") else []
    before = take(there, asked.sample)
    made = of_folders(asked.repository, [*asked.words(one), *more, "--", *there])
    unchanged = [seen for seen in before if still_so(seen)]
    if more:
        snapshot, kept = _in_snapshot(asked.repository, made.snapshot, unchanged)
    else:  # nothing is left out
        snapshot, kept = whole_id(asked.repository, made.snapshot), unchanged
    told = _summary(made, snapshot, began)
    if not made.files:
        wrong.append("there is no file in it: is something not mounted?")
    if made.unread:
        rest = f" and {len(made.unread) - SHOWN} more" if made.unread[SHOWN:] else ""
        wrong.append(f"could not be read: {'; '.join(made.unread[:SHOWN])}{rest}")
    if wrong:  # what is there is safe, and yet the set is not what it should be
        raise SetError(f"{'; '.join(wrong)}; the rest is in {told['snapshot'][:8]}")
    sample = [{"path": one.path, "size": one.size, "sha256": one.sha256} for one in kept]
    return {**told, "sample": sample}


def _places(paths: Sequence[str]) -> tuple[list[str], list[str]]:
    """Give the paths that can be backed up, and what is wrong with the others."""
    there, wrong = [], []
    for path in paths:
        if not path.startswith("/"):
            wrong.append(f"{path!r} is no whole path")
        elif Path(path).is_symlink():
            wrong.append(f"{path} is a link: name {os.path.realpath(path)}")
        elif not os.path.lexists(path):
            wrong.append(f"{path} is not there")
        else:
            there.append(path)
    return there, wrong


def _dump(asked: Asked, one: Mapping[str, Any], dump: Dump) -> dict[str, Any]:
    began = time.monotonic()
    words = [*asked.words(one, dump.name), "--stdin", "--stdin-filename", dump.path]
    made, size, sha256 = piped(asked.repository, words, dump)
    sample = [{"path": dump.path, "size": size, "sha256": sha256}]
    snapshot = whole_id(asked.repository, made.snapshot)
    return {**_summary(made, snapshot, began), "sample": sample}


def _summary(made: Made, snapshot: str, began: float) -> dict[str, Any]:
    """Tell of a snapshot, by its whole id."""
    return {
        "snapshot": snapshot, "at": _now(), "seconds": round(time.monotonic() - began, 3),
        "files": made.files, "bytes": made.bytes, "files_new": made.files_new,
        "files_changed": made.files_changed, "bytes_added": made.bytes_added,
    }  # fmt: skip


def _in_snapshot(repository: Repository, snapshot: str, seen: list[Seen]) -> tuple[str, list[Seen]]:
    """Give a snapshot's whole id, and of a sample what it has: a set leaves things out."""
    if not seen:
        return whole_id(repository, snapshot), []
    paths = (one.path for one in seen)
    told = answer_lines(repository, "ls", "--no-lock", "--", snapshot, *paths)
    if not told:
        raise ResticError(0, f"restic made {snapshot}, and does not find it")
    said, *listed = told
    sizes = {one["path"]: one.get("size", 0) for one in listed if one.get("type") == "file"}
    return said["id"], [one for one in seen if sizes.get(one.path) == one.size]


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()  # noqa: UP017 - for hosts with an older Python
