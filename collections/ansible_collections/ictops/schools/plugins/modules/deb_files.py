#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What .deb files on a host hold."""

from __future__ import annotations

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: deb_files
short_description: Check that .deb files hold what they should
description:
  - Fails, before anything is installed, if a file holds another package or version than it
    is said to, or is another file than was meant.
options:
  files:
    description: The files, which are on the host.
    type: list
    elements: dict
    required: true
    suboptions:
      file:
        description: The path.
        type: path
        required: true
      pin:
        description: What it should hold, as C(NAME=VERSION).
        type: str
        required: true
      sha256:
        description: The file's SHA-256 in hex; it is not looked at if this is empty.
        type: str
        default: ""
      deb:
        description: Where the file came from, for messages.
        type: str
        required: true
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Check that the file is what it is called
  ictops.schools.deb_files:
    files:
      - {file: /var/lib/ictops/debs/tool_1.2.deb, pin: tool=1.2, deb: files/tool.deb}
"""

RETURN = r"""
"""

SHOWN = "--showformat=${Package}=${Version}"


def main() -> None:
    """Ask each file, and fail with all faults at once."""
    suboptions = {
        "file": {"type": "path", "required": True},
        "pin": {"type": "str", "required": True},
        "sha256": {"type": "str", "default": ""},
        "deb": {"type": "str", "required": True},
    }
    files = {"type": "list", "elements": "dict", "required": True, "options": suboptions}
    module = AnsibleModule(argument_spec={"files": files}, supports_check_mode=True)
    faults = []
    for item in module.params["files"]:
        code, out, err = module.run_command(["dpkg-deb", "--show", SHOWN, item["file"]])
        if code != 0:
            faults.append(f"{item['deb']} is no package: {err.strip()}")
        elif out != item["pin"]:
            faults.append(f"{item['deb']} holds {out}, not {item['pin']}")
        elif item["sha256"].lower() not in ("", module.sha256(item["file"])):
            faults.append(f"{item['deb']} is another file than was meant: its SHA-256 differs")
    if faults:
        module.fail_json(msg="; ".join(faults))
    module.exit_json(changed=False)


if __name__ == "__main__":
    main()
