#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Jobs of a boot server's imaging service: found, armed, watched."""

from __future__ import annotations

import time

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.ictops.schools.plugins.module_utils.imaging import (
    DONE,
    OVER,
    Service,
    ServiceError,
    end_words,
    now,
    progress_of,
    silent_seconds,
)

DOCUMENTATION = r"""
---
module: imaging_job
short_description: Find, arm and watch a PC's job on its boot server
description:
  - Runs on the boot server, as root, and talks to its imaging service.
  - Which job it is the control machine decides; M(ictops.schools.imaging_order) does that.
options:
  do:
    description:
      - V(find) gives the first of O(ids) that is not armed yet, or whose job is not over
        without having been done. V(arm) lets a job be done. V(watch) waits for something new of
        a job, O(seconds) at the most, and tells how far it is. V(cancel) takes back those of
        O(ids) that no PC is at work on.
    type: str
    choices: [find, arm, watch, cancel]
    required: true
  ids:
    description: The ids that a PC's job can have, in their turn.
    type: list
    elements: str
  id:
    description: The job's id.
    type: str
  job:
    description: The job as it was signed.
    type: str
  signature:
    description: Its signature.
    type: str
  secret:
    description: What the PC is given that has the job, while it lasts.
    type: str
  replace:
    description: Take another job of the same PC back, if there is one.
    type: bool
    default: false
  until:
    description: What is watched for.
    type: str
    choices: [claimed, ended]
    default: ended
  seconds:
    description: How long one look at a job lasts.
    type: int
    default: 8
  patience:
    description: Seconds in which something must be heard of the job.
    type: int
    default: 600
  since:
    description: When the watching began, by the boot server's clock, as RV(now) says it.
    type: str
    default: ""
  socket:
    description: Where the service listens.
    type: path
    default: /run/ictops-imaging/admin.sock
author:
  - The ictops developers (@ictops)
"""

EXAMPLES = r"""
- name: Wait until the image is written
  ictops.schools.imaging_job:
    do: watch
    id: "{{ order.id }}"
    since: "{{ order.now }}"
  delegate_to: boot-server
  become: true
  register: job
  until: job.over
  retries: 100000
  delay: 1
"""

RETURN = r"""
id:
  description: The job's id.
  returned: always
  type: str
stage:
  description: V(unknown), V(armed), V(claimed), V(ended), V(expired) or V(cancelled).
  returned: always
  type: str
over:
  description: Whether there is nothing left to watch for.
  returned: when watching
  type: bool
silent:
  description: Whether nothing was heard for too long.
  returned: when watching
  type: bool
done:
  description: Whether the job was done.
  returned: when watching
  type: bool
host_keys:
  description: The public SSH host keys that the PC will have.
  returned: when watching
  type: list
  elements: str
ictops_progress:
  description: How far it is.
  returned: when watching, and it is not over
  type: dict
ictops_hardware:
  description: What the PC is made of, and what was written to it.
  returned: when watching, and it is over
  type: dict
now:
  description: The boot server's time.
  returned: always
  type: str
msg:
  description: How far it is, or what became of it, for a person.
  returned: always
  type: str
"""


def find(service: Service, ids: list[str]) -> dict:
    """Give the job that is there, or the id that the next one has."""
    for name in ids:
        try:
            state = service.ask("look", {"id": name})
        except ServiceError as error:
            if error.status != 404:  # noqa: PLR2004 - there is no such job
                raise
            return {"id": name, "stage": "unknown", "msg": "there is no job yet"}
        if state["state"] not in {"expired", "cancelled"}:
            return {"id": name, "stage": state["state"], "msg": progress_of(state)["text"]}
    raise ServiceError(
        0,
        f"{len(ids)} jobs of this host were armed in this run, and none was done in time; "
        "plan it again",
    )


