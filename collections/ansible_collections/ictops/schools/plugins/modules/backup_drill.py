#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Trying to restore, on the backup server."""

from __future__ import annotations

import json
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.restic import ResticError
from ansible_collections.ictops.schools.plugins.module_utils.server_drill import drill, scratch_of
from ansible_collections.ictops.schools.plugins.module_utils.server_repositories import (
    SPEC,
    BackupFault,
    in_words,
    one_of,
)

DOCUMENTATION = r"""
---
module: backup_drill
short_description: Restore samples of backups to a scratch place, and compare them
description:
  - Runs on the server, as root. The samples are of whole files, as their hosts read them when they
    were backed up. Nothing of what is restored is left.
extends_documentation_fragment: [ictops.schools.backup_repositories]
options:
  file:
    description:
      - On the server, a file with what is to be tried, in JSON. A list with, of each,
        C(repository), C(host), C(set), C(snapshot), and C(sample) with C(path), C(size) and
        C(sha256) of each file.
    type: path
    required: true
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Try to restore
  ictops.schools.backup_drill:
    repositories: [oakfield]
    file: /var/lib/ictops-backup-server/drill.json
  become: true
"""

RETURN = r"""
ictops_backup_drill:
  description:
    - C(results) with, of each, C(repository), C(host), C(set), C(snapshot), whether all of it is
      C(good), how many C(files) and C(bytes) are, and a C(message) that names what is not.
  returned: always
  type: dict
"""


def main() -> None:
    """Try each."""
    module = AnsibleModule(
        argument_spec={**SPEC, "file": {"type": "path", "required": True}},
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False, ictops_backup_drill={"results": []})
    asked = module.params
    try:
        entries = json.loads(Path(asked["file"]).read_bytes())
        results = [_tried(asked, entry) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError) as error:
        module.fail_json(msg=f"what is to be tried cannot be read from {asked['file']}: {error!r}")
    result = {"changed": False, "ictops_backup_drill": {"results": results}}
    bad = [f"{one['host']} {one['set']}: {one['message']}" for one in results if not one["good"]]
    if bad:
        module.fail_json(msg="; ".join(bad), **result)
    module.exit_json(**result)


def _tried(asked: dict, entry: dict) -> dict:
    whose = {name: entry[name] for name in ("repository", "host", "set", "snapshot")}
    sample = [
        {"path": file["path"], "size": int(file["size"]), "sha256": file["sha256"]}
        for file in entry["sample"]
    ]
    try:
        one = one_of(entry["repository"], asked)
        with scratch_of(Path(asked["folder"]) / "scratch", asked["account"]) as scratch:
            said = drill(one, scratch, entry["host"], entry["set"], entry["snapshot"], sample)
    except (BackupFault, ResticError, OSError) as error:
        said = {"files": 0, "bytes": 0, "good": False, "message": in_words(error)}
    return {**whose, **said}


if __name__ == "__main__":
    main()
