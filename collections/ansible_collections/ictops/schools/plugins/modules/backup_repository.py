#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A backup server's repositories: there, with their passwords, and their keys in escrow."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError, run
from ansible_collections.ictops.schools.plugins.module_utils.server_escrow import (
    ciphertext,
    escrow,
)
from ansible_collections.ictops.schools.plugins.module_utils.server_notes import write
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import (
    SPEC,
    BackupFault,
    Kept,
    said_of_each,
)

DOCUMENTATION = r"""
---
module: backup_repository
short_description: Have a backup server's repositories
description:
  - Runs on the server, as root. Makes the repositories that are not there yet, keeps their
    password in a file of root's, and has a key of each that only those can read who keep it in
    escrow.
extends_documentation_fragment: [ictops.schools.backup_repositories]
options:
  password:
    description: The password of all of them.
    type: str
    required: true
  recipients:
    description:
      - Public keys of those who keep a key in escrow, C(age1…) or C(ssh-ed25519 …). Others than
        last time have a new key made, and the old one removed.
    type: list
    elements: str
    default: []
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Have the school's repository
  ictops.schools.backup_repository:
    repositories: [oakfield]
    password: "{{ backup_password }}"
  become: true
"""

RETURN = r"""
ictops_backup_repository:
  description:
    - C(repositories) with, of each, C(repository), C(good), C(message), whether it was C(made),
      whether its keys in escrow were C(renewed), and the file C(escrow) that holds the key,
      encrypted; empty if there is none.
  returned: always
  type: dict
"""


def main() -> None:
    """Have each."""
    module = AnsibleModule(
        argument_spec={
            **SPEC,
            "password": {"type": "str", "required": True, "no_log": True},
            "recipients": {"type": "list", "elements": "str", "default": []},
        },
        supports_check_mode=True,
    )
    asked, do_it = module.params, not module.check_mode

    def have(one: Kept) -> dict:
        made = _have(one, asked["password"], do_it=do_it)
        if made and not do_it:
            return {"made": True, "renewed": bool(asked["recipients"]), "escrow": ""}
        renewed = escrow(one, asked["recipients"], do_it=do_it)
        sealed = ciphertext(one)
        return {"made": made, "renewed": renewed, "escrow": str(sealed) if sealed.exists() else ""}

    said_of_each(
        module,
        "ictops_backup_repository",
        have,
        changes=lambda said: bool(said.get("made") or said.get("renewed")),
    )


def _have(one: Kept, password: str, *, do_it: bool) -> bool:
    """Have the repository and its password, and say whether that was changed."""
    path = Path(one.repository.password_file)
    same = path.exists() and path.read_text(encoding="utf-8").strip("\n") == password
    there = (one.folder / "config").exists()
    if there and same:
        return False
    if not do_it:
        return True
    if there:
        _try(one, password)
    write(path, f"{password}\n".encode())
    if not there:
        run(one.repository, "init")
    return True


def _try(one: Kept, password: str) -> None:
    """See that a new password opens it, before the old one is forgotten."""
    try:
        run(one.repository, "cat", "config", "--no-lock", environment={"RESTIC_PASSWORD": password})
    except ResticError as error:
        raise BackupFault(
            f"backup_password does not open it ({error}). Put the old one back; or, on the "
            "server, give the repository the new one too: 'restic key add'"
        ) from error


if __name__ == "__main__":
    main()
