#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Backing a host's sets up."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.backup_host import (
    NAME,
    REPOSITORY_OPTIONS,
    Busy,
    alone,
    repository_of,
)
from ansible_collections.ictops.schools.plugins.module_utils.backup_locks import remove_dead
from ansible_collections.ictops.schools.plugins.module_utils.backup_sets import Backup
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError

DOCUMENTATION = r"""
---
module: backup_run
short_description: Back a host's folders and databases up into its school's repository
description:
  - Makes one snapshot of each set, or of each database of one. A dump that does not come to its
    end leaves none.
  - Fails if any set failed, and still backs the others up.
options:
  host:
    description: How the host is called in the inventory, and so in the repository.
    type: str
    required: true
  sets:
    description: What there is to back up.
    type: list
    elements: dict
    required: true
    suboptions:
      name: {type: str, required: true, description: The set's name.}
      class: {type: str, required: true, description: By which it is kept.,
              choices: [pupils, staff, mis, system]}
      kind: {type: str, required: true, description: What it is.,
             choices: [folders, postgresql, mariadb, samba, sqlite]}
      paths: {type: list, elements: path, description: Files and folders; databases of SQLite.}
      exclude: {type: list, elements: str, description: Patterns of restic's, of V(folders).}
      one_file_system: {type: bool, default: false, description: Not to go into other ones.}
      databases: {type: list, elements: str, description: Those of a server; all if left out.}
      account: {type: str, description: Who dumps them.}
      socket: {type: path, description: "Where the server listens, if not at its usual place."}
      port: {type: int, description: The number of PostgreSQL's socket.}
      login_file: {type: path, description: "Options of MariaDB's client, such as a password."}
  only:
    description: The sets that are backed up; all if it is left out.
    type: list
    elements: str
  sample:
    description: How many files of a set of V(folders) are read, for a drill to compare.
    type: int
    default: 20
  patience:
    description: Seconds for which it is waited while the server prunes the repository.
    type: int
    default: 3600
extends_documentation_fragment: [ictops.schools.backup_repository]
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Back the homes up
  ictops.schools.backup_run:
    repository: oakfield
    host: "{{ inventory_hostname }}"
    sets:
      - {name: homes, class: pupils, kind: folders, paths: [/home]}
  async: 86400
  poll: 10
"""

RETURN = r"""
ictops_backup:
  description: The C(repository), and of each of C(sets) what became of it. Sizes are in bytes.
  returned: always
  type: dict
"""

SET = {
    "name": {"type": "str", "required": True},
    "class": {"type": "str", "required": True, "choices": ["pupils", "staff", "mis", "system"]},
    "kind": {
        "type": "str",
        "required": True,
        "choices": ["folders", "postgresql", "mariadb", "samba", "sqlite"],
    },
    "paths": {"type": "list", "elements": "path"},
    "exclude": {"type": "list", "elements": "str"},
    "one_file_system": {"type": "bool", "default": False},
    "databases": {"type": "list", "elements": "str"},
    "account": {"type": "str"},
    "socket": {"type": "path"},
    "port": {"type": "int"},
    "login_file": {"type": "path"},
}


def chosen(module) -> list[dict]:
    """Give the sets that are to be backed up; fails if that makes no sense."""
    given = module.params
    names = [one["name"] for one in given["sets"]]
    for name in names:
        if not NAME.match(name) or names.count(name) > 1:
            module.fail_json(msg=f"{name!r} is no name of a set, or is one twice")
    unknown = set(given["only"] or []) - set(names)
    if unknown:
        module.fail_json(msg=f"there is no set {', '.join(sorted(unknown))} here; there are "
                             f"{', '.join(names)}")  # fmt: skip
    for one in given["sets"]:
        if one["kind"] in ("folders", "sqlite") and not one["paths"]:
            module.fail_json(msg=f"the set {one['name']} has no paths")
        wrong = [path for path in one["paths"] or [] if not path.startswith("/")]
        if wrong:
            module.fail_json(msg=f"the set {one['name']}: {wrong[0]!r} is no whole path")
    return [one for one in given["sets"] if one["name"] in (given["only"] or names)]


def main() -> None:
    """Back up."""
    module = AnsibleModule(
        argument_spec={
            "host": {"type": "str", "required": True},
            "sets": {"type": "list", "elements": "dict", "required": True, "options": SET},
            "only": {"type": "list", "elements": "str"},
            "sample": {"type": "int", "default": 20},
            "patience": {"type": "int", "default": 3600},
            **REPOSITORY_OPTIONS,
        },
        supports_check_mode=True,
    )
    repository, sets = repository_of(module), chosen(module)
    if module.check_mode:
        module.exit_json(changed=True, msg=f"it would back {len(sets)} sets up")
    given = module.params
    backup = Backup(repository, given["host"], given["sample"], given["patience"])
    try:
        with alone():
            remove_dead(repository)
            entries = [entry for one in sets for entry in backup.of(one)]
    except (Busy, ResticError, OSError) as error:
        module.fail_json(msg=f"nothing was backed up: {error}")
    failed = [one for one in entries if not one["snapshot"]]
    told = {
        "changed": any(one["snapshot"] for one in entries),
        "ictops_backup": {"repository": given["repository"], "sets": entries},
    }
    for one in entries:
        if one["snapshot"] and one["message"]:
            module.warn(f"set {one['set']}: {one['message']}")
    if failed:
        words = "; ".join(f"set {one['set']}: {one['message']}" for one in failed)
        module.fail_json(msg=words, **told)
    module.exit_json(**told)


if __name__ == "__main__":
    main()
