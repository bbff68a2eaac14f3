#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Prove backups by restoring samples of them."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.drilled import drill
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    REPOSITORIES,
    kept,
)

DOCUMENTATION = r"""
---
module: backup_drill
short_description: Prove backups by restoring samples of them
description:
  - Restores files to a scratch folder, and compares them with what they were when they were backed
    up. The folder is taken away whatever happens.
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
    known = {one.name: one.own for one in kept(module.params["repositories"])}
    results = [drill(known, one, module.params["scratch"]) for one in module.params["samples"]]
    told = {"changed": False, "ictops_backup_drill": {"results": results}}
    bad = [one for one in results if not one["good"]]
    if bad:
        of = "; ".join(f"{one['host']} {one['set']}: {one['message']}" for one in bad)
        module.fail_json(msg=of, **told)
    module.exit_json(**told)


if __name__ == "__main__":
    main()
