"""Drift of simulated switches, found by the role ``switch_config`` in check mode."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from ictops.lab.farm.process import Farm
from ictops.network.clean import normalised
from ictops.network.platform import load_platform
from ictops.settings import content_dir
from tests.support.farm import ENABLE, case, device, farm_of, logged_in

RUNNING = case("cisco_ios")["running"]
OLD = RUNNING.replace(" name classroom", " name pupils")
"""As it was before somebody gave VLAN 20 another name."""
NAMES = ("oak-sw-01", "oak-sw-02", "oak-sw-03")


@dataclass(frozen=True)
class School:
    """A workspace of one school: two switches that are behind, one that has not saved."""

    folder: Path
    farm: Farm

    def run(self, *words: str, code: int, cwd: Path | None = None) -> str:
        done = subprocess.run(
            words, cwd=cwd or self.folder, check=False, text=True, capture_output=True,
            stdin=subprocess.DEVNULL, timeout=120,
            env={
                **os.environ, "COLUMNS": "200", "ICTOPS_CONFIG": str(self.folder / "ictops.toml"),
                "ANSIBLE_CONFIG": str(content_dir() / "ansible.cfg"),
            },
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout

    def ictops(self, *words: str, code: int) -> str:
        return self.run(sys.executable, "-m", "ictops", *words, code=code)

    def configurations(self) -> list[list[str]]:
        """Give what the switches run and have stored, as netmiko is shown it."""
        found = []
        for name in NAMES:
            with logged_in(self.farm, name, "cisco_ios") as connection:
                for what in ("running", "startup"):
                    said = str(connection.send_command(f"show {what}-config"))
                    found.append(normalised(load_platform("cisco_ios"), said))
        return found


def inventory(farm: Farm, more: dict[str, dict[str, object]]) -> dict[str, object]:
    hosts = {
        name: {"ansible_host": farm.places[name][0], "ansible_port": farm.places[name][1]}
        for name in NAMES
    } | more  # fmt: skip
    return {
        "site_oak": {"hosts": hosts, "vars": {"site_name": "Oak", "site_phase": "primary"}},
        "switches": {
            "hosts": dict.fromkeys(hosts),
            "vars": {
                "switch_platform": "cisco_ios", "ansible_user": "admin",
                "ansible_password": "simulated", "ansible_become_password": ENABLE,
                "switch_config_vlans": [
                    {"id": 10, "name": "management"}, {"id": 20, "name": "classroom"},
                ],
            },
        },
    }  # fmt: skip


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    devices = [device("cisco_ios", name, running=OLD) for name in NAMES[:2]]
    devices.append(device("cisco_ios", NAMES[2], running=RUNNING, startup=OLD))
    with farm_of(tmp_path / "farm", *devices) as farm:
        folder = tmp_path / "inventories" / "mine"
        (folder / "known_hosts").mkdir(parents=True)
        known = farm.known_hosts.read_text()
        _, kind, key = known.splitlines()[0].split()
        gone = {"ansible_host": "127.0.0.9", "ansible_port": 9}
        (folder / "known_hosts" / "oak").write_text(f"{known}\n[127.0.0.9]:9 {kind} {key}\n")
        described = inventory(farm, {"oak-sw-04": gone})
        (folder / "oak.yml").write_text(yaml.safe_dump(described))
        (tmp_path / "ictops.toml").write_text('cluster = "mine"\nstate_dir = "state"\n')
        yield School(tmp_path, farm)


def test_each_drift_is_told_once_and_nothing_is_changed(school: School) -> None:
    before = school.configurations()
    said = school.ictops("switch", "drift", code=9)
    assert "\n3 drift, 1 unreachable\n" in said
    assert said.count("\nrunning vs intended: oak-sw-01, oak-sw-02, since ") == 1
    assert said.count("\nrunning vs startup: oak-sw-03, since ") == 1
    assert said.count("running vs ") == 2
    assert "name classroom" in said
    assert "\noak-sw-04 unreachable since " in said
    assert "simulated" not in said
    assert "changed" not in said
    assert school.configurations() == before
    found = json.loads(school.ictops("switch", "drift", "--json", code=9))
    for group in found["groups"]:
        assert group["since"] < found["created_at"], "it is as it was the first time"
    assert school.configurations() == before


def test_what_is_put_right_is_clean_and_drift_of_one_site_is_to_be_had(school: School) -> None:
    for name in NAMES:
        with logged_in(school.farm, name, "cisco_ios") as connection:
            connection.send_config_set(["vlan 20", "name classroom"])
            connection.save_config()
    said = school.ictops("switch", "drift", "--site", "oak", "--limit", "!oak-sw-04", code=0)
    assert "\n3 clean\n" in said


def test_plain_ansible_changes_nothing_either(school: School) -> None:
    before = school.configurations()
    playbook = content_dir() / "playbooks" / "switch_compare.yml"
    said = school.run(
        str(Path(sys.executable).parent / "ansible-playbook"),
        *("-i", "inventories/mine/oak.yml", "--limit", "!oak-sw-04", str(playbook)),
        code=0,
    )
    assert "changed=1" in said
    assert school.configurations() == before
