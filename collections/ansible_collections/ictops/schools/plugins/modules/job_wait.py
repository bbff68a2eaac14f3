#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait at a host for a job of Ansible's that is not bound to a connection."""

from __future__ import annotations

import json
import time
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
---
module: job_wait
short_description: Wait at a host for a job that is not bound to a connection
description:
  - Ansible asks again and again over the network whether a task with C(async) has ended, and each
    time starts a Python for it. This one waits where the job is, and is there when it ends.
  - It tells a job that was ended without having said anything, as by a restart, from one at work.
  - What an ended job gave is kept for a day, in case the connection is lost before it is told.
  - It is for hosts with C(/proc).
options:
  path:
    description: The job's file, which Ansible calls C(results_file).
    type: path
    required: true
  seconds:
    description: How long is waited.
    type: float
    default: 60
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Begin something long
  ansible.builtin.command: /usr/local/bin/long
  async: 3600
  poll: 0
  register: begun
- name: Wait for it
  ictops.schools.job_wait:
    path: "{{ begun.results_file }}"
"""

RETURN = r"""
state:
  description: C(at_work), C(ended), or C(lost) if it said nothing and no process is left of it.
  returned: success
  type: str
result:
  description: What the job's module gave.
  returned: when it has ended
  type: dict
"""

LOOK = 0.1
"""Seconds between two looks at the job's file."""
LOOK_FOR_PROCESSES = 50
"""Each so many looks."""
TOLD = ".told"
"""Ends the name of a job's file once it was told what the job gave."""
KEPT = 86400.0
"""Seconds."""


def said(path: Path) -> dict | None:
    """Give what the job's module gave; None if it is at work.

    :raises OSError: if there is no such job.
    """
    here = path if path.exists() else path.with_name(path.name + TOLD)
    told = json.loads(here.read_text(encoding="utf-8") or "{}")
    return None if not told or "started" in told else told


def put_away(path: Path) -> None:
    """Have no file of an ended job for longer than is needed; this one's is put aside.

    :raises OSError: if that cannot be.
    """
    if path.exists():
        path.touch()  # it is kept from now on, however long ago it ended
        path.rename(path.with_name(path.name + TOLD))
    for old in path.parent.glob(f"*{TOLD}"):
        if time.time() - old.stat().st_mtime > KEPT:
            old.unlink()


def is_at_work(path: Path) -> bool:
    """Say whether there is a process of the job: the beginning of its name is one of its words."""
    word = path.name.partition(".")[0].encode()
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if word in file.read_bytes().split(b"\0"):
                return True
        except OSError:  # it has ended meanwhile
            continue
    return False


def wait(path: Path, seconds: float) -> tuple[str, dict | None]:
    """Give what became of a job within this time, and what its module gave.

    :raises OSError: if there is no such job.
    """
    until, looks = time.monotonic() + seconds, 0
    while (told := said(path)) is None:
        if looks % LOOK_FOR_PROCESSES == 0 and not is_at_work(path):
            told = said(path)  # it may have ended between the two looks
            return ("lost", None) if told is None else ("ended", told)
        if time.monotonic() > until:
            return "at_work", None
        looks += 1
        time.sleep(LOOK)
    return "ended", told


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "seconds": {"type": "float", "default": 60.0},
        },
        supports_check_mode=True,
    )
    try:
        path = Path(module.params["path"])
        state, told = wait(path, module.params["seconds"])
        if state == "ended":
            put_away(path)
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"there is no job to be waited for: {error}")
    module.exit_json(changed=False, state=state, result=told)


if __name__ == "__main__":
    main()
