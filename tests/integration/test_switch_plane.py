"""Changes of a switch that really carries: who reaches whom, and whether ictops reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from netmiko.exceptions import ReadTimeout

from tests.support.farm import logged_in
from tests.support.plane import IOS, NAME, PORTS, SERVER, SWITCH, School, need_plane, school

pytestmark = pytest.mark.alone

ONE, TWO, OTHER, UPLINK = PORTS[IOS]
MINUTE = 4.0
"""Seconds that a minute of the switch lasts."""
CUTS = [
    (f"interface {UPLINK}", "switchport trunk allowed vlan 20"),
    ("interface Vlan10", "shutdown"),
]


@pytest.fixture
def oak(tmp_path: Path) -> Iterator[School]:
    need_plane()
    with school(tmp_path, IOS, time_scale=MINUTE / 60, boot_seconds=30) as made:
        yield made


def typed(oak: School, *lines: str) -> None:
    """Type lines of configuration behind ictops' back, from the control box."""
    with oak.box.entered(), logged_in(oak.farm, NAME, IOS) as switch:
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
    before = oak.farm.control.get(NAME)
    with oak.box.entered(), logged_in(oak.farm, NAME, IOS) as switch:
        switch.send_command("configure terminal revert timer 1", expect_string=r"\(config\)#")
        with pytest.raises(ReadTimeout):
            switch.send_config_set(lines, enter_config_mode=False, read_timeout=0.5)
        assert not oak.box.reaches(SWITCH)
    oak.box.wait_reached(SWITCH)
    assert oak.farm.control.get(NAME)["running"] == before["running"]


def test_a_switch_that_reboots_carries_nothing_until_it_is_up(oak: School) -> None:
    typed(oak, f"interface {ONE}", "switchport access vlan 30")
    oak.wait_joined(ONE, OTHER)
    oak.farm.control.reboot(NAME)
    assert not oak.joined(ONE, OTHER)
    oak.wait_joined(ONE, TWO)
    assert not oak.joined(ONE, OTHER)
