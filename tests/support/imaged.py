"""A school of the lab with a boot server, which runs the real imaging service, and one PC."""

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

from ictops.estate.load import load_cluster
from ictops.imaging.published import ImagingFolder
from ictops.lab.cluster import Recipe
from tests.support.lab import Workspace, workspace_of
from tests.support.published import make_key, publish
from tests.support.runs import root_of

PROJECT = Path(__file__).parents[2]
PC, SERVER = "lab001-ws-01", "lab001-srv-01"
CODE = ("__init__.py", "errors.py", "imaging/__init__.py", "imaging/wire", "imaging/service")
AFTER = """
- hosts: linux
  gather_facts: false
  tasks:
    - name: Say that the roles were here
      ansible.builtin.shell: echo here >> /root/roles
"""


@dataclass(frozen=True)
class School:
    """The workspace, with an image named ``pc`` that is published."""

    workspace: Workspace

    @property
    def jobs(self) -> list[dict[str, Any]]:
        """What the boot server knows of each job."""
        folder = root_of(self.workspace, SERVER) / "var/lib/ictops-imaging/jobs"
        return [json.loads((one / "state.json").read_text())["state"] for one in folder.iterdir()]

    @property
    def mac(self) -> str:
        folder = self.workspace.folder / "inventories" / "t"
        mac = load_cluster(folder, self.workspace.folder / "cache").find(PC).mac
        assert mac is not None
        return mac

    @contextmanager
    def pc(self, *words: str) -> Iterator[subprocess.Popen[str]]:
        """Let the PC wait for its boot from the network, and end it at last."""
        lab = self.workspace.lab
        script = PROJECT / "molecule" / "workstation_image" / "files" / "pc.py"
        up = self.workspace.command("lab", "fault", PC, "on", "--name", "t")
        given = ["--container", lab.container(PC), "--server", lab.container(SERVER)]
        given += ["--keys", str(lab.own / "hosts" / PC)]
        process = subprocess.Popen(
            [sys.executable, str(script), *given, "--mac", self.mac, *words, "--", *up],
            cwd=self.workspace.folder, env=self.workspace.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            print(process.communicate()[0])  # noqa: T201 - shown where a test fails

    def plan(self, *words: str) -> Path:
        """Plan that the PC is imaged."""
        plan = self.workspace.folder / "image.yml"
        self.workspace.ictops(
            "plan", "image", "pc", "--limit", PC, "--in", "christmas", "--canary", "none",
            "--then", "after.yml", "--retry-every", "2s", *words, "-o", str(plan),
        )  # fmt: skip
        return plan


@contextmanager
def school(folder: Path) -> Iterator[School]:
    """A school that is up, its boot server ready."""
    with workspace_of(folder, Recipe(sites=1, workstations=1)) as workspace:
        images = ImagingFolder(folder / "state" / "imaging")
        publish(images)
        allowed = make_key(images)
        (folder / "after.yml").write_text(AFTER)
        variables = folder / "inventories" / "t" / "group_vars" / "workstations"
        variables.mkdir(parents=True, exist_ok=True)
        own = {"workstation_image_server": SERVER, "workstation_image_look_seconds": 1}
        (variables / "image.yml").write_text(yaml.safe_dump(own))
        serve(workspace, allowed)
        yield School(workspace)


def serve(workspace: Workspace, allowed: Path) -> None:
    """Start the imaging service on the boot server."""
    name = workspace.lab.container(SERVER)
    workspace.on(SERVER, "mkdir", "-p", "/opt/ictops/imaging", "/srv/tftp/grub/job")
    for part in CODE:
        place = f"{name}:/opt/ictops/{part}"
        subprocess.run(["podman", "cp", str(PROJECT / "ictops" / part), place], check=True)
    subprocess.run(["podman", "cp", str(allowed), f"{name}:/etc/ictops-signers"], check=True)
    workspace.on(SERVER, "sh", "-c", "echo 'boot @MAC@' > /etc/ictops-grub")
    workspace.on(
        SERVER, "systemd-run", "--unit=ictops-imaging", "--working-directory=/opt",
        "--property=Type=notify", "--property=RuntimeDirectory=ictops-imaging",
        "--property=StateDirectory=ictops-imaging",
        "python3", "-m", "ictops.imaging.service", "--state=/var/lib/ictops-imaging",
        "--run=/run/ictops-imaging", "--grub-jobs=/srv/tftp/grub/job",
        "--grub-template=/etc/ictops-grub", "--allowed-signers=/etc/ictops-signers",
    )  # fmt: skip
