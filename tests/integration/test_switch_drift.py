"""Drift of simulated switches, found by the role ``switch_config`` in check mode."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from ictops.lab.farm.process import Farm
from ictops.network.clean import normalised
from ictops.network.platform import load_platform
from tests.support.farm import case, device, farm_of, logged_in
from tests.support.workspace import LOGIN, SchoolWorkspace, place_in

RUNNING = case("cisco_ios")["running"]
OLD = RUNNING.replace(" name classroom", " name pupils")
"""As it was before somebody gave VLAN 20 another name."""
NAMES = ("oak-sw-01", "oak-sw-02", "oak-sw-03")


@dataclass(frozen=True)
class School(SchoolWorkspace):
    """Two switches that are behind, one that has not saved, and one that is not there."""

    farm: Farm

    def configurations(self) -> list[list[str]]:
        """Give what the switches run and have stored, as netmiko is shown it."""
        found = []
        for name in NAMES:
            with logged_in(self.farm, name, "cisco_ios") as connection:
                for what in ("running", "startup"):
                    said = str(connection.send_command(f"show {what}-config"))
                    found.append(normalised(load_platform("cisco_ios"), said))
        return found


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    devices = [device("cisco_ios", name, running=OLD) for name in NAMES[:2]]
    devices.append(device("cisco_ios", NAMES[2], running=RUNNING, startup=OLD))
    with farm_of(tmp_path / "farm", *devices) as farm:
        made = School(tmp_path, farm)
        known = farm.known_hosts.read_text()
        _, kind, key = known.splitlines()[0].split()
        made.known_hosts.write_text(f"{known}\n[127.0.0.9]:9 {kind} {key}\n")
        gone: dict[str, object] = {"ansible_host": "127.0.0.9", "ansible_port": 9}
        vlans = [{"id": 10, "name": "management"}, {"id": 20, "name": "classroom"}]
        made.describe(
            {**{name: place_in(farm, name) for name in NAMES}, "oak-sw-04": gone},
            {**LOGIN, "switch_platform": "cisco_ios", "switch_config_vlans": vlans},
        )
        yield made


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
    said = school.play("switch_compare.yml", "--limit", "!oak-sw-04")
    assert "changed=1" in said
    assert school.configurations() == before


def test_switches_are_looked_at_with_all_other_hosts(school: School) -> None:
    before = school.configurations()
    said = school.ictops("drift", "check", code=9)
    assert "\nswitch: 3 drift, 1 unreachable\n" in said
    assert said.count("\nrunning vs intended: oak-sw-01, oak-sw-02, since ") == 1
    assert said.count("\nrunning vs startup: oak-sw-03, since ") == 1
    assert "\noak-sw-04 unreachable since " in said
    assert school.configurations() == before
    assert "switch: 3 drift, 1 unreachable\n" in school.ictops("drift", "show", code=9)
