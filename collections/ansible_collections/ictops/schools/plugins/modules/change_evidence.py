#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Who may have changed files of a Linux host, as far as it knows."""

from __future__ import annotations

import json
import os
import pwd
import stat
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: change_evidence
short_description: Say who may have changed files, by their owners and the host's log
description:
  - Gives when each file, or the folder that it is gone from, was changed, and what sudo, su and
    sshd wrote into the systemd journal about then. Changes nothing.
  - A log may have been tampered with, or be too short; it is a hint, and no proof.
options:
  paths:
    description: The files; those of users and packages are looked at too where there are none.
    type: list
    elements: path
    required: true
  minutes:
    description: How long before a change the log is read.
    type: int
    default: 15
  most:
    description: How many lines of the log are given of each file, the last ones.
    type: int
    default: 12
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Ask who changed it
  ictops.schools.change_evidence:
    paths: [/etc/hosts]
  become: true
"""

RETURN = r"""
evidence:
  description: By file, C(path), C(there), C(changed_at), C(owner) and C(log), a list of lines.
  returned: always
  type: list
"""

ARGUMENTS = {
    "paths": {"type": "list", "elements": "path", "required": True},
    "minutes": {"type": "int", "default": 15},
    "most": {"type": "int", "default": 12},
}
ELSEWHERE = ["/etc/passwd", "/etc/group", "/etc/shadow", "/var/lib/dpkg/status"]
LONGEST = 240
"""Characters of a line that are given."""
BECOME = "BECOME-SUCCESS-"
"""Stands in what Ansible runs by sudo: runs of ictops are in its own journal."""
TELLING = {"sshd": "Accepted", "sshd-session": "Accepted"}
"""How the lines begin that say who came in."""
WHO = ("sudo", "su", "sshd", "sshd-session", "useradd", "usermod", "gpasswd", "passwd")


def look(path: str) -> tuple[os.stat_result, str] | None:
    """Give what is known of a file, or of the nearest folder that is left of its path."""
    place = path
    while place and place != "/":
        try:
            return os.lstat(place), place
        except OSError:
            place = str(Path(place).parent)
    return None


def utc(seconds: float) -> str:
    """Give a moment as ISO 8601 has it."""
    return time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(seconds))


def owner(uid: int) -> str:
    """Give a user's name, or the number if there is none any more."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def log_lines(module, until: float, minutes: int, most: int) -> list[str]:
    """Give who did what just before a moment, as the systemd journal has it."""
    command = [
        "journalctl", "--output=json", "--no-pager", f"--since=@{int(until) - 60 * minutes}",
        f"--until=@{int(until) + 2}", *(f"SYSLOG_IDENTIFIER={name}" for name in WHO),
    ]  # fmt: skip
    if module.get_bin_path(command[0]) is None:
        return []
    _, out, _ = module.run_command(command)
    lines = []
    for line in out.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        said = entry.get("MESSAGE")
        name = entry.get("SYSLOG_IDENTIFIER")
        if not isinstance(said, str) or not said.strip().startswith(TELLING.get(name, "")):
            continue
        said = " ".join(said.split())
        if BECOME in said or said.startswith("pam_"):
            continue
        at = utc(int(entry["__REALTIME_TIMESTAMP"]) / 1e6)
        lines.append(f"{at} {name}: {said}"[:LONGEST])
    return lines[-most:]


def main() -> None:
    """Look."""
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    given = module.params
    evidence = []
    for path in given["paths"] or ELSEWHERE:
        found = look(path)
        if found is None:
            continue
        about, place = found
        changed = max(about.st_mtime, about.st_ctime if stat.S_ISREG(about.st_mode) else 0)
        evidence.append(
            {
                "path": path,
                "there": place == path,
                "changed_at": utc(changed),
                "owner": owner(about.st_uid),
                "log": log_lines(module, changed, given["minutes"], given["most"]),
            }
        )
    module.exit_json(changed=False, evidence=evidence)


if __name__ == "__main__":
    main()
