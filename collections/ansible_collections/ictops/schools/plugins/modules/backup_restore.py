#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bringing a file or a folder back from a backup."""

from __future__ import annotations

import fcntl
import posixpath
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.backup_bring import (
    NotThereError,
    bring,
    find,
)
from ansible_collections.ictops.schools.plugins.module_utils.backup_host import (
    REPOSITORY_OPTIONS,
    SNAPSHOT,
    repository_of,
)
from ansible_collections.ictops.schools.plugins.module_utils.backup_place import PlaceError
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError

DOCUMENTATION = r"""
---
module: backup_restore
short_description: Bring a file or a folder back from a backup
description:
  - Restores it beside where it should be, compares it with the repository, and moves it there.
    Owner and mode are as they were.
  - Nothing that is there is overwritten unless O(overwrite); of a folder, what is missing comes
    back. Links that are not root's are not followed.
options:
  snapshot:
    description: The snapshot's id, 8 digits at least.
    type: str
    required: true
  path:
    description: What is brought back, as it is in the snapshot.
    type: str
    required: true
  to:
    description: The folder that it comes into, made if it is not there; empty for where it was.
    type: str
    default: ""
  overwrite:
    description: Whether what is there is overwritten.
    type: bool
    default: false
extends_documentation_fragment: [ictops.schools.backup_repository]
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Bring an essay back
  ictops.schools.backup_restore:
    repository: oakfield
    snapshot: 9dae5ece
    path: /home/pupils/ann/essay.odt
"""

RETURN = r"""
ictops_backup_restored:
  description:
    - The C(snapshot) and the C(path) in it, and the path C(to) which it was brought; C(files) and
      C(bytes) that were; how many were C(kept) as they are; its C(owner); and C(verified).
  returned: when it is there
  type: dict
"""

LOCK = Path("/run/ictops-restore.lock")


def whole(path: str) -> bool:
    """Tell whether a path is one that a file can have, from the root on."""
    return path.startswith("/") and posixpath.normpath(path) == path and "\0" not in path


def main() -> None:
    """Bring it back."""
    module = AnsibleModule(
        argument_spec={
            "snapshot": {"type": "str", "required": True},
            # Not of the type path: a name may begin with ~ or hold a dollar.
            "path": {"type": "str", "required": True},
            "to": {"type": "str", "default": ""},
            "overwrite": {"type": "bool", "default": False},
            **REPOSITORY_OPTIONS,
        },
        supports_check_mode=True,
    )
    given, repository = module.params, repository_of(module)
    path, to = given["path"].rstrip("/"), given["to"].rstrip("/")
    if not SNAPSHOT.match(given["snapshot"]):
        module.fail_json(msg=f"{given['snapshot']!r} is no snapshot's id")
    for one in (path, to or "/"):
        if not whole(one):
            module.fail_json(msg=f"{one!r} is no whole path")
    try:
        if module.check_mode:
            find(repository, given["snapshot"], path)
            module.exit_json(changed=True, msg="it would be brought back")
        with LOCK.open("a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            told = bring(repository, given["snapshot"], path, to, overwrite=given["overwrite"])
    except (NotThereError, PlaceError, ResticError, OSError) as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=True, ictops_backup_restored=told)


if __name__ == "__main__":
    main()
