#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Bring the second copies of a backup server up to date."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.copied import bring_up_to_date
from ansible_collections.ictops.schools.plugins.module_utils.repositories import (
    REPOSITORIES,
    each,
    end,
    repositories_of,
)

DOCUMENTATION = r"""
---
module: backup_copy
short_description: Bring the second copies of a backup server up to date
description:
  - Copies each snapshot that is not there yet. The copy is a repository of its own, with its own
    password, made so that both cut files at the same places.
  - Runs on the server, as root.
extends_documentation_fragment:
  - ictops.schools.repositories
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Copy
  ictops.schools.backup_copy:
    repositories: "{{ __backup_server_repositories }}"
"""

RETURN = r"""
ictops_backup_copy:
  description: Each repository that has a second copy, and how many snapshots were copied.
  returned: always
  type: dict
"""


def main() -> None:
    """Run the module."""
    module = AnsibleModule(argument_spec={"repositories": REPOSITORIES})

    with_copy = [one for one in repositories_of(module) if one.copy]
    told = each(with_copy, bring_up_to_date)
    places = {one.name: one.place for one in with_copy}
    told = [{"copied": 0, "snapshots": 0, "to": places[one["repository"]], **one} for one in told]
    end(module, "ictops_backup_copy", told, changed=any(one["copied"] for one in told))


if __name__ == "__main__":
    main()
