#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Archiving data of those who have left."""

from __future__ import annotations

import os
import posixpath
from datetime import date
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.backup_compare import (
    TOLD,
    compare,
    restored,
    take_away,
)
from ansible_collections.ictops.schools.plugins.module_utils.backup_host import (
    NAME,
    REPOSITORY_OPTIONS,
    SNAPSHOT,
    Busy,
    alone,
    repository_of,
)
from ansible_collections.ictops.schools.plugins.module_utils.backup_locks import remove_dead
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, ResticError
from ansible_collections.ictops.schools.plugins.module_utils.snapshots import full_id, of_folders

DOCUMENTATION = r"""
---
module: backup_archive
short_description: Put folders into an archive, and take them away once they are proved to be in it
description:
  - Without O(snapshot) it makes the archive's snapshot, which no pruning forgets.
  - With O(snapshot) it restores all of that and compares it by hash with what is there. Only if
    all is the same, and O(remove), it takes the folders away, but for what has changed meanwhile.
options:
  name:
    description: The archive's name.
    type: str
    required: true
  host:
    description: How the host is called in the inventory.
    type: str
    required: true
  paths:
    description: What is archived.
    type: list
    elements: str
    required: true
  keep_until:
    description: Until when it is to be kept, as C(2033-08-31); it is noted at the snapshot.
    type: str
    default: ""
  snapshot:
    description: The archive's snapshot.
    type: str
    default: ""
  remove:
    description: Whether the folders are taken away in the end.
    type: bool
    default: false
extends_documentation_fragment: [ictops.schools.backup_repository]
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Archive a leaver
  ictops.schools.backup_archive:
    repository: oakfield
    host: "{{ inventory_hostname }}"
    name: leavers-2026
    paths: [/home/pupils/ann]
    keep_until: "2033-08-31"
  register: archived

- name: Take it away
  ictops.schools.backup_archive:
    repository: oakfield
    host: "{{ inventory_hostname }}"
    name: leavers-2026
    paths: [/home/pupils/ann]
    snapshot: "{{ archived.snapshot }}"
    remove: true
"""

RETURN = r"""
snapshot:
  description: The archive's snapshot.
  returned: when it was made
  type: str
ictops_backup_archived:
  description: The archive's C(name), C(repository) and C(snapshot), C(files) and C(bytes) of it,
    whether it is C(verified), and the paths that were C(removed).
  returned: when it was compared
  type: dict
"""

FEWEST = 2
"""Names of a path: nobody archives /home itself."""


def refusal(paths: list[str], *, remove: bool) -> str:
    """Give why these paths cannot be archived, if they cannot."""
    for at, path in enumerate(paths):
        if not path.startswith("/") or posixpath.normpath(path) != path:
            return f"{path!r} is no whole path"
        if len(Path(path).parts) - 1 < FEWEST:
            return f"{path!r} is not archived: it is no folder of somebody's"
        if not os.path.lexists(path):
            return f"{path!r} is not there"
        if os.path.realpath(path) != path:
            return f"{path!r} goes by a link: name {os.path.realpath(path)!r}"
        if any(one == path or one.startswith(f"{path}/") for one in paths[:at] + paths[at + 1 :]):
            return f"{path!r} is named twice"
        mounted = [one for one in mounts() if one == path or one.startswith(f"{path}/")]
        if remove and mounted:
            return f"{path!r} is not taken away: {mounted[0]!r} is a file system of its own"
    return "" if paths else "no paths were given"


def mounts() -> list[str]:
    """Give where file systems are mounted."""
    lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    escaped = [line.split()[4] for line in lines.splitlines()]
    return [
        one.replace("\\040", " ").replace("\\011", "\t").replace("\\012", "\n")
        .replace("\\134", "\\") for one in escaped
    ]  # fmt: skip


def archive(repository: Repository, given: dict) -> str:
    """Make the archive's snapshot, and give its id.

    :raises ResticError: if any of it could not be read.
    """
    tags = {"archive": given["name"], "kind": "archive"}
    if given["keep_until"]:
        tags["until"] = given["keep_until"]
    with alone():
        remove_dead(repository)
        made = of_folders(repository, given["paths"], host=given["host"], tags=tags)
    if made.unread:
        raise ResticError(3, f"not read: {'; '.join(made.unread[:TOLD])}")
    return full_id(repository, made.snapshot)


def main() -> None:
    """Archive."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "host": {"type": "str", "required": True},
            "paths": {"type": "list", "elements": "str", "required": True},
            "keep_until": {"type": "str", "default": ""},
            "snapshot": {"type": "str", "default": ""},
            "remove": {"type": "bool", "default": False},
            **REPOSITORY_OPTIONS,
        },
        supports_check_mode=True,
    )
    given, repository = module.params, repository_of(module)
    try:
        if given["keep_until"]:
            date.fromisoformat(given["keep_until"])
    except ValueError:
        module.fail_json(msg=f"keep_until {given['keep_until']!r} is no date such as 2033-08-31")
    if not NAME.match(given["name"]):
        module.fail_json(msg=f"{given['name']!r} is no name of an archive")
    if given["snapshot"] and not SNAPSHOT.match(given["snapshot"]):
        module.fail_json(msg=f"{given['snapshot']!r} is no snapshot's id")
    wrong = refusal(given["paths"], remove=given["remove"])
    if wrong:
        module.fail_json(msg=wrong)
    if module.check_mode:
        module.exit_json(changed=True, msg="it would be archived")
    try:
        if not given["snapshot"]:
            module.exit_json(changed=True, snapshot=archive(repository, given))
        compared = compare(given["paths"], restored(repository, given["snapshot"]))
    except (Busy, ResticError, OSError) as error:
        module.fail_json(msg=f"it is not archived, and nothing was taken away: {error}")
    told = {
        "name": given["name"], "repository": given["repository"], "snapshot": given["snapshot"],
        "files": compared.files, "bytes": compared.bytes, "verified": not compared.differences,
        "removed": [],
    }  # fmt: skip
    if compared.differences:
        shown = ", ".join(repr(one) for one in compared.differences[:TOLD])
        module.fail_json(
            msg=f"nothing was taken away: {len(compared.differences)} of it are not in the "
            f"archive as they are here: {shown}",
            ictops_backup_archived=told,
        )
    left: list[str] = []
    if given["remove"]:
        for path in given["paths"]:
            still = take_away(path, compared.states)
            left += still
            told["removed"] += [] if still else [path]
    if left:
        shown = ", ".join(repr(one) for one in left[:TOLD])
        module.fail_json(
            msg=f"it is archived, but this changed meanwhile and was left: {shown}",
            changed=True, ictops_backup_archived=told,
        )  # fmt: skip
    module.exit_json(changed=bool(told["removed"]), ictops_backup_archived=told)


if __name__ == "__main__":
    main()
