#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How file systems are mounted now, whatever /etc/fstab says."""

from __future__ import annotations

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: mount_flags
short_description: Have file systems mounted with the flags that they should have
description:
  - C(ansible.posix.mount) compares /etc/fstab, and whether something is mounted; this compares
    how. Of the options only C(ro), C(nosuid), C(nodev) and C(noexec) are compared.
options:
  mounts:
    description: By C(path), the C(options) with commas between them.
    type: list
    elements: dict
    required: true
    suboptions:
      path:
        description: Where it is mounted.
        type: path
        required: true
      options:
        description: As in /etc/fstab.
        type: str
        default: defaults
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Let nothing be run from there
  ictops.schools.mount_flags:
    mounts: [{path: /tmp, options: "noexec,nosuid,nodev"}]
  become: true
"""

RETURN = r"""
differs:
  description: What was mounted otherwise, C(before) and C(after).
  returned: always
  type: list
"""

FLAGS = ("ro", "nosuid", "nodev", "noexec")


def mounted(text: str) -> dict[str, set[str]]:
    """Give by place the flags of what is mounted there, from /proc/self/mountinfo."""
    found = {}
    for line in text.splitlines():
        place, options = line.split()[4:6]
        found[place] = set(options.split(",")) & set(FLAGS)
    return found


def main() -> None:
    """Compare, and mount anew what differs."""
    options = {"path": {"type": "path", "required": True}, "options": {"default": "defaults"}}
    module = AnsibleModule(
        argument_spec={
            "mounts": {"type": "list", "elements": "dict", "required": True, "options": options}
        },
        supports_check_mode=True,
    )
    there = mounted(Path("/proc/self/mountinfo").read_text())
    differs = []
    for one in module.params["mounts"]:
        path, wanted = one["path"], set(one["options"].split(",")) & set(FLAGS)
        if path not in there or there[path] == wanted:
            continue  # what is not mounted is another task's
        before, after = (",".join(sorted(flags)) or "none" for flags in (there[path], wanted))
        differs.append({"what": f"mounted {path}", "before": before, "after": after})
        if not module.check_mode:
            opposite = {"ro": "rw", "nosuid": "suid", "nodev": "dev", "noexec": "exec"}
            flags = ",".join(flag if flag in wanted else opposite[flag] for flag in FLAGS)
            module.run_command(["mount", "-o", f"remount,{flags}", path], check_rc=True)
    module.exit_json(changed=bool(differs), differs=differs)


if __name__ == "__main__":
    main()
