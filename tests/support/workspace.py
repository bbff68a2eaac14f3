"""A workspace with the inventory of one school's switches, in which ictops and Ansible are said."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from ictops.lab.farm.process import Farm
from ictops.settings import content_dir
from tests.support.farm import ENABLE

SITE = {"site_name": "Oak", "site_phase": "primary"}
LOGIN = {
    "ansible_user": "admin",
    "ansible_password": "simulated",
    "ansible_become_password": ENABLE,
}
"""How a farm's switches let somebody in."""
SETTINGS = 'cluster = "mine"\nstate_dir = "state"\n'


def place_in(farm: Farm, name: str) -> dict[str, object]:
    """Give the variables that say where a farm's switch is."""
    address, port = farm.places[name]
    return {"ansible_host": address, "ansible_port": port}


@dataclass(frozen=True)
class SchoolWorkspace:
    """The workspace; the school is oak."""

    folder: Path
    within: Sequence[str] = field(default=(), kw_only=True)
    """What a command is said with, such as ``ip netns exec``."""

    def __post_init__(self) -> None:
        (self.inventory / "known_hosts").mkdir(parents=True, exist_ok=True)
        self.settings.write_text(SETTINGS)

    @property
    def settings(self) -> Path:
        return self.folder / "ictops.toml"

    @property
    def inventory(self) -> Path:
        return self.folder / "inventories" / "mine"

    @property
    def known_hosts(self) -> Path:
        """The school's pinned keys."""
        return self.inventory / "known_hosts" / "oak"

    def describe(
        self,
        switches: Mapping[str, Mapping[str, object]],
        variables: Mapping[str, object],
        site: Mapping[str, object] | None = None,
    ) -> None:
        """Write the school's file.

        :param switches: by name, with the variables of their own.
        :param variables: of all of them.
        :param site: of the school, beside :data:`SITE`.
        """
        described = {
            "site_oak": {
                "hosts": {name: dict(own) for name, own in switches.items()},
                "vars": {**SITE, **(site or {})},
            },
            "switches": {"hosts": dict.fromkeys(switches), "vars": dict(variables)},
        }
        (self.inventory / "oak.yml").write_text(yaml.safe_dump(described))

    def ictops(self, *words: str, code: int = 0) -> str:
        """Say an ictops command, and give what it says."""
        said = [sys.executable, "-m", "ictops", *words]
        return self._run(said, code, ICTOPS_CONFIG=str(self.settings))

    def play(self, playbook: str, *words: str, code: int = 0) -> str:
        """Play one of the content's playbooks by plain Ansible, and give what it says."""
        program = str(Path(sys.executable).with_name("ansible-playbook"))
        file = str(content_dir() / "playbooks" / playbook)
        said = [program, "-i", "inventories/mine/oak.yml", file, *words]
        return self._run(said, code, ANSIBLE_CONFIG=str(content_dir() / "ansible.cfg"))

    def _run(self, words: Sequence[str], code: int, **environment: str) -> str:
        done = subprocess.run(
            [*self.within, *words],
            cwd=self.folder, text=True, stdin=subprocess.DEVNULL, capture_output=True, check=False,
            timeout=180, env={**os.environ, "COLUMNS": "200", **environment},
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if "--json" in words else done.stdout + done.stderr
