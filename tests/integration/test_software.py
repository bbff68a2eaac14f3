"""Software rollouts on the lab's real hosts: by plain Ansible, and by ictops around people."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ictops.settings import content_dir
from tests.support.lab import Workspace
from tests.support.runs import apply, newest, outcomes, until

pytestmark = pytest.mark.lab

SCHOOL = ("lab001-ws-01", "lab001-ws-02", "lab001-srv-01")
BUSY = "lab001-ws-02"


def version(workspace: Workspace, host: str, package: str) -> str:
    words = ("dpkg-query", "-W", "-f", "${Package}=${Version} ")
    found = dict(pair.split("=") for pair in workspace.on(host, *words).split())
    return found.get(package, "")


@contextmanager
def somebody_at(workspace: Workspace, host: str) -> Iterator[None]:
    """Have a person logged on to a terminal of the host, with the very account that runs use."""
    status = workspace.json("lab", "status", "--name", workspace.lab.name)
    (address,) = (one["address"] for one in status if one["host"] == host)
    words = [
        "ssh", "-tt", "-i", str(workspace.lab.key), "-o", "StrictHostKeyChecking=yes",
        "-o", f"UserKnownHostsFile={workspace.folder}/inventories/t/known_hosts/lab001",
        f"ictops@{address}",
    ]  # fmt: skip
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        until(lambda: "ictops" in workspace.on(host, "who"), 20, "somebody logged on")
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)
    until(lambda: not workspace.on(host, "who"), 20, "nobody logged on")


def test_plain_ansible_checks_a_rollout_and_changes_nothing(workspace: Workspace) -> None:
    wanted = {"software_packages": [{"name": "school-fonts", "version": "1.1"}]}
    content = content_dir()
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"), "--check", "--diff",
            "-i", "inventories/t/lab001.yml", "-e", json.dumps(wanted),
            str(content / "playbooks" / "rollout.yml"),
        ],
        cwd=workspace.folder, env={**os.environ, "ANSIBLE_CONFIG": str(content / "ansible.cfg")},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "NEW packages will be installed:\n  school-fonts" in done.stdout
    for host in SCHOOL:
        assert f"changed: [{host}]" in done.stdout
        assert version(workspace, host, "school-fonts") == ""


@pytest.mark.timeout(240)
def test_a_host_is_left_alone_until_its_user_has_logged_out(workspace: Workspace) -> None:
    plan = workspace.folder / "rollout.yml"
    workspace.ictops(
        "plan", "rollout", "school-browser=2.0",
        str(workspace.lab.packages / "school-fonts_1.0_all.deb"), "--sites", "lab001",
        "--canary", "none", "--shares", "100%", "--in", "christmas", "--retry-every", "2s",
        "-o", str(plan),
    )  # fmt: skip
    with somebody_at(workspace, BUSY):
        process = workspace.start(*apply(plan))
        said = next(line for line in process.stdout or () if "deferred" in line)
        assert f"{BUSY} ictops logged on" in said
        assert version(workspace, BUSY, "school-browser") == "1.0"
    output, _ = process.communicate(timeout=90)
    assert process.returncode == 0, output
    assert outcomes(workspace, newest(workspace)) == dict.fromkeys(SCHOOL, "changed")
    assert {version(workspace, host, "school-browser") for host in SCHOOL} == {"2.0"}
    assert {version(workspace, host, "school-fonts") for host in SCHOOL} == {"1.0"}
