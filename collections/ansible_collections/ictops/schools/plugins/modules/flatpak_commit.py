#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Flatpak applications of the whole system, each at one commit."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.flatpak import (
    Flatpak,
    FlatpakError,
    short,
)

DOCUMENTATION = r"""
---
module: flatpak_commit
short_description: Flatpak applications at exact commits
description:
  - Brings flatpak applications of the whole system to exactly the commits that are named,
    newer or older ones, and takes away those that are not wanted.
  - The module M(community.general.flatpak) knows only "there", "the latest" and "not there",
    so it can neither pin a version nor go back to one.
options:
  apps:
    description: The applications.
    type: list
    elements: dict
    required: true
    suboptions:
      ref:
        description: The full ref, C(app/ID/ARCHITECTURE/BRANCH).
        type: str
        required: true
      remote:
        description: The remote that it comes from.
        type: str
        required: true
      commit:
        description: The commit in full; empty to take the application away.
        type: str
        required: true
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Pin GIMP
  ictops.schools.flatpak_commit:
    apps:
      - ref: app/org.gimp.GIMP/x86_64/stable
        remote: flathub
        commit: 9f0a4a2c7b0c2f3d5b7e1f6a8d4c9e2b1a3f5d7c9b8e6f4a2d1c3b5e7f9a8d6c
"""

RETURN = r"""
changed_refs:
  description: The refs that were changed, or would be.
  returned: always
  type: list
"""


def main() -> None:
    """Compare, change, and check that each is where it should be."""
    module = AnsibleModule(
        argument_spec={
            "apps": {
                "type": "list",
                "elements": "dict",
                "required": True,
                "options": {
                    "ref": {"type": "str", "required": True},
                    "remote": {"type": "str", "required": True},
                    "commit": {"type": "str", "required": True},
                },
            }
        },
        supports_check_mode=True,
    )
    flatpak = Flatpak(module)
    if not flatpak.there and not module.check_mode:
        module.fail_json(msg="this host has no flatpak: install its package flatpak first")
    before, after = [], []
    try:
        for app in module.params["apps"]:
            ref, commit = app["ref"], app["commit"]
            now = flatpak.installed(ref)[0] if flatpak.there else ""
            if now == commit:
                continue
            if not module.check_mode:
                if commit:
                    flatpak.deploy(app["remote"], ref, commit)
                else:
                    flatpak.remove(ref)
            before.append((ref, now))
            after.append((ref, commit))
    except FlatpakError as error:
        module.fail_json(msg=f"{ref}: {error}", changed=bool(after))
    module.exit_json(
        changed=bool(after),
        changed_refs=[ref for ref, _ in after],
        diff={"before": lines(before), "after": lines(after)},
    )


def lines(refs: list[tuple[str, str]]) -> str:
    """Give refs and their commits as text for --diff."""
    return "".join(f"{ref} {short(commit) or 'absent'}\n" for ref, commit in refs)


if __name__ == "__main__":
    main()