def watch(service: Service, asked: dict) -> dict:
    """Wait for something new of a job, and tell how far it is."""
    stages = {"claimed": ("claimed", *OVER), "ended": OVER}[asked["until"]]
    deadline = time.monotonic() + asked["seconds"]
    state = service.ask("look", {"id": asked["id"]})
    while state["state"] not in stages:
        left = deadline - time.monotonic()
        if left <= 0:
            break
        ask = {"id": asked["id"], "seen": state["serial"], "seconds": max(1, int(left))}
        state = service.ask("wait", ask, seconds=left + 30)
    silent = (
        state["state"] not in OVER
        and silent_seconds(state, asked["since"], now()) > asked["patience"]
    )
    end = state["end"] or {}
    told = {
        "id": state["id"],
        "stage": state["state"],
        "silent": silent,
        "over": silent or state["state"] in stages,
        "done": state["state"] == "ended" and end.get("outcome") == DONE,
        "host_keys": state["host_keys"],
        "faults": state["faults"],
        "msg": words_of(state, silent=silent, patience=asked["patience"]),
    }
    if not told["over"]:
        return {**told, "ictops_progress": progress_of(state)}
    if state["hardware"] is not None:
        told["ictops_hardware"] = {
            "hardware": state["hardware"], "uuid": state["uuid"], "at": state["at"],
        }  # fmt: skip
    return {**told, "end": state["end"]}


def words_of(state: dict, *, silent: bool, patience: int) -> str:
    """Say for a person how far a job is, or what became of it."""
    end = state["end"]
    refused = "; ".join(state["faults"])
    if state["state"] == "ended" and end:
        return end_words(end)
    if silent and state["state"] == "armed":
        told = (
            f"it has not asked for its job in {patience} s: it is off, or does not boot from the "
            "network first, or its cable leads to another network"
        )
    elif silent:
        told = f"nothing was heard of it for {patience} s; last: {progress_of(state)['text']}"
    elif state["state"] in OVER:
        told = f"the job is {state['state']}, and was not done"
    else:
        told = progress_of(state)["text"]
    return f"{told} (refused: {refused})" if refused else told


def arm(service: Service, asked: dict) -> dict:
    """Let a job be done."""
    message = {key: asked[key] for key in ("job", "signature", "secret", "replace")}
    service.ask("arm", message)
    return {"id": asked["id"], "stage": "armed", "msg": "armed"}


def cancel(service: Service, ids: list[str], *, check: bool) -> tuple[bool, dict]:
    """Take jobs back; give whether one was, or would be, and what became of the last one."""
    changed, told = False, {"id": "", "stage": "unknown", "msg": "there is no job"}
    for name in ids:
        try:
            state = service.ask("look", {"id": name})
            if state["state"] not in OVER:
                state = state if check else service.ask("cancel", {"id": name})
                taken = state["state"] == ("armed" if check else "cancelled")
                changed = changed or taken
        except ServiceError as error:
            if error.status != 404:  # noqa: PLR2004 - there is no such job
                raise
            continue
        words = state["state"] if state["state"] in OVER else progress_of(state)["text"]
        told = {"id": name, "stage": state["state"], "msg": words}
    return changed, told


def main() -> None:
    """Do what is asked."""
    module = AnsibleModule(
        argument_spec={
            "do": {
                "type": "str",
                "choices": ["find", "arm", "watch", "cancel"],
                "required": True,
            },
            "ids": {"type": "list", "elements": "str"},
            "id": {"type": "str"},
            "job": {"type": "str"},
            "signature": {"type": "str"},
            "secret": {"type": "str", "no_log": True},
            "replace": {"type": "bool", "default": False},
            "until": {"type": "str", "choices": ["claimed", "ended"], "default": "ended"},
            "seconds": {"type": "int", "default": 8},
            "patience": {"type": "int", "default": 600},
            "since": {"type": "str", "default": ""},
            "socket": {"type": "path", "default": "/run/ictops-imaging/admin.sock"},
        },
        required_if=[
            ("do", "find", ["ids"]),
            ("do", "arm", ["id", "job", "signature"]),
            ("do", "watch", ["id"]),
            ("do", "cancel", ["ids"]),
        ],
        supports_check_mode=True,
    )
    asked = module.params
    service = Service(asked["socket"])
    changed = asked["do"] == "arm"
    try:
        if changed and module.check_mode:
            told = {"id": asked["id"], "stage": "unknown", "msg": "not in check mode"}
        elif asked["do"] == "find":
            told = find(service, asked["ids"])
        elif asked["do"] == "arm":
            told = arm(service, asked)
        elif asked["do"] == "watch":
            told = watch(service, asked)
        else:
            changed, told = cancel(service, asked["ids"], check=module.check_mode)
    except ServiceError as error:
        module.fail_json(msg=str(error), status=error.status)
    module.exit_json(changed=changed, now=now().isoformat(), **told)


if __name__ == "__main__":
    main()
