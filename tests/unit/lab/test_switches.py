"""The switches of a lab, as its commands have them, without its other hosts."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Iterator
from ipaddress import IPv4Network
from pathlib import Path

import pytest
import yaml

from ictops.errors import LabError
from ictops.estate.load import Cluster
from ictops.lab.copy import copy_cluster, sites_to_copy
from ictops.lab.farm.ending import running, stop
from ictops.lab.faults import Fault
from ictops.lab.hosts import cluster_of
from ictops.lab.model import MARKER, Lab
from ictops.lab.remove import remove
from ictops.lab.switch_faults import SwitchStates, apply_switch_fault, switch_names
from ictops.lab.switches import (
    lab_switches,
    start_switches,
    switch_keys,
    write_farm_of,
    write_switch_login,
)
from ictops.network.device import Device, login
from ictops.settings import content_dir
from tests.support.farm import wait_until

CORE, EDGE, ELM = "oak-sw-01", "oak-sw-02", "elm-sw-01"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The demonstration's switches, running, in networks of this process' own."""
    one = Lab("lab", tmp_path_factory.mktemp("workspace") / "lab")
    (one.own).mkdir(parents=True, mode=0o700)
    demo = content_dir() / "inventories" / "demo"
    sites = sites_to_copy(demo)
    first = os.getpid() % 80 * 3
    networks = [IPv4Network(f"198.19.{first + number}.0/24") for number in range(3)]
    copy_cluster(demo, one.folder, sites, networks)
    (one.folder / MARKER).write_text(json.dumps({"copy_of": str(demo), "only": []}))
    write_farm_of(one, cluster_of(one))
    write_switch_login(one)
    try:
        start_switches(one, None)
        yield one
    finally:
        stop(one.farm)


@pytest.fixture
def cluster(lab: Lab) -> Cluster:
    return cluster_of(lab)


def device_of(lab: Lab, name: str) -> Device:
    """Give a switch as the lab's inventory and pins describe it."""
    variables = yaml.safe_load((lab.folder / "group_vars/switches/zz-lab-login.yml").read_text())
    switch = cluster_of(lab).find(name)
    keys = switch_keys(lab, [switch])
    platforms = {"oak": "cisco_ios", "elm": "aruba_aoscx", "row": "juniper_junos"}
    return Device(
        name=name,
        site=switch.site,
        platform=platforms[name[:3]],
        address=switch.address or "",
        port=switch.port,
        user=variables["ansible_user"],
        pins=frozenset(key for found in keys.values() for key in found),
        password=variables["ansible_password"],
        enable=variables["ansible_become_password"],
    )


def shown(lab: Lab, name: str, command: str) -> str:
    with login(device_of(lab, name)) as session:
        return session.show(command)


def state(lab: Lab, name: str) -> tuple[str, list[str]]:
    return SwitchStates(lab).state(name)


def test_every_switch_of_the_inventory_is_there(lab: Lab, cluster: Cluster) -> None:
    assert sorted(switch_names(lab)) == [
        "elm-sw-01", "elm-sw-02", "oak-sw-01", "oak-sw-02", "oak-sw-03", "row-sw-01",
    ]  # fmt: skip
    assert all(state(lab, one.name) == ("running", []) for one in lab_switches(cluster))


def test_each_lets_in_by_the_labs_own_login_and_says_that_it_is_simulated(lab: Lab) -> None:
    assert "simulated switch of a lab" in shown(lab, CORE, "show version")
    assert "simulated switch of a lab" in shown(lab, ELM, "show version")
    assert "simulated switch of a lab" in shown(lab, "row-sw-01", "show version")


def test_neighbours_are_those_of_both_ends(lab: Lab) -> None:
    said = shown(lab, CORE, "show lldp neighbors detail")
    assert "System Name: oak-srv-01" in said
    assert "System Name: oak-sw-02" in said
    assert "System Name: oakfield-router" in said
    below = shown(lab, EDGE, "show lldp neighbors detail")
    assert "System Name: oak-sw-01" in below
    assert "System Name: oak-sw-03" in below


