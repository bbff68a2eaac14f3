"""Which VLANs a configuration has a switch carry, and whether the switch itself answers."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from ictops.errors import LabError
from ictops.lab.farm.carried import NOTHING, Carried, answers, carried, created
from ictops.lab.farm.config import Lines
from ictops.lab.farm.kind import Paths, load_kind
from ictops.lab.farm.model import DeviceModel, Management, Plane
from ictops.lab.farm.plane import Bridge
from ictops.lab.farm.trees import read_config

IOS, CX = "cisco_ios", "aruba_aoscx"
ALL = frozenset(range(1, 4095))


def read(platform: str, text: str) -> tuple[Paths, Lines]:
    kind = load_kind(platform)
    assert kind.management is not None
    return kind.management, read_config(kind, text)


@pytest.mark.parametrize(
    ("platform", "lines", "expected"),
    [
        (IOS, [], Carried(1)),
        (IOS, ["switchport access vlan 20"], Carried(20)),
        (IOS, ["switchport access vlan 20", "shutdown"], NOTHING),
        (IOS, ["switchport trunk allowed vlan 20", "switchport mode access"], Carried(1)),
        (IOS, ["switchport mode trunk"], Carried(1, ALL - {1})),
        (IOS, ["switchport trunk allowed vlan none", "switchport mode trunk"], NOTHING),
        (
            IOS,
            ["switchport trunk allowed vlan 10,20-22", "switchport mode trunk"],
            Carried(None, frozenset({10, 20, 21, 22})),
        ),
        (
            IOS,
            [
                "switchport trunk native vlan 20",
                "switchport trunk allowed vlan 10,20",
                "switchport mode trunk",
            ],
            Carried(20, frozenset({10})),
        ),
        (CX, ["no shutdown", "vlan access 20"], Carried(20)),
        (CX, ["shutdown", "vlan access 20"], NOTHING),
        (CX, ["vlan trunk native 1", "vlan trunk allowed 10,20"], Carried(1, frozenset({10, 20}))),
        (CX, ["vlan trunk allowed all"], Carried(1, ALL - {1})),
    ],
)
def test_what_a_port_carries(platform: str, lines: list[str], expected: Carried) -> None:
    port = "GigabitEthernet0/1" if platform == IOS else "1/1/1"
    paths, tree = read(platform, "\n ".join([f"interface {port}", *lines]))
    assert carried(paths, tree, port) == expected
    assert carried(paths, tree, f"{port}0") == NOTHING


def test_a_vlan_that_is_not_there_or_shut_is_not_carried() -> None:
    paths, tree = read(IOS, "vlan 10\nvlan 20\n name classroom\n shutdown\nvlan 30\n")
    assert created(paths, tree) == {1, 10, 30}
    assert Carried(20, frozenset({10, 40})).only(created(paths, tree)) == Carried(
        None, frozenset({10})
    )
    assert created(*read(CX, "vlan 1,5-7\nvlan 20\n")) == {1, 5, 6, 7, 20}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("vlan 10\ninterface Vlan10\n ip address 198.51.100.2 255.255.255.0\n", True),
        ("interface Vlan10\n ip address 198.51.100.2 255.255.255.0\n", False),
        ("vlan 10\n", False),
        ("vlan 10\ninterface Vlan10\n no ip address\n", False),
        ("vlan 10\ninterface Vlan10\n ip address 198.51.100.3 255.255.255.0\n", False),
        ("vlan 10\ninterface Vlan10\n ip address 198.51.100.2 255.255.255.0\n shutdown\n", False),
    ],
)
def test_the_switch_answers_where_it_did(text: str, expected: bool) -> None:
    original = "vlan 10\ninterface Vlan10\n ip address 198.51.100.2 255.255.255.0\n"
    paths, tree = read(IOS, text)
    assert answers(paths, 10, tree, read(IOS, original)[1]) is expected


@pytest.mark.parametrize("platform", ["juniper_junos", "hp_procurve", "mikrotik_routeros"])
def test_a_kind_whose_vlans_nobody_can_read_has_no_data_plane(platform: str) -> None:
    plane = Plane(database="/nowhere", bridge="none", ports={})
    with pytest.raises(LabError, match="cannot have a data plane"):
        Bridge("sw", load_kind(platform), plane, ())


def test_a_data_plane_that_is_not_there_is_said() -> None:
    plane = Plane(database="/nowhere", bridge="none", ports={"GigabitEthernet0/1": "port1"})
    bridge = Bridge("oak-sw-01", load_kind(IOS), plane, ())
    with pytest.raises(LabError, match="its data plane failed") as error:
        bridge.carry(read(IOS, "interface GigabitEthernet0/1\n")[1])
    assert error.value.where == "oak-sw-01"


def test_a_switch_with_a_data_plane_plays_no_cut() -> None:
    plane = Plane(database="/nowhere", bridge="none", ports={})
    with pytest.raises(ValidationError, match="cut off by that"):
        DeviceModel(name="sw", platform=IOS, plane=plane, management=Management(vlan=10))
