#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Back up what a host has."""

from __future__ import annotations

import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.backing_up import (
    Asked,
    back_up,
    not_done,
)
from ansible_collections.ictops.schools.plugins.module_utils.own_locks import (
    BusyError,
    alone,
    remove_dead,
)
from ansible_collections.ictops.schools.plugins.module_utils.reached import REPOSITORY, reached
from ansible_collections.ictops.schools.plugins.module_utils.restic import Repository, ResticError

AT_WORK = "/var/lib/ictops/backup-at-work"

DOCUMENTATION = r"""
---
module: backup_run
short_description: Back up what a host has
description:
  - Runs on the host, as root. Each set becomes a snapshot, each database one of its own.
  - A dump that fails leaves none, nor does one whose backup is killed. One set that fails keeps no
    other from its turn.
  - Beside each snapshot it tells what some files were, so that a drill can compare them.
options:
  name:
    description: The repository's name.
    type: str
    required: true
  host:
    description: The host's name in the inventory.
    type: str
    required: true
  sets:
    description: What is backed up; the README of the role C(backup) says what it may be.
    type: list
    elements: dict
    required: true
  only:
    description: The names of the sets whose turn it is; all of them if there are none.
    type: list
    elements: str
    default: []
  sample:
    description: How many files of a set are told for drills.
    type: int
    default: 20
  upload_limit:
    description: KiB a second; 0 for no limit.
    type: int
    default: 0
  patience:
    description: Seconds that are waited for a repository that is being checked or pruned.
    type: int
    default: 3600
  at_work:
    description: The file by which a host is backed up once at a time.
    type: path
    default: /var/lib/ictops/backup-at-work
extends_documentation_fragment:
  - ictops.schools.reached
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Back homes up
  ictops.schools.backup_run:
    repository: {url: "rclone:", password_file: /etc/ictops-backup/password}
    name: oakfield
    host: oak-srv-01
    sets:
      - {name: homes, class: pupils, kind: folders, paths: [/home]}
"""

RETURN = r"""
ictops_backup:
  description: Each set with its snapshot, its sizes in bytes and its sample, or why it failed.
  returned: always
  type: dict
"""


def _tidy(module: AnsibleModule, repository: Repository) -> None:
    """Take the locks of a backup that was killed away: the server would wait for them."""
    try:
        remove_dead(repository)
    except ResticError as error:  # the backup says why, if it cannot either
        module.warn(f"locks of a backup that was killed were left: {error}")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "repository": REPOSITORY,
            "name": {"type": "str", "required": True},
            "host": {"type": "str", "required": True},
            "sets": {"type": "list", "elements": "dict", "required": True},
            "only": {"type": "list", "elements": "str", "default": []},
            "sample": {"type": "int", "default": 20},
            "upload_limit": {"type": "int", "default": 0},
            "patience": {"type": "int", "default": 3600},
            "at_work": {"type": "path", "default": AT_WORK},
        },
    )
    given = module.params
    repository = reached(given["repository"])
    asked = Asked(
        repository, given["host"], given["sample"], given["upload_limit"],
        time.monotonic() + given["patience"],
    )  # fmt: skip
    wanted = [one for one in given["sets"] if not given["only"] or one.get("name") in given["only"]]
    try:
        with alone(Path(given["at_work"])) as turn:
            if turn.left:
                _tidy(module, repository)
            told = [result for one in wanted for result in back_up(asked, one)]
            turn.well = not any(one["message"] for one in told)
    except (BusyError, OSError) as error:
        told = [not_done(one, str(error)) for one in wanted]
    result = {
        "changed": any(one["snapshot"] for one in told),
        "ictops_backup": {"repository": given["name"], "sets": told},
    }
    bad = [f"{one['set']}: {one['message']}" for one in told if one["message"]]
    if bad:
        module.fail_json(msg="; ".join(bad), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
