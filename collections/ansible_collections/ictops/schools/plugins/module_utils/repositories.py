# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The repositories of a backup server, one by one: one's trouble is not another's."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from ansible_collections.ictops.schools.plugins.module_utils.moments import moment
from ansible_collections.ictops.schools.plugins.module_utils.restic import (
    Repository,
    ResticError,
    answer,
    is_full,
    shown,
)

REPOSITORIES = {
    "type": "dict",
    "required": True,
    "options": {
        "names": {"type": "list", "elements": "str", "required": True},
        "folder": {"type": "path", "required": True},
        "settings": {"type": "path", "required": True},
        "account": {"type": "str", "required": True},
        "patience": {"type": "int", "default": 1800},
        "copy_to": {"type": "str", "default": ""},
        "copy_forgets": {"type": "bool", "default": True},
        "copy_options": {"type": "list", "elements": "str", "default": []},
        "copy_environment": {"type": "dict", "default": {}, "no_log": True},
    },
}
"""The argument of every module that works on repositories; the role backup_server gives it."""
UNTAGGED = ""
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
"""What repositories and archives may be called: the names become folders."""
_WHO = re.compile(r"//(.*)@")


@dataclass(frozen=True)
class Snapshot:
    """A snapshot, with what its tags say.

    :ivar id: the whole one, in hexadecimal.
    :ivar original: the snapshot that it is a copy of; its own id if it is none.
    :ivar at: by its host's clock; ISO 8601, UTC.
    """

    id: str
    original: str
    host: str
    at: str
    paths: tuple[str, ...]
    set: str
    class_: str
    kind: str
    archive: str


@dataclass(frozen=True)
class Kept:
    """A repository of a server, and its second copy if there is to be one.

    :ivar escrow: the file of the key for emergencies.
    :ivar place: where the copy is, without what is secret in it.
    :ivar copy_forgets: whether what need not be kept is deleted there, too.
    :ivar patience: seconds to wait while somebody else needs it.
    """

    name: str
    own: Repository
    folder: Path
    escrow: Path
    copy: Repository | None
    place: str
    copy_forgets: bool
    patience: float


def repositories_of(module) -> list[Kept]:
    """Give the repositories that a module's argument names; fail it if one cannot be called so.

    What is secret in the address of the copies is in nothing that the module says.
    """
    given = module.params["repositories"]
    module.no_log_values.update(_WHO.findall(given["copy_to"]))
    try:
        return kept(given)
    except ValueError as error:
        module.fail_json(msg=str(error))


def kept(given: Mapping[str, Any]) -> list[Kept]:
    """Give the repositories that the argument names.

    :raises ValueError: if one cannot be called so.
    """
    for name in given["names"]:
        if not NAME.fullmatch(name):
            raise ValueError(
                f"{name!r} cannot be a repository's name: take letters a-z, digits and dashes"
            )
    folder, settings, account = Path(given["folder"]), Path(given["settings"]), given["account"]
    environment = {name: str(value) for name, value in given["copy_environment"].items()}
    options, to = tuple(given["copy_options"]), given["copy_to"].rstrip("/")
    return [
        Kept(
            name,
            Repository(
                str(folder / "repositories" / name), str(settings / f"{name}.password"),
                account=account,
            ),
            folder / "repositories" / name,
            folder / "escrow" / f"{name}.age",
            Repository(
                f"{to}/{name}", str(settings / "copy.password"), options, environment, account
            )
            if to
            else None,
            shown(f"{to}/{name}") if to else "",
            bool(given["copy_forgets"]),
            float(given["patience"]),
        )
        for name in given["names"]
    ]  # fmt: skip


def snapshots(repository: Repository, *more: str) -> list[Snapshot]:
    """Give the snapshots of a repository, the newest first.

    :param more: restic's own options, such as ``--host``.
    :raises ResticError: if it cannot be read.
    """
    found = [_snapshot(one) for one in answer(repository, "snapshots", "--no-lock", *more) or ()]
    return sorted(found, key=lambda one: (one.at, one.id), reverse=True)


def _snapshot(one: Mapping[str, Any]) -> Snapshot:
    tags = dict(tag.partition("=")[::2] for tag in one.get("tags") or ())
    return Snapshot(
        one["id"],
        one.get("original") or one["id"],
        one.get("hostname") or "",
        _dated(one).isoformat(timespec="microseconds"),
        tuple(one.get("paths") or ()),
        tags.get("set", UNTAGGED),
        tags.get("class", UNTAGGED),
        tags.get("kind", UNTAGGED),
        tags.get("archive", UNTAGGED),
    )


def _dated(one: Mapping[str, Any]) -> datetime:
    try:
        return moment(str(one.get("time")))
    except ValueError as error:
        raise ResticError(0, f"snapshot {one['id'][:8]}: {error}") from error


def size_of(folder: Path) -> int:
    """Give how many bytes the files of a folder have, as far as they are still there."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += Path(path, name).stat().st_size
            except FileNotFoundError:  # pruned, or renamed, meanwhile
                continue
    return total


def each(
    repositories: Sequence[Kept], work: Callable[[Kept], dict[str, Any]]
) -> list[dict[str, Any]]:
    """Do the work on each repository, and give what came of it, also of those that failed."""
    told = []
    for one in repositories:
        try:
            more = {"good": True, "message": "", **work(one)}
        except (ResticError, OSError) as error:
            more = {"good": False, "message": said_of(error)}
        told.append({"repository": one.name, **more})
    return told


def said_of(error: Exception) -> str:
    """Say what went wrong, and what to do where that is plain."""
    text = str(error)
    if is_full(text):
        return f"the disk of the repository is full; nothing that was there is lost. {text}"
    if "wrong password or no key found" in text:
        return f"the password is not this repository's: is backup_password another one now? {text}"
    if "already locked" in text:
        return f"something else is at work in the repository; try again later. {text}"
    return text


def end(module, key: str, told: Sequence[Mapping[str, Any]], changed: bool = False) -> None:
    """End a module with what is told of each repository: as failed if one is not good."""
    bad = [f"{one['repository']}: {one['message']}" for one in told if not one["good"]]
    result = {"changed": changed, key: {"repositories": list(told)}}
    if bad:
        module.fail_json(msg="; ".join(bad), **result)
    module.exit_json(**result)
