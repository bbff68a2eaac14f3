"""The strategy ``resident`` on tasks that need nothing of their hosts: the results of linear."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ictops.settings import content_dir

HOSTS = [f"oak-sw-{n:02d}" for n in range(12)]
OUTCOMES: dict[str, dict[str, Any]] = {
    **{host: {"changed": n % 2 == 0, "msg": f"as {host}", "unsaved": n == 3}
       for n, host in enumerate(HOSTS)},
    HOSTS[0]: {"failed": True, "msg": "its configuration is cut off"},
    HOSTS[5]: {"unreachable": True, "msg": "it does not answer"},
}  # fmt: skip
del OUTCOMES[HOSTS[7]]

ASK = {"name": "Ask", "ansible.builtin.debug": {"msg": OUTCOMES}, "run_once": True,
       "register": "asked"}  # fmt: skip
OUTCOME: dict[str, Any] = {
    "name": "Each its own",
    "ictops.schools.switch_outcome": {"outcomes": "{{ asked.msg }}"},
}
PRINT: dict[str, Any] = {"name": "The same", "ansible.builtin.debug": {"msg": "done"}}

NAME = {"name": "Another each", "ansible.builtin.debug": {"var": "inventory_hostname"}}


def play(folder: Path, strategy: str, tasks: list[dict[str, Any]], *options: str) -> dict[str, Any]:
    """Run a playbook on hosts that are nowhere; give what Ansible's JSON callback says."""
    plays = [
        {"hosts": "switches", "gather_facts": False, "tasks": tasks,
         "handlers": [{"name": "Tell", "ansible.builtin.debug": {"msg": "told"}}]},
        {"hosts": "all", "gather_facts": False, "tasks": [PRINT]},
    ]  # fmt: skip
    (folder / "play.yml").write_text(json.dumps(plays))
    (folder / "oak.yml").write_text(yaml.safe_dump({"switches": {"hosts": dict.fromkeys(HOSTS)}}))
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-playbook"),
         *("-i", "oak.yml", "play.yml", *options)],
        cwd=folder, text=True, capture_output=True, check=False,
        env={
            **os.environ, "ANSIBLE_CONFIG": str(content_dir() / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(content_dir() / "collections"),
            "ANSIBLE_STRATEGY": strategy, "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        },
    )  # fmt: skip
    assert done.stdout.startswith("{"), done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def told(found: dict[str, Any]) -> dict[str, list[Any]]:
    """Give what each host went through."""
    hosts: dict[str, list[Any]] = {}
    for played in found["plays"]:
        for task in played["tasks"]:
            for host, result in task["hosts"].items():
                hosts.setdefault(host, []).append((task["task"]["name"], result))
    return hosts


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"when": "inventory_hostname != 'oak-sw-04'"},
        {"register": "own", "failed_when": "'sw-02' in own.msg"},
        {"changed_when": True, "notify": "Tell"},
        {"ignore_errors": True, "ignore_unreachable": True},
        {"any_errors_fatal": True},
        {"loop": [1, 2]},
        {"run_once": True},
        {"no_log": True},
    ],
    ids=lambda more: "-".join(more) or "plain",
)
def test_each_host_gets_what_it_gets_by_itself(more: dict[str, Any], tmp_path: Path) -> None:
    tasks = [ASK, OUTCOME | more, PRINT, NAME]
    ours = play(tmp_path, "ictops.schools.resident", tasks)
    theirs = play(tmp_path, "linear", tasks)
    assert ours["stats"] == theirs["stats"]
    assert told(ours) == told(theirs)


def test_what_differs_by_host_is_not_handed_out(tmp_path: Path) -> None:
    by_name = "{{ {inventory_hostname: {'msg': inventory_hostname}} }}"
    own = {"name": "Own", "ansible.builtin.set_fact": {"asked": {"msg": by_name}}}
    found = told(play(tmp_path, "ictops.schools.resident", [own, OUTCOME]))
    assert found == told(play(tmp_path, "linear", [own, OUTCOME]))
    assert found["oak-sw-09"][1][1]["msg"] == "oak-sw-09"


def test_in_check_mode_too(tmp_path: Path) -> None:
    ours, theirs = (
        play(tmp_path, strategy, [ASK, OUTCOME, PRINT], "--check")
        for strategy in ("ictops.schools.resident", "linear")
    )
    assert (ours["stats"], told(ours)) == (theirs["stats"], told(theirs))
