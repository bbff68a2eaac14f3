#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prove backups by restoring samples of them."""

from __future__ import annotations

import signal

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.drilled import drill, scratch_in
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    REPOSITORIES,
    repositories_of,
)

DOCUMENTATION = r"""
---
module: backup_drill
short_description: Prove backups by restoring samples of them
description:
  - Restores files to a scratch folder, and compares them with what they were when they were backed
    up. The folder is taken away afterwards, also if it fails or is interrupted; what one left that
      was killed is taken away by the next.
  - Runs on the server, as root.
options:
  samples:
    description: Of each snapshot that is tried, its repository, host and set, and the files.
    type: list
    elements: dict
    required: true
  scratch:
    description: The folder in which it is restored.
    type: path
    required: true
extends_documentation_fragment:
  - ictops.schools.repositories
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Restore a file
  ictops.schools.backup_drill:
    repositories: "{{ __backup_server_repositories }}"
    scratch: /srv/ictops-backup/scratch
    samples:
      - repository: oakfield
        host: oak-srv-01
        set: homes
        snapshot: 3f2a91c0
        sample: [{path: /home/ann/essay.odt, size: 5, sha256: "…"}]
"""

RETURN = r"""
ictops_backup_drill:
  description: Each snapshot that was tried, whether it is good, and what is wrong with it if not.
  returned: always
  type: dict
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "repositories": REPOSITORIES,
            "samples": {"type": "list", "elements": "dict", "required": True},
            "scratch": {"type": "path", "required": True},
        },
        supports_check_mode=True,
    )
    if module.check_mode:
        module.exit_json(changed=False, ictops_backup_drill={"results": []})
    for each in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, _stop)
    known = {one.name: one for one in repositories_of(module)}
    try:
        with scratch_in(module.params["scratch"]) as scratch:
            results = [drill(known, one, scratch) for one in module.params["samples"]]
    except (OSError, ValueError) as error:
        module.fail_json(msg=str(error))
    told = {"changed": False, "ictops_backup_drill": {"results": results}}
    bad = [one for one in results if not one["good"]]
    if bad:
        of = "; ".join(f"{one['host']} {one['set']}: {one['message']}" for one in bad)
        module.fail_json(msg=of, **told)
    module.exit_json(**told)


def _stop(number: int, _frame: object) -> None:
    """End as one that was interrupted does: with nothing left in the scratch folder."""
    raise SystemExit(128 + number)


if __name__ == "__main__":
    main()
