"""The roles' Molecule scenarios, as ``molecule test -s NAME`` runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ictops.running.strategy import strategy_settings
from tests.support.lab import need_lab

pytestmark = pytest.mark.lab

PROJECT = Path(__file__).parents[2]
SCENARIOS = sorted(path.parent.name for path in PROJECT.glob("molecule/*/molecule.yml"))
IMAGING = {"imaging_server", "workstation_image"}


def test_every_role_has_a_scenario() -> None:
    assert sorted(path.name for path in (PROJECT / "roles").iterdir()) == SCENARIOS


@pytest.mark.parametrize(
    "scenario",
    [
        pytest.param(name, marks=[pytest.mark.imaging] if name in IMAGING else [])
        for name in SCENARIOS
    ],
)
def test_the_scenario_ends_well(scenario: str, tmp_path: Path) -> None:
    need_lab()
    tools = Path(sys.executable).parent
    # A folder of its own, so that two runs of the tests do not meet.
    own = {"MOLECULE_EPHEMERAL_DIRECTORY": str(tmp_path), "ANSIBLE_HOME": str(tmp_path / "home")}
    own |= strategy_settings("resident").env  # as a run has it, and many times faster
    path = os.pathsep.join([str(tools), os.environ["PATH"]])
    done = subprocess.run(
        [str(tools / "molecule"), "test", "-s", scenario], cwd=PROJECT, text=True, check=False,
        env={**os.environ, **own, "PATH": path, "NO_COLOR": "1"}, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-6000:]
    assert "secretcanary" not in done.stdout  # the hash of molecule/baseline
