#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a rollout must know of a Debian host, in one round trip."""

from __future__ import annotations

import getpass
import os
import shutil
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: software_state
short_description: Packages, holds, free disk and logged-on people of a Debian host
description:
  - Gives in one round trip what a software rollout must know before it changes a host.
  - Changes nothing, in check mode or not.
options:
  packages:
    description: Names of packages to look at.
    type: list
    elements: str
    default: []
  paths:
    description: Folders whose file systems are asked for their free space.
    type: list
    elements: path
    default: ["/", "/var/cache/apt/archives"]
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Look at the host
  ictops.schools.software_state:
    packages: [firefox-esr]
  register: state
"""

RETURN = r"""
packages:
  description: For each package that was asked for, what is installed, held and available.
  returned: always
  type: dict
  sample: {"hello": {"installed": "2.10-3", "held": false, "available": ["2.10-3"]}}
free_mb:
  description: The smallest free space of the asked file systems, in MB.
  returned: always
  type: int
free_at:
  description: The folder where that is.
  returned: always
  type: str
people:
  description: Who is logged on.
  returned: always
  type: list
reboot_required:
  description: Whether a package asked for a reboot.
  returned: always
  type: bool
"""


def installed(module, names):
    """Give the installed version and whether it is held, for each package that is there."""
    command = ["dpkg-query", "-W", "-f", "${Package}\t${Version}\t${db:Status-Abbrev}\n", "--"]
    _, out, _ = module.run_command(command + names)  # fails where one is unknown: that is fine
    found = {}
    for line in out.splitlines():
        name, version, status = line.split("\t")
        if status[1:2] == "i":
            found[name] = {"installed": version, "held": status[0:1] == "h"}
    return found


def available(module, names):
    """Give the versions that apt could install, newest first."""
    _, out, _ = module.run_command(["apt-cache", "madison", "--", *names])
    versions = {}
    for line in out.splitlines():
        name, version, _ = (part.strip() for part in line.split("|", 2))
        if version not in versions.setdefault(name, []):
            versions[name].append(version)
    return versions


def people(module):
    """Give who is logged on at a screen or a terminal, beside the account that looks."""
    _, out, _ = module.run_command(["who"])
    names = {line.split()[0] for line in out.splitlines() if line.split()}
    return sorted(names - {os.environ.get("SUDO_USER") or getpass.getuser()})


def free_space(paths):
    """Give the smallest free space of these folders in MB, and where it is."""
    there = [path for path in paths if Path(path).exists()]
    spaces = [(shutil.disk_usage(path).free // 1000000, path) for path in there]
    return min(spaces) if spaces else (0, "")


def main():
    """Look, and answer."""
    module = AnsibleModule(
        argument_spec={
            "packages": {"type": "list", "elements": "str", "default": []},
            "paths": {
                "type": "list",
                "elements": "path",
                "default": ["/", "/var/cache/apt/archives"],
            },
        },
        supports_check_mode=True,
    )
    names = module.params["packages"]
    there = installed(module, names) if names else {}
    offered = available(module, names) if names else {}
    free_mb, free_at = free_space(module.params["paths"])
    module.exit_json(
        changed=False,
        packages={
            name: {
                "installed": "",
                "held": False,
                **there.get(name, {}),
                "available": offered.get(name, []),
            }
            for name in names
        },
        free_mb=free_mb,
        free_at=free_at,
        people=people(module),
        reboot_required=Path("/run/reboot-required").exists(),
    )


if __name__ == "__main__":
    main()
