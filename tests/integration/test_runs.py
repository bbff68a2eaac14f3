"""Runs on the lab's real hosts: carried, killed, resumed, cancelled."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ictops.running.sweep import processes_of
from tests.support.lab import Workspace
from tests.support.runs import (
    COUNTING,
    HOSTS,
    apply,
    counts,
    how_many_runs,
    newest,
    outcomes,
    tokens,
    until,
)

pytestmark = pytest.mark.lab


def test_a_playbook_of_anyones_goes_in_waves_over_every_site(workspace: Workspace) -> None:
    plan = workspace.plan(COUNTING.format(name="whole", seconds=0))
    workspace.ictops(*apply(plan))
    run = newest(workspace)
    assert outcomes(workspace, run) == dict.fromkeys(HOSTS, "changed")
    assert counts(workspace, "whole") == dict.fromkeys(HOSTS, 1)
    shown = workspace.json("run", "show", run)
    passed = [d for d in shown["decisions"] if d["what"] == "gate passed"]
    assert {d["site"] for d in passed} == {"lab001", "lab002"}


def test_a_cancel_leaves_no_process_behind(workspace: Workspace) -> None:
    plan = workspace.plan(COUNTING.format(name="cancelled", seconds=60))
    process = workspace.start(*apply(plan))
    until(lambda: sum(counts(workspace, "cancelled").values()) > 0, 30, "a host at work")
    run = newest(workspace)
    begun = time.monotonic()
    workspace.ictops("run", "cancel", run)
    assert processes_of(tokens(workspace)) == []
    assert time.monotonic() - begun < 10
    assert process.wait(10) == 7
    assert workspace.json("run", "show", run)["report"]["state"] == "cancelled"


def test_two_applies_of_one_plan_are_one_run(workspace: Workspace) -> None:
    plan = workspace.plan(COUNTING.format(name="twice", seconds=2))
    first = workspace.start(*apply(plan))
    until(lambda: sum(counts(workspace, "twice").values()) > 0, 30, "a host at work")
    workspace.ictops(*apply(plan), code=1)
    assert first.wait(90) == 0
    assert counts(workspace, "twice") == dict.fromkeys(HOSTS, 1)


def test_a_host_that_is_off_is_tried_again_until_it_is_done(workspace: Workspace) -> None:
    host = "lab001-ws-02"
    plan = workspace.plan(COUNTING.format(name="straggler", seconds=0))
    name = workspace.lab.name
    workspace.ictops("lab", "fault", host, "off", "--name", name)
    before = how_many_runs(workspace)
    process = workspace.start(*apply(plan))
    try:
        until(lambda: how_many_runs(workspace) > before, 30, "a run")
        run = newest(workspace)
        until(lambda: outcomes(workspace, run)[host] == "unreachable", 90, "found to be off")
    finally:
        workspace.ictops("lab", "fault", host, "on", "--name", name)
    assert process.wait(90) == 0
    assert outcomes(workspace, run) == dict.fromkeys(HOSTS, "changed")


def test_an_unknown_host_key_is_refused(workspace: Workspace) -> None:
    pinned = workspace.folder / "inventories" / "t" / "known_hosts" / "lab001"
    before = pinned.read_text()
    plan = workspace.plan(COUNTING.format(name="unknown", seconds=0), "--limit", "lab001-srv-01")
    pinned.write_text("".join(li for li in before.splitlines(True) if ".10 " not in li))
    try:
        process = workspace.start(*apply(plan))
        run = ""

        def refused() -> bool:
            nonlocal run
            if not workspace.json("run", "list"):
                return False
            run = newest(workspace)
            return outcomes(workspace, run).get("lab001-srv-01") == "unreachable"

        until(refused, 60, "the unknown key refused")
        (host,) = workspace.json("run", "show", run)["hosts"]
        assert "'ictops site trust lab001'" in host["reason"]
        workspace.ictops("run", "cancel", run)
        process.wait(15)
    finally:
        pinned.write_text(before)
    assert counts(workspace, "unknown")["lab001-srv-01"] == 0


SECRET = "canary-4711-wren"

LEAKY = """
- hosts: all
  gather_facts: false
  tasks:
    - name: A task whose name holds {{ a_secret }}
      ansible.builtin.command: echo {{ a_secret }}
      register: said
    - name: A later debug
      ansible.builtin.debug:
        var: said
"""


def test_a_secret_of_the_vault_is_found_nowhere(workspace: Workspace) -> None:
    group_vars = workspace.folder / "inventories" / "t" / "group_vars" / "all"
    password = workspace.folder / "vault-password"
    password.write_text("opens the vault\n")
    password.chmod(0o600)
    vaulted = group_vars / "vault.yml"
    vaulted.write_text(f"a_secret: {SECRET}\n")
    tool = Path(sys.executable).parent / "ansible-vault"
    words = [str(tool), "encrypt", "--vault-password-file", str(password), str(vaulted)]
    subprocess.run(words, check=True, capture_output=True)
    settings = workspace.folder / "ictops.toml"
    plain = settings.read_text()
    settings.write_text(plain + '[vault]\npassword_file = "vault-password"\n')
    try:
        plan = workspace.plan(LEAKY)
        process = workspace.start(*apply(plan))
        seen = set()
        while process.poll() is None:
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    words = entry.read_bytes()
                except OSError:
                    continue  # ended meanwhile
                # On a real host the module's own arguments are the host's affair; the
                # lab's hosts share this machine's process list.
                if SECRET.encode() in words and not words.startswith(b"echo"):
                    seen.add(words)
            time.sleep(0.02)
        output, _ = process.communicate()
    finally:
        settings.write_text(plain)
        vaulted.unlink()
    assert process.returncode == 0, output
    assert seen == set()
    assert SECRET not in output
    assert SECRET not in workspace.ictops("run", "logs", newest(workspace))
    assert "«secret»" in workspace.ictops("run", "logs", newest(workspace))
    for folder, _, files in os.walk(workspace.folder):
        for file in files:
            assert SECRET.encode() not in (Path(folder) / file).read_bytes(), file


TEMPLATE = """
- hosts: all
  gather_facts: false
  tasks:
    - name: A host says something
      ansible.builtin.command: cat /root/says
      register: said
    - name: And it is used
      ansible.builtin.debug:
        msg: "{{ said.stdout }}"
"""


def test_what_a_host_says_is_never_run(workspace: Workspace, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    says = "{{ lookup('pipe', 'touch " + str(trap) + "') }}"
    for host in HOSTS:
        workspace.on(host, "sh", "-c", f'cat > /root/says <<"E"\n{says}\nE')
    workspace.ictops(*apply(workspace.plan(TEMPLATE)))
    assert not trap.exists()