def test_secrets_are_their_owners_alone_and_no_lab_has_anothers(lab: Lab, tmp_path: Path) -> None:
    for path in (lab.farm / "farm.json", lab.folder / "group_vars/switches/zz-lab-login.yml"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    other = Lab("other", tmp_path / "other")
    write_farm_of(Lab("lab", lab.folder), cluster_of(lab))
    mine = json.loads((lab.farm / "farm.json").read_text())["devices"]
    assert len({one["password"] for one in mine}) == 1
    write_farm_of(other, cluster_of(lab))
    others = json.loads((other.farm / "farm.json").read_text())["devices"]
    for name in ("password", "enable_password"):
        assert mine[0][name] != others[0][name]
        assert len(mine[0][name]) >= 20


def test_off_loses_what_was_not_stored(lab: Lab) -> None:
    with login(device_of(lab, EDGE)) as session:
        session._connection.send_config_set(["vlan 99", "name lost"])
    assert "vlan 99" in shown(lab, EDGE, "show running-config")
    apply_switch_fault(lab, EDGE, Fault.OFF)
    apply_switch_fault(lab, EDGE, Fault.OFF)
    apply_switch_fault(lab, EDGE, Fault.REBOOT)
    assert state(lab, EDGE) == ("off", [])
    apply_switch_fault(lab, EDGE, Fault.ON)
    assert state(lab, EDGE) == ("running", [])
    assert "vlan 99" not in shown(lab, EDGE, "show running-config")


def test_faults_add_up_and_heal_undoes_them(lab: Lab) -> None:
    apply_switch_fault(lab, ELM, Fault.REFUSE, line="vlan 60 (new")
    apply_switch_fault(lab, ELM, Fault.SLOW)
    apply_switch_fault(lab, ELM, Fault.DROP, at=3)
    apply_switch_fault(lab, ELM, Fault.CUT)
    assert state(lab, ELM) == ("running", ["refuse", "drop", "cut", "slow"])
    apply_switch_fault(lab, ELM, Fault.HEAL)
    assert state(lab, ELM) == ("running", [])


def test_a_line_is_refused(lab: Lab) -> None:
    apply_switch_fault(lab, ELM, Fault.REFUSE, line="vlan 60")
    with login(device_of(lab, ELM)) as session:
        said = str(session._connection.send_config_set(["vlan 60", "vlan 61"]))
    apply_switch_fault(lab, ELM, Fault.HEAL)
    running_config = shown(lab, ELM, "show running-config")
    assert "vlan 61" in running_config
    assert "vlan 60" not in running_config
    assert "vlan 60" in said


def test_up_again_undoes_all_and_ends_a_reboot(lab: Lab) -> None:
    before = running(lab.farm)
    apply_switch_fault(lab, CORE, Fault.OFF)
    apply_switch_fault(lab, EDGE, Fault.CUT)
    apply_switch_fault(lab, "oak-sw-03", Fault.REBOOT)
    assert state(lab, "oak-sw-03")[0] == "rebooting"
    start_switches(lab, None)
    assert running(lab.farm) == before, "it is the same process"
    for name in (CORE, EDGE, "oak-sw-03"):
        assert state(lab, name) == ("running", [])


def test_what_a_switch_cannot_have_is_said(lab: Lab) -> None:
    with pytest.raises(LabError, match="no disk"):
        apply_switch_fault(lab, CORE, Fault.FILL)
    with pytest.raises(LabError, match=r"which line.*--line"):
        apply_switch_fault(lab, CORE, Fault.REFUSE)


def test_a_process_that_was_killed_is_started_again(lab: Lab) -> None:
    pid = running(lab.farm)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: running(lab.farm) is None, "the farm's end")
    assert state(lab, CORE) == ("missing", [])
    with pytest.raises(LabError, match=r"do not run.*lab up"):
        apply_switch_fault(lab, CORE, Fault.OFF)
    start_switches(lab, None)
    assert "hostname oak-sw-01" in shown(lab, CORE, "show running-config")


def test_removing_a_lab_ends_its_switches(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("containers", "networks"):
        monkeypatch.setattr(f"ictops.lab.remove.{name}", lambda _: {})
    assert not remove(Lab("none", tmp_path / "none"))
    assert running(lab.farm) is not None, "another lab's are left alone"
    assert remove(lab)
    assert running(lab.farm) is None
    assert not lab.folder.exists()
