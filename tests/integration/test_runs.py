"""Runs on the lab's real hosts: carried, killed, resumed, cancelled."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ictops.running.local import job_folder
from ictops.running.sweep import processes_of
from tests.support.lab import Workspace
from tests.support.runs import (
    COUNTING,
    HOSTS,
    apply,
    counts,
    how_many_runs,
    named_by_tokens,
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
    assert named_by_tokens(workspace) == []
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
    (tried_again,) = workspace.json("run", "show", run)["report"]["trouble"]
    assert tried_again["host"] == host
    assert tried_again["tries"] > 1


def test_an_unknown_host_key_is_refused(workspace: Workspace) -> None:
    pinned = workspace.folder / "inventories" / "t" / "known_hosts" / "lab001"
    before = pinned.read_text()
    plan = workspace.plan(COUNTING.format(name="unknown", seconds=0), "--limit", "lab001-srv-01")
    pinned.write_text("".join(li for li in before.splitlines(True) if ".10 " not in li))
    lax = workspace.folder / "ansible.cfg"
    lax.write_text(LAX)  # what it says of host keys is not heeded
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
        lax.unlink()
    assert counts(workspace, "unknown")["lab001-srv-01"] == 0


SECRETS = {
    "a_secret": "canary-4711-wren",
    "a_phrase": "canary words that are many so that they are folded",
    "a_pin": 471147114,
    "a_file": "canary-in-a-vars-file",
    "a_role": "canary-in-a-role",
}

LEAKY = """
- hosts: all
  gather_facts: false
  vars_files: [leaky/vars.yml]
  tasks:
    - name: A task whose name holds {{ a_secret }}
      ansible.builtin.command: echo {{ a_secret }}
      register: said
    - name: A later debug
      ansible.builtin.debug:
        var: said
    - name: In a number, a name of a variable, and folded
      ansible.builtin.debug:
        msg: "{{ {'pin': a_pin, a_secret: {'text': a_phrase} | to_nice_yaml(width=20)} }}"
    - name: Encoded, and in JSON in JSON
      ansible.builtin.debug:
        msg: "{{ a_secret | b64encode }} {{ {'a': a_phrase} | to_json | to_json | to_json }}"
    - name: From beside the playbook
      ansible.builtin.debug:
        msg: "{{ a_file }}"
    - name: From a role
      ansible.builtin.include_role:
        name: leaky
    - name: No such command
      ansible.builtin.command: /no/such/{{ a_secret }}
      ignore_errors: true
    - name: For the report
      ansible.builtin.fail:
        msg: "{{ a_secret }} and {{ a_pin }}"
      when: inventory_hostname == 'lab001-ws-01'
"""

LAX = """
[defaults]
log_path = ansible.log
[ssh_connection]
ssh_args = -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null
"""


@pytest.fixture
def vaulted(workspace: Workspace) -> Iterator[None]:
    """Put the secrets into vaulted files everywhere that Ansible reads them from."""
    folder = workspace.folder
    files = {
        folder
        / "inventories"
        / "t"
        / "group_vars"
        / "all"
        / "vault.yml": "a_secret a_phrase a_pin",
        folder / "leaky" / "vars.yml": "a_file",
        folder / "roles" / "leaky" / "vars" / "main.yml": "a_role",
    }
    (folder / "roles" / "leaky" / "tasks").mkdir(parents=True)
    (folder / "roles" / "leaky" / "tasks" / "main.yml").write_text(
        "- name: Say it\n  ansible.builtin.debug:\n    var: a_role\n"
    )
    password = folder / "vault-password"
    password.write_text("opens the vault\n")
    password.chmod(0o600)
    for path, names in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({name: SECRETS[name] for name in names.split()}))
    tool = Path(sys.executable).parent / "ansible-vault"
    words = [str(tool), "encrypt", "--vault-password-file", str(password), *map(str, files)]
    subprocess.run(words, check=True, capture_output=True)
    settings = folder / "ictops.toml"
    plain = settings.read_text()
    settings.write_text(plain + '[vault]\npassword_file = "vault-password"\n')
    (folder / "ansible.cfg").write_text(LAX)
    yield
    settings.write_text(plain)
    for path in (*files, folder / "ansible.cfg"):
        path.unlink()


def test_a_secret_of_the_vault_is_found_nowhere(workspace: Workspace, vaulted: None) -> None:
    wanted = [str(secret).encode() for secret in SECRETS.values()]
    plan = workspace.plan(LEAKY, "--site-failures", "100%", "--run-failures", "100%")
    process = workspace.start(*apply(plan))
    seen = set()
    while process.poll() is None:
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                words = (entry / "cmdline").read_bytes()
                around = (entry / "environ").read_bytes()
            except OSError:
                continue  # ended meanwhile
            # On a real host the module's own arguments are the host's affair; the lab's
            # hosts share this machine's process list.
            found = any(secret in words + around for secret in wanted)
            if found and not words.startswith(b"echo"):
                seen.add(words)
        time.sleep(0.02)
    output, _ = process.communicate()
    assert process.returncode == 4, output
    assert seen == set()
    run = newest(workspace)
    shown = [workspace.ictops("run", verb, run) for verb in ("logs", "show")]
    shown.append(workspace.ictops("run", "logs", run, "--json"))
    for said in (output, *shown):
        assert "«secret»" in said
        assert not any(secret.decode() in said for secret in wanted)
    jobs = job_folder(workspace.folder / "state")
    for top in (workspace.folder, jobs):
        for folder, _, files in os.walk(top):
            for file in filter(Path.is_file, (Path(folder, name) for name in files)):
                content = file.read_bytes()
                assert not any(secret in content for secret in wanted), file
    for host in HOSTS:
        kept = workspace.on(host, "journalctl", "--no-pager", "--quiet")
        assert not any(secret.decode() in kept for secret in wanted), "the host's own log"


TEMPLATE = """
- hosts: all
  gather_facts: true
  tasks:
    - name: A host says something
      ansible.builtin.command: cat /root/says
      register: said
    - name: And it is used, as is a fact and a value from elsewhere
      ansible.builtin.debug:
        msg: "{{ said.stdout }} {{ ansible_facts['ansible_local'] }} {{ imported }}"
    - name: Also where a template would be looked for
      ansible.builtin.copy:
        content: "{{ said.stdout }} {{ ansible_facts['ansible_local']['says'] }} {{ imported }}"
        dest: /root/repeated
"""


def test_what_a_host_says_is_never_run(workspace: Workspace, tmp_path: Path) -> None:
    trap, host = tmp_path / "trap", HOSTS[0]
    says = "{{ lookup('pipe', 'touch " + str(trap) + "') }}"
    files = {"/root/says": says, "/etc/ansible/facts.d/says.fact": json.dumps({"x": says})}
    for path, text in files.items():
        script = f"mkdir -p $(dirname {path}); cat > {path} <<'END'\n{text}\nEND"
        workspace.on(host, "sh", "-c", script)
    site = workspace.folder / "inventories" / "t" / "lab001.yml"
    before = site.read_text()
    values = f'site_lab001:\n  vars:\n    imported: !unsafe "{says}"\n'
    site.write_text(before.replace("site_lab001:\n", values, 1))
    try:
        workspace.ictops(*apply(workspace.plan(TEMPLATE, "--limit", host)))
    finally:
        site.write_text(before)
    assert not trap.exists()
    assert workspace.on(host, "cat", "/root/repeated").count("touch") == 3
