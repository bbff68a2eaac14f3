"""A machine of its own to run ictops on: a container with systemd, beside a lab's hosts."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.lab import Workspace
from tests.support.runs import until

PROJECT = Path(__file__).parents[2]
SCHOOL = "/srv/school"
USER = "caretaker"


@dataclass(frozen=True)
class ControlBox:
    """The machine, with this project's ictops and a workspace in ``/srv/school``."""

    name: str

    def run(self, *words: str, user: str = "root", code: int = 0) -> str:
        command = ["podman", "exec", "--user", user, "--workdir", SCHOOL, self.name, *words]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def ictops(self, *words: str, user: str = USER, code: int = 0) -> str:
        return self.run(sys.executable, "-m", "ictops", *words, user=user, code=code)

    def json(self, *words: str, user: str = USER, code: int = 0) -> Any:
        return json.loads(self.ictops(*words, "--json", user=user, code=code))

    def write(self, path: str, text: str) -> None:
        words = ["podman", "exec", "-i", self.name, "sh", "-c", f"cat > '{path}'"]
        subprocess.run(words, input=text, text=True, check=True)


@contextmanager
def control_box(workspace: Workspace, neighbour: str) -> Iterator[ControlBox]:
    """Give a control box on the network of a lab's host, from the image of that host."""
    lab_host = workspace.lab.container(neighbour)
    (seen,) = json.loads(_podman("inspect", lab_host))
    box = ControlBox(f"{lab_host}-control-box")
    programs = {str(PROJECT), sys.prefix, sys.base_prefix} - {"/usr"}
    mounts = [word for path in sorted(programs) for word in ("--volume", f"{path}:{path}:ro")]
    _podman(
        "run", "--detach", "--systemd=always", "--name", box.name, "--hostname", "control-box",
        "--label", f"ictops.lab={workspace.lab.name}",
        "--network", next(iter(seen["NetworkSettings"]["Networks"])), *mounts,
        # systemd there makes a file system of its own for the service.
        "--cap-add", "SYS_ADMIN", "--security-opt", "seccomp=unconfined",
        "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096",
        seen["ImageName"], "/sbin/init",
        runtime=seen["OCIRuntime"],
    )  # fmt: skip
    try:
        _podman("exec", box.name, "mkdir", "-p", f"{SCHOOL}/inventories")
        until(lambda: _state(box) in {"running", "degraded"}, 60, "a control box that is up")
        box.run("useradd", "--system", "--create-home", "--home-dir", f"/var/lib/{USER}", USER)
        # A Python in somebody's home folder is to be there for all.
        parents = {parent for path in programs for parent in Path(path).parents}
        own = [p for p in parents if not any(p.is_relative_to(mounted) for mounted in programs)]
        box.run("chmod", "a+x", *map(str, own))
        _move_in(workspace, box)
        yield box
    finally:
        _podman("rm", "--force", "--time", "0", box.name)


def _state(box: ControlBox) -> str:
    words = ("podman", "exec", box.name, "systemctl", "is-system-running")
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout.strip()


def _move_in(workspace: Workspace, box: ControlBox) -> None:
    """Put the workspace's inventory there, with the ssh key where its user can read it."""
    inventory = workspace.folder / "inventories" / "t"
    _podman("cp", str(inventory), f"{box.name}:{SCHOOL}/inventories/t")
    for path in (inventory / "group_vars" / "all").glob("*.yml"):
        variables = yaml.safe_load(path.read_text())
        key = variables.get("ansible_ssh_private_key_file")
        if key:
            _podman("cp", key, f"{box.name}:/var/lib/{USER}/key")
            variables["ansible_ssh_private_key_file"] = f"/var/lib/{USER}/key"
            there = f"{SCHOOL}/inventories/t/group_vars/all/{path.name}"
            box.write(there, yaml.safe_dump(variables, width=1000))
    box.run("chown", "-R", f"{USER}:", f"/var/lib/{USER}")
    box.write(f"{SCHOOL}/ictops.toml", f'cluster = "t"\nstate_dir = "/var/lib/{USER}/state"\n')


def _podman(*words: str, runtime: str = "") -> str:
    flags = ["--runtime", runtime] if runtime else []
    done = subprocess.run(["podman", *flags, *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
