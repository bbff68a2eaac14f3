# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One set of a host becomes a snapshot, or one for each of its databases."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

from ansible_collections.ictops.schools.plugins.module_utils.dumps import Dump, DumpError, dumps_of
from ansible_collections.ictops.schools.plugins.module_utils.piping import piped
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    answer,
    literal,
    run,
)
from ansible_collections.ictops.schools.plugins.module_utils.samples import Seen, still_so, take

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
CLASSES = ("pupils", "staff", "mis", "system")
PAUSE = 15.0
"""Seconds between two looks whether a repository is free."""
UNREAD = 3
"""What restic ends with where some files could not be read (restic 0.14)."""
SHOWN = 3


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
    told = {
        "set": str(one.get("name")), "class": str(one.get("class")), "kind": str(one.get("kind")),
        "snapshot": "", "at": _now(), "seconds": 0.0, "files": 0, "bytes": 0, "files_new": 0,
        "files_changed": 0, "bytes_added": 0, "sample": [], "message": "",
    }  # fmt: skip
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
                    yield {**told, "message": f"{dump.name}: {error}"}
    except (ResticError, DumpError, SetError, OSError) as error:
        yield {**told, "message": str(error)}


def _see(one: Mapping[str, Any]) -> None:
    if not NAME.fullmatch(str(one.get("name"))):
        raise SetError(f"{one.get('name')!r} cannot be a set's name: take letters a-z and dashes")
    if one.get("class") not in CLASSES:
        raise SetError(f"{one.get('class')!r} is no class; there are {', '.join(CLASSES)}")


def _patiently(asked: Asked, work):
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
    missing = [path for path in paths if not path.startswith("/") or not os.path.lexists(path)]
    if missing or not paths:
        raise SetError(f"it is not there: {', '.join(missing) or 'no path is named'}")
    exclude = [word for path in one.get("exclude") or () for word in ("--exclude", str(path))]
    exclude += ["--one-file-system"] if one.get("one_file_system") else []
    before = take(paths, asked.sample)
    said = run(
        asked.repository, *asked.words(one), *exclude, "--", *paths, may_end_with=(0, UNREAD)
    )
    told = _summary(asked, said, began)
    unread = _unread(said)
    if unread:
        part = told["snapshot"][:8]
        more = f" and {len(unread) - SHOWN} more" if unread[SHOWN:] else ""
        raise SetError(
            f"could not be read: {'; '.join(unread[:SHOWN])}{more}; the rest is in {part}"
        )
    kept = [seen for seen in before if still_so(seen)]
    if exclude:
        kept = _in_snapshot(asked.repository, told["snapshot"], kept)
    sample = [{"path": one.path, "size": one.size, "sha256": one.sha256} for one in kept]
    return {**told, "sample": sample}


def _dump(asked: Asked, one: Mapping[str, Any], dump: Dump) -> dict[str, Any]:
    began = time.monotonic()
    words = [*asked.words(one, dump.name), "--stdin", "--stdin-filename", dump.path]
    said, size, sha256 = piped(asked.repository, words, dump)
    sample = [{"path": dump.path, "size": size, "sha256": sha256}]
    return {**_summary(asked, said, began), "sample": sample}


def _summary(asked: Asked, said: str, began: float) -> dict[str, Any]:
    """Read restic's last word, and give the snapshot by its whole id."""
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    summary = next((one for one in lines if one.get("message_type") == "summary"), None)
    if summary is None:
        raise ResticError(0, "restic told of no snapshot")
    (snapshot,) = answer(asked.repository, "snapshots", "--no-lock", summary["snapshot_id"])
    return {
        "snapshot": snapshot["id"], "at": _now(), "seconds": round(time.monotonic() - began, 3),
        "files": summary["total_files_processed"], "bytes": summary["total_bytes_processed"],
        "files_new": summary["files_new"], "files_changed": summary["files_changed"],
        "bytes_added": summary["data_added"],
    }  # fmt: skip


def _unread(said: str) -> list[str]:
    """Give what could not be read, as restic says it."""
    lines = [json.loads(line) for line in said.splitlines() if line.startswith("{")]
    errors = [one for one in lines if one.get("message_type") == "error"]
    return [f"{one.get('item')} ({_reason(one.get('error'))})" for one in errors]


def _reason(error: object) -> str:
    if isinstance(error, Mapping):
        number = error.get("Err")
        return os.strerror(number) if isinstance(number, int) else str(error.get("message", error))
    return str(error)


def _in_snapshot(repository: Repository, snapshot: str, seen: list[Seen]) -> list[Seen]:
    """Leave out of a sample what the snapshot does not have, as it was excluded."""
    if not seen:
        return []
    patterns = [literal(one.path) for one in seen]
    hits = answer(repository, "find", "--no-lock", "--snapshot", snapshot, "--", *patterns) or ()
    there = {match["path"] for hit in hits for match in hit["matches"] or ()}
    return [one for one in seen if one.path in there]


def _now() -> str:
    return datetime.now(timezone.utc).isoformat()  # noqa: UP017 - for hosts with an older Python
