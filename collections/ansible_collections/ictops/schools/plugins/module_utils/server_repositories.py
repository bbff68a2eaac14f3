# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A backup server's repositories: what modules are given of them, and what they say of each."""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, ResticError

NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,62}\Z")
"""What repositories, sets and archives are called."""
SPEC = {
    "repositories": {"type": "list", "elements": "str", "required": True},
    "folder": {"type": "path", "default": "/srv/ictops-backup"},
    "settings": {"type": "path", "default": "/etc/ictops-backup-server"},
    "state": {"type": "path", "default": "/var/lib/ictops-backup-server"},
    "cache": {"type": "path", "default": "/var/cache/ictops-backup"},
    "account": {"type": "str", "default": "ictops-backup"},
    "patience": {"type": "int", "default": 3600},
}
"""The options of every such module."""
FULL = "the disk of the repository is full"


class BackupFault(Exception):
    """What cannot be done with a repository; says why, in words for people."""


@dataclass(frozen=True)
class Kept:
    """A repository of this server.

    :ivar copy: the second one elsewhere; None if there is none.
    :ivar forget_in_copy: whether what need not be kept is deleted there too.
    :ivar state: the folder in which it is noted what became of keys and copies.
    :ivar patience: seconds to wait while somebody else uses it.
    """

    name: str
    repository: Repository
    state: Path
    patience: float
    copy: Repository | None = None
    forget_in_copy: bool = True

    @property
    def folder(self) -> Path:
        """Give where it lies."""
        return Path(self.repository.url)


def kept(name: str, told: dict) -> Kept:
    """Give a repository as a module was told of it.

    :raises BackupFault: if it has no such name, or what is said of its copy cannot be read.
    """
    if not NAME.match(name):
        raise BackupFault(f"{name!r} is no repository's name: small letters, digits and dashes")
    settings, account = Path(told["settings"]), told["account"]
    main = Repository(
        str(Path(told["folder"]) / "repositories" / name),
        str(settings / f"{name}.password"),
        account=account,
        cache="",
    )
    state, patience = Path(told["state"]), told["patience"]
    path = settings / f"{name}.copy.json"
    try:
        said = json.loads(path.read_bytes())
        second = Repository(
            said["url"],
            str(settings / f"{name}.copy.password"),
            environment=said["environment"],
            account=account,
            cache=told["cache"],
        )
    except FileNotFoundError:
        return Kept(name, main, state, patience)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackupFault(f"{path} cannot be read: {error!r}") from error
    return Kept(name, main, state, patience, second, said["forget"])


def one_of(name: str, told: dict) -> Kept:
    """Give a repository as a module was told of it, if it is one of this server's.

    :raises BackupFault: if it is not; else as :func:`kept`.
    """
    if name not in told["repositories"]:
        raise BackupFault(f"this server has no repository {name!r}")
    return kept(name, told)


def said_of_each(
    module: AnsibleModule,
    key: str,
    do: Callable[[Kept], dict | None],
    *,
    beside: dict | None = None,
    changes: Callable[[dict], bool] = lambda _: False,
) -> None:
    """Do something with each repository, and end the module with what became of it.

    One that fails keeps no other from its turn; then the task fails, with what is said of all.

    :param do: gives what is said beside ``repository``, ``good`` and ``message``; with a
        ``good`` of its own where it could be done and the result is bad. None: nothing is said.
    :param beside: what is said of each, also where it fails.
    :param changes: tells by what is said of one whether something was changed.
    """
    said = []
    for name in module.params["repositories"]:
        word = {"repository": name, "good": True, "message": "", **(beside or {})}
        try:
            more = do(kept(name, module.params))
        except (BackupFault, ResticError, OSError) as error:
            more = {"good": False, "message": in_words(error)}
        if more is not None:
            said.append({**word, **more})
    result = {"changed": any(changes(one) for one in said), key: {"repositories": said}}
    bad = [f"{one['repository']}: {one['message']}" for one in said if not one["good"]]
    if bad:
        module.fail_json(msg="; ".join(bad), **result)
    module.exit_json(**result)


def in_words(error: Exception) -> str:
    """Give what went wrong in words; a full disk is called that."""
    text = str(error)
    if is_full(text):
        return (
            f"{FULL}: nothing was lost, and nothing more can be kept until there is room ({text})"
        )
    return text


def is_full(text: str) -> bool:
    """Tell whether somebody complains that a disk is full, or a quota used up."""
    small = text.lower()
    return any(one in small for one in ("no space left on device", "disk quota exceeded"))


def size_of(folder: Path) -> int:
    """Give how many bytes a folder's files have.

    What goes away meanwhile counts for nothing.
    """
    total, left = 0, [folder]
    while left:
        here = left.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    seen = _seen(entry)
                    if seen is None:
                        continue
                    if stat.S_ISDIR(seen.st_mode):
                        left.append(Path(entry.path))
                    else:
                        total += seen.st_size
        except FileNotFoundError:
            if here == folder:
                raise
    return total


def _seen(entry: os.DirEntry) -> os.stat_result | None:
    try:
        return entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None  # a lock, or a pack that a prune deletes meanwhile
