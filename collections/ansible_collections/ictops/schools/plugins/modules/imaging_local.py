#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a PC with a cache does by itself: ordered, and asked for afterwards."""

from __future__ import annotations

import json
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils import efi
from ansible_collections.ictops.schools.plugins.module_utils.imaging import end_words
from ansible_collections.ictops.schools.plugins.module_utils.local import (
    ENTRY,
    ENVIRONMENT,
    last_report,
    mounted,
    put_job,
    remove_standing,
    report_of,
    set_environment,
)

DOCUMENTATION = r"""
---
module: imaging_local
short_description: Order of a Linux PC with a cache what it does by itself
description:
  - Runs on the PC, as root. M(ictops.schools.imaging_heal) makes the job that is put there.
options:
  do:
    description:
      - V(look) tells whether the PC can heal itself. V(put) gives it a job, and has it started
        by the next boot, or by each. V(take_back) ends that it is done at each boot.
        V(collect) tells what became of a job, V(last) of the one that it did last.
    type: str
    choices: [look, put, take_back, collect, last]
    required: true
  job:
    description: The job as it was signed.
    type: str
  signature:
    description: Its signature.
    type: str
  standing:
    description: Whether it is done at each boot.
    type: bool
    default: false
  id:
    description: The job that is asked for.
    type: str
  partitions:
    description: Where partitions are found by their names.
    type: path
    default: /dev/disk/by-partlabel
  efivars:
    description: Where the kernel shows the firmware's variables.
    type: path
    default: /sys/firmware/efi/efivars
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Look whether it can heal itself
  ictops.schools.imaging_local:
    do: look
  become: true
  register: healing
"""

RETURN = r"""
able:
  description: Whether the PC can heal itself.
  returned: when looking
  type: bool
id:
  description: The job's id.
  returned: when a job is put, or asked for
  type: str
stage:
  description: V(armed), or V(ended) where the PC has done it.
  returned: when a job is put, or asked for
  type: str
ictops_healed:
  description: The PC's report of the job, in the imaging agent's words.
  returned: when it has ended
  type: dict
"""


def look(boot: Path, cache: Path) -> dict:
    """Tell whether the PC can heal itself."""
    if not boot.exists() or not cache.exists():
        return {"able": False, "msg": "it has no cache"}
    with mounted(boot, "vfat") as folder:
        able = (folder / ENVIRONMENT).is_file()
    return {"able": able, "msg": "it can heal itself" if able else "its agent is not on its disk"}


def put(asked: dict, boot: Path, cache: Path, *, write: bool) -> dict:
    """Give it a job, and have it started."""
    job, standing = json.loads(asked["job"])["id"], asked["standing"]
    with mounted(cache, "ext4") as folder:
        if not standing and report_of(folder, job) is not None:
            return {"changed": False, "id": job, "stage": "ended", "msg": "it was done already"}
        if not write:
            return {"changed": True, "id": job, "stage": "armed", "msg": "it would be put there"}
        changed = put_job(folder, asked["job"], asked["signature"], standing)
    # The PC runs its system: whatever turn was marked as had is over.
    turn = {"ictops_always": "1", "ictops_healed": "0"} if standing else {"ictops_next": "1"}
    with mounted(boot, "vfat") as folder:
        changed |= set_environment(folder, **turn)
    changed |= _choose(Path(asked["efivars"]), standing=standing)
    when = "at each boot" if standing else "at its next boot"
    return {"changed": changed, "id": job, "stage": "armed", "msg": f"it heals itself {when}"}


def take_back(boot: Path, cache: Path, *, write: bool) -> dict:
    """End that a job is done at each boot."""
    if not boot.exists() or not cache.exists():
        return {"changed": False, "msg": "it has no cache"}
    with mounted(cache, "ext4") as folder:
        there = (folder / "jobs" / "standing.json").exists()
        if there and write:
            remove_standing(folder)
    if there and write:
        with mounted(boot, "vfat") as folder:
            set_environment(folder, ictops_always="0")
    return {"changed": there, "msg": "it does not heal itself at each boot"}


def collect(job: str, cache: Path) -> dict:
    """Tell what became of a job."""
    with mounted(cache, "ext4") as folder:
        report = report_of(folder, job)
    if report is None:
        return {"id": job, "stage": "armed", "msg": "the PC has not done the job"}
    told = end_words(report["end"])
    return {"id": job, "stage": "ended", "ictops_healed": report, "msg": told}


def last(boot: Path, cache: Path) -> dict:
    """Tell what became of the job that the PC did last."""
    if not boot.exists() or not cache.exists():
        return {"msg": "it has no cache"}
    with mounted(cache, "ext4") as folder:
        report = last_report(folder)
    if report is None:
        return {"msg": "it was not put back yet"}
    when, told = report["at"], end_words(report["end"])
    return {"ictops_healed": report, "msg": f"it put itself back at {when}: {told}"}


def _choose(efivars: Path, *, standing: bool) -> bool:
    if not efivars.is_dir():
        return False  # a BIOS PC always starts by our GRUB
    entry = efi.entry_named(efivars, ENTRY)
    if entry is None:
        raise OSError(f"its firmware has no entry {ENTRY!r}; image it again")
    if standing:
        return efi.boot_first(efivars, entry.number)
    efi.boot_next(efivars, entry.number)
    return True


def main() -> None:
    """Do what is asked."""
    module = AnsibleModule(
        argument_spec={
            "do": {
                "type": "str",
                "choices": ["look", "put", "take_back", "collect", "last"],
                "required": True,
            },
            # It may hold what nobody but the PC is to know.
            "job": {"type": "str", "no_log": True},
            "signature": {"type": "str"},
            "standing": {"type": "bool", "default": False},
            "id": {"type": "str"},
            "partitions": {"type": "path", "default": "/dev/disk/by-partlabel"},
            "efivars": {"type": "path", "default": efi.FOLDER},
        },
        required_if=[("do", "put", ("job", "signature")), ("do", "collect", ("id",))],
        supports_check_mode=True,
    )
    asked, write = module.params, not module.check_mode
    boot, cache = (Path(asked["partitions"]) / f"ictops-{one}" for one in ("boot", "cache"))
    try:
        if asked["do"] == "look":
            result = look(boot, cache)
        elif asked["do"] == "put":
            result = put(asked, boot, cache, write=write)
        elif asked["do"] == "take_back":
            result = take_back(boot, cache, write=write)
        elif asked["do"] == "last":
            result = last(boot, cache)
        else:
            result = collect(asked["id"], cache)
    except (OSError, ValueError, KeyError) as error:
        module.fail_json(msg=f"the PC's cache cannot be used: {error}")
    module.exit_json(**{"changed": False, **result})


if __name__ == "__main__":
    main()
