"""The strategy ``resident`` on real hosts: the results of Ansible's own, and lost hosts."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ictops.settings import content_dir
from tests.support.lab import Workspace

DATA = Path(__file__).parent.parent / "data" / "resident"

VOLATILE = {
    *("start", "end", "delta", "atime", "mtime", "ctime", "inode", "version", "device_type"),
    *("ansible_job_id", "results_file", "started", "finished", "src", "_original_basename"),
    *("ansible_facts", "invocation"),
}
"""What differs from run to run, also under one strategy."""

KILL = (
    "for p in /proc/[0-9]*; do "
    "grep -qa '[i]ctops-resident' $p/cmdline && kill -9 ${p#/proc/}; done; true"
)
"""A shell command that ends every resident of a host."""


def play(
    workspace: Workspace, playbook: Path, strategy: str, *options: str, code: int = 0
) -> dict[str, Any]:
    """Run plain ansible-playbook on the first school; give what its JSON callback says."""
    environment = {
        **workspace.environment,
        "ANSIBLE_CONFIG": str(content_dir() / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(content_dir() / "collections"),
        "ANSIBLE_STRATEGY": strategy,
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
        "ANSIBLE_SSH_CONTROL_PATH_DIR": str(workspace.folder / "cp"),
        "ANSIBLE_SSH_ARGS": "-o ControlMaster=auto -o ControlPersist=5s",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    done = subprocess.run(
        [
            *("ansible-playbook", str(playbook)),
            *("-i", str(workspace.folder / "inventories" / "t" / "lab001.yml"), *options),
        ],
        env=environment, cwd=workspace.folder, text=True, capture_output=True, check=False,
        timeout=900,
    )  # fmt: skip
    assert done.returncode == code, done.stdout[-5000:] + done.stderr
    found = json.loads(done.stdout)
    assert isinstance(found, dict)
    return found


def told(found: dict[str, Any]) -> dict[str, list[Any]]:
    """Give what each host went through, without what is never the same twice."""
    hosts: dict[str, list[Any]] = {}
    for played in found["plays"]:
        for task in played["tasks"]:
            for host, result in task["hosts"].items():
                hosts.setdefault(host, []).append((task["task"]["name"], steady(result)))
    return hosts


def steady(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: steady(v) for k, v in value.items() if k not in VOLATILE}
    if isinstance(value, list):
        return [steady(item) for item in value]
    if isinstance(value, str):
        value = re.sub(r"ansible-tmp-[\d.-]+|/tmp/ansible\.\w+eq", "TMP", value)
        return re.sub(r"ansible-local-\w+/tmp\w+", "LOCAL", value)
    return value


def test_it_gives_what_the_linear_strategy_gives(workspace: Workspace, tmp_path: Path) -> None:
    big = tmp_path / "big"
    big.write_bytes(os.urandom(2_500_000))
    given = ("-e", json.dumps({"big_file": str(big), "fetched": str(tmp_path / "fetched")}))
    playbook = DATA / "everything.yml"
    play(workspace, playbook, "linear", *given, code=2)  # what it changes once is changed now
    ours = play(workspace, playbook, "ictops.schools.resident", *given, code=2)
    theirs = play(workspace, playbook, "linear", *given, code=2)
    assert ours["stats"] == theirs["stats"]
    for host, went in told(theirs).items():
        assert [name for name, _ in told(ours)[host]] == [name for name, _ in went]
        for our, their in zip(told(ours)[host], went, strict=True):
            assert our == their
    assert len(told(theirs)["lab001-srv-01"]) > 50


MORE_HOSTS_THAN_FORKS = """
- hosts: all
  gather_facts: false
  tasks:
    - command: echo {{ inventory_hostname }}
    - command: echo {{ item }}
      loop: [one, two]
    - command: echo by turns
      throttle: 1
    - command: echo in a process beside threads
      vars: {ansible_connection: "{{ 'local' if 'srv' in inventory_hostname else 'ssh' }}"}
    - command: echo after
"""


@pytest.mark.parametrize("forks", ["1", "2"])
def test_hosts_wait_for_one_another_if_forks_are_few(
    workspace: Workspace, tmp_path: Path, forks: str
) -> None:
    playbook = tmp_path / "play.yml"
    playbook.write_text(MORE_HOSTS_THAN_FORKS)
    ours, theirs = (
        told(play(workspace, playbook, strategy, "--forks", forks))
        for strategy in ("ictops.schools.resident", "linear")
    )
    assert len(ours) > int(forks)
    assert ours == theirs


LOST_BETWEEN = f"""
- hosts: lab001-ws-01
  gather_facts: false
  tasks:
    - command: echo before
    - name: In a process of its own, by plain ssh
      shell: "{KILL}"
      until: true
    - command: echo after
"""
LOST_WITHIN = f"""
- hosts: lab001-ws-01,lab001-ws-02
  gather_facts: false
  tasks:
    - command: echo before
    - shell: "{KILL}"
      when: inventory_hostname == 'lab001-ws-01'
    - command: echo the other goes on
"""


def test_a_resident_that_was_lost_between_tasks_is_started_again(
    workspace: Workspace, tmp_path: Path
) -> None:
    playbook = tmp_path / "play.yml"
    playbook.write_text(LOST_BETWEEN)
    found = play(workspace, playbook, "ictops.schools.resident")
    assert found["stats"]["lab001-ws-01"]["ok"] == 3


def test_a_host_that_is_lost_within_a_task_is_unreachable(
    workspace: Workspace, tmp_path: Path
) -> None:
    playbook = tmp_path / "play.yml"
    playbook.write_text(LOST_WITHIN)
    found = play(workspace, playbook, "ictops.schools.resident", code=4)
    lost, other = (found["stats"][f"lab001-ws-0{n}"] for n in (1, 2))
    assert (lost["ok"], lost["unreachable"], lost["failures"]) == (1, 1, 0)
    assert (other["ok"], other["unreachable"]) == (2, 0)


UNKNOWN_USER = """
- hosts: lab001-ws-01
  gather_facts: false
  vars: {ansible_become_user: nobody-of-that-name}
  tasks:
    - command: echo never
"""


def test_who_may_not_become_another_is_told_alike(workspace: Workspace, tmp_path: Path) -> None:
    playbook = tmp_path / "play.yml"
    playbook.write_text(UNKNOWN_USER)
    ours, theirs = (
        told(play(workspace, playbook, strategy, code=2))
        for strategy in ("ictops.schools.resident", "linear")
    )
    assert ours == theirs
    assert "nobody-of-that-name" in str(ours)
