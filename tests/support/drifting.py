"""Hosts that have something of all that can drift, and what somebody does to them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ictops.lab.cluster import Recipe
from ictops.lab.hosts import up
from ictops.lab.model import Lab
from ictops.lab.remove import remove
from tests.support.lab import Workspace

DATA = Path(__file__).parents[1] / "data" / "drift"
CAPABILITIES = ("SYS_ADMIN", "NET_ADMIN")
PACKAGES = ("nftables",)


@dataclass(frozen=True)
class Seed:
    """What somebody does to a host."""

    kind: str
    item: str
    """What a check must name it by."""
    do: str
    alone: bool = False
    """Whether it is on another host than the others."""
    person: bool = False
    """Whether no role puts it right by itself."""


def seeds() -> list[Seed]:
    return [Seed(**one) for one in yaml.safe_load((DATA / "seeds.yml").read_text())]


@contextmanager
def drifting_school(
    folder: Path, workstations: int, capabilities: Sequence[str] = CAPABILITIES
) -> Iterator[Workspace]:
    """A lab ``t`` whose workstations are to be what ``school.yml`` says, and are not yet."""
    (folder / "ictops.toml").write_text('cluster = "t"\nstate_dir = "state"\n')
    lab = Lab("t", folder / "inventories" / "t")
    try:
        up(lab, Recipe(sites=1, workstations=workstations), capabilities=capabilities)
        workspace = Workspace(folder, lab, seconds=180 + 20 * workstations)
        shutil.copy(DATA / "school.yml", lab.folder / "group_vars" / "workstations.yml")
        _give_packages(workspace, [f"lab001-ws-{n:02}" for n in range(1, workstations + 1)])
        yield workspace
    finally:
        remove(lab)


def _give_packages(workspace: Workspace, hosts: Sequence[str]) -> None:
    """Install Debian's packages that no host of a lab could fetch; this machine's apt does."""
    debs = workspace.folder / "debs"
    (debs / "partial").mkdir(parents=True)
    status = workspace.folder / "dpkg-status"
    status.write_text(workspace.on(hosts[0], "cat", "/var/lib/dpkg/status"))
    subprocess.run(
        [
            "apt-get", "install", "--yes", "--download-only", "--no-install-recommends",
            "--option=APT::Sandbox::User=root", "--option=Debug::NoLocking=true",
            f"--option=Dir::State::status={status}", f"--option=Dir::Cache::archives={debs}",
            *PACKAGES,
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    for host in hosts:
        name = workspace.lab.container(host)
        subprocess.run(["podman", "cp", str(debs), f"{name}:/root/debs"], check=True)
        workspace.on(host, "sh", "-c", "dpkg --install /root/debs/*.deb; rm -r /root/debs")


def make_right(workspace: Workspace, *words: str) -> None:
    """Bring the hosts to what they should be, by a plan."""
    name = f"plan-{len(list(workspace.folder.glob('plan-*')))}.yml"
    what = words or ("plan", "playbook", "site.yml", "--sites", "all", "--limit", "workstations")
    when = ("--in", "christmas", "--canary", "none", "--shares", "100%", "-o", name)
    workspace.ictops(*what, *when)
    workspace.ictops("apply", name, "--now", "--reason", "test", "--yes")


def check(
    workspace: Workspace, *words: str, code: int, limit: str = "workstations"
) -> dict[str, Any]:
    """Look for drift."""
    found: dict[str, Any] = workspace.json("drift", "check", "--limit", limit, *words, code=code)
    return found


def items_of(found: dict[str, Any], host: str) -> list[str]:
    """Give what differs on a host."""
    return [group["item"] for group in found["groups"] if host in group["hosts"]]


def fingerprints(
    workspace: Workspace, declared: dict[str, Any], steps: Sequence[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Do each step on its host, one after the other; give the host's fingerprint before and after.

    :param declared: what roles declare, as a run has it.
    :param steps: host and command.
    """
    take = {"ictops.schools.fingerprint": {"known": str(known_of(workspace, declared))}}
    tasks: dict[str, list[dict[str, Any]]] = {host: [take] for host, _ in steps}
    for host, command in steps:
        tasks[host] += [{"ansible.builtin.shell": command, "check_mode": False}, take]
    plays = [
        {"hosts": host, "gather_facts": False, "become": True, "tasks": done}
        for host, done in tasks.items()
    ]
    playbook = workspace.folder / "steps.yml"
    playbook.write_text(yaml.safe_dump(plays))
    told = play_in_check_mode(workspace, playbook)
    taken: dict[str, list[str]] = {}
    for play in told["plays"]:
        for task in play["tasks"]:
            for host, result in task["hosts"].items():
                if found := result.get("ictops_fingerprint"):
                    taken.setdefault(host, []).append(found["digest"])
    place = dict.fromkeys(taken, 0)
    pairs = []
    for host, _ in steps:
        at = place[host]
        pairs.append((taken[host][at], taken[host][at + 1]))
        place[host] = at + 1
    return pairs


def known_of(workspace: Workspace, declared: dict[str, Any]) -> Path:
    """Write down what roles declare, and that no host is known."""
    known = workspace.folder / "known.json"
    known.write_text(json.dumps({"declared": declared, "hosts": {}}))
    return known


def play_in_check_mode(workspace: Workspace, playbook: Path, *words: str) -> dict[str, Any]:
    """Run a playbook by plain Ansible, and give what it tells, modules' arguments too."""
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            *("-i", str(workspace.lab.folder / "lab001.yml"), str(playbook), "--check", *words),
        ],
        env=workspace.environment | plain_ansible(), cwd=workspace.folder, text=True,
        capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def plain_ansible() -> dict[str, str]:
    """Give the environment for ansible-playbook with our roles and collection, telling JSON."""
    content = Path(__file__).parents[2]
    return {
        "ANSIBLE_ROLES_PATH": str(content / "roles"),
        "ANSIBLE_COLLECTIONS_PATH": str(content / "collections"),
        "ANSIBLE_STRATEGY": "ictops.schools.resident",
        "ANSIBLE_STDOUT_CALLBACK": "ansible.posix.json",
        "ANSIBLE_PIPELINING": "true",
        "ANSIBLE_DEPRECATION_WARNINGS": "false",
    }
