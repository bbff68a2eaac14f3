"""A lab of the tests' own: its hosts and networks are its own, and it is always taken away."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ictops.errors import LabError
from ictops.lab.cluster import Recipe
from ictops.lab.hosts import up
from ictops.lab.machine import require
from ictops.lab.model import Lab
from ictops.lab.remove import remove


@dataclass(frozen=True)
class Workspace:
    """A folder with ictops.toml, a cluster named ``t``, and the lab's hosts behind it."""

    folder: Path
    lab: Lab
    seconds: float = 180
    """How long a command may take."""

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "ictops", *words]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "ICTOPS_CONFIG": str(self.folder / "ictops.toml")}

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start ictops and leave it running."""
        return subprocess.Popen(
            self.command(*words), cwd=self.folder, env=self.environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip

    def run(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Run ictops to its end and expect this exit code; nobody answers its questions."""
        done = subprocess.run(
            self.command(*words), cwd=self.folder, env=self.environment, text=True,
            stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=self.seconds,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done

    def ictops(self, *words: str, code: int = 0) -> str:
        """Run ictops, expect this exit code, and give all that it prints."""
        done = self.run(*words, code=code)
        return done.stdout + done.stderr

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self.run(*words, "--json", code=code).stdout)

    def on(self, host: str, *words: str) -> str:
        """Run a command on a host of the lab, behind Ansible's back."""
        name = self.lab.container(host)
        return subprocess.run(
            ["podman", "exec", name, *words], check=True, capture_output=True, text=True
        ).stdout

    def plan(self, playbook: str, *options: str) -> Path:
        """Plan a playbook for every host; ``playbook`` is its text."""
        (self.folder / "play.yml").write_text(playbook)
        plan = self.folder / f"plan-{secrets.token_hex(3)}.yml"
        self.ictops(
            "plan", "playbook", "play.yml", "--sites", "all", "--in", "christmas",
            "--retry-every", "2s", *options, "-o", str(plan),
        )  # fmt: skip
        return plan


def need_lab() -> None:
    """Skip the test, saying what to install, where no lab can be; but never in CI."""
    try:
        require()
    except LabError as error:
        if os.environ.get("CI"):
            raise
        pytest.skip(f"no lab on this machine: {error}")


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Two schools with two workstations and a server each, up and answering."""
    need_lab()
    with workspace_of(tmp_path_factory.mktemp("workspace"), Recipe(sites=2, workstations=2)) as one:
        yield one


@contextmanager
def workspace_of(folder: Path, recipe: Recipe) -> Iterator[Workspace]:
    """A workspace with a lab ``t``, up and answering while this lasts."""
    (folder / "ictops.toml").write_text('cluster = "t"\nstate_dir = "state"\n')
    lab = Lab("t", folder / "inventories" / "t")
    try:
        up(lab, recipe)
        yield Workspace(folder, lab)
    finally:
        remove(lab)
