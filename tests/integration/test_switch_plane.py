"""Changes of a switch that really carries: who reaches whom, and whether ictops reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from netmiko.exceptions import ReadTimeout

from tests.support.farm import logged_in
from tests.support.plane import SERVER, SWITCH, School, need_plane, school

IOS = "cisco_ios"
ONE, TWO, OTHER = (f"GigabitEthernet0/{n}" for n in (1, 2, 3))
UPLINK = "GigabitEthernet0/24"
RUNNING = f"""
hostname oak-sw-01
lldp run
vlan 10
 name management
vlan 20
 name classroom
vlan 30
 name staff
interface {ONE}
 switchport access vlan 20
 switchport mode access
interface {TWO}
 switchport access vlan 20
 switchport mode access
interface {OTHER}
 switchport access vlan 30
 switchport mode access
interface {UPLINK}
 switchport trunk allowed vlan 10,20
 switchport mode trunk
interface Vlan10
 ip address {SWITCH} 255.255.255.0
ip default-gateway 198.51.100.1
"""
MINUTE = 4.0
"""Seconds that a minute of the switch lasts."""
CUTS = [
    (f"interface {UPLINK}", "switchport trunk allowed vlan 20"),
    ("interface Vlan10", "shutdown"),
]


@pytest.fixture
def oak(tmp_path: Path) -> Iterator[School]:
    need_plane()
    ports = (ONE, TWO, OTHER)
    with school(
        tmp_path, IOS, RUNNING, ports, UPLINK, time_scale=MINUTE / 60, boot_seconds=30
    ) as made:
        yield made


def typed(oak: School, *lines: str) -> None:
    """Type lines of configuration behind ictops' back, from the control box."""
    with oak.box.entered(), logged_in(oak.farm, "oak-sw-01", IOS) as switch:
        switch.send_config_set(lines, read_timeout=10)


def test_a_port_in_another_vlan_reaches_others(oak: School) -> None:
    oak.wait_joined(ONE, TWO)
    oak.pcs[ONE].wait_reached(SERVER)
    assert not oak.joined(ONE, OTHER)
    assert not oak.pcs[OTHER].reaches(SERVER)
    assert not oak.pcs[ONE].reaches(SWITCH)
    typed(oak, f"interface {ONE}", "switchport access vlan 30")
    oak.wait_joined(ONE, OTHER)
    assert not oak.joined(ONE, TWO)
    assert not oak.pcs[ONE].reaches(SERVER)
    oak.pcs[TWO].wait_reached(SERVER)


@pytest.mark.parametrize(
    "lines",
    [
        ("no vlan 20",),
        ("vlan 20", "shutdown"),
        (f"interface {TWO}", "shutdown"),
        (f"interface {TWO}", "no switchport access vlan"),
    ],
)
def test_what_cuts_a_pc_off(oak: School, lines: tuple[str, ...]) -> None:
    oak.wait_joined(ONE, TWO)
    typed(oak, *lines)
    assert not oak.joined(ONE, TWO)
    oak.box.wait_reached(SWITCH)


@pytest.mark.parametrize("lines", CUTS)
def test_a_dead_man_brings_a_cut_off_switch_back(oak: School, lines: tuple[str, ...]) -> None:
    before = oak.farm.control.get("oak-sw-01")
    with oak.box.entered(), logged_in(oak.farm, "oak-sw-01", IOS) as switch:
        switch.send_command("configure terminal revert timer 1", expect_string=r"\(config\)#")
        with pytest.raises(ReadTimeout):
            switch.send_config_set(lines, enter_config_mode=False, read_timeout=0.5)
        assert not oak.box.reaches(SWITCH)
    oak.box.wait_reached(SWITCH)
    assert oak.farm.control.get("oak-sw-01")["running"] == before["running"]


def test_a_switch_that_reboots_carries_nothing_until_it_is_up(oak: School) -> None:
    typed(oak, f"interface {ONE}", "switchport access vlan 30")
    oak.wait_joined(ONE, OTHER)
    oak.farm.control.reboot("oak-sw-01")
    assert not oak.joined(ONE, OTHER)
    oak.wait_joined(ONE, TWO)
    assert not oak.joined(ONE, OTHER)
