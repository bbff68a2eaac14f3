"""How a lab's switches come: each platform would take every line, and is reached by it."""

from __future__ import annotations

from ipaddress import IPv4Interface
from typing import Any

import pytest

from ictops.lab.farm.device import Device, Pace
from ictops.lab.farm.dialects import cli_for
from ictops.lab.farm.junos_tree import as_set
from ictops.lab.farm.kind import kind_names
from ictops.lab.farm.model import DeviceModel, Management
from ictops.lab.farm.trees import config_lines
from ictops.lab.startup import PLATFORMS, Vlan, port_name, set_up, text_of, vlans_of
from ictops.lab.wiring import PORTS, Cable
from ictops.network.platform import platform_names

CABLES = [
    Cable(1, "oak-srv-01"),
    Cable(PORTS - 1, "oak-sw-02", PORTS, trunk=True),
    Cable(PORTS, "oak-router", trunk=True),
]
ADDRESS = IPv4Interface("127.18.16.10/24")
PROFILES = {"staff": {"vlan": 30}, "phone": {"vlan": 60}}
VLANS = [
    {"id": number, "name": name}
    for number, name in ((10, "management"), (20, "classroom"), (30, "staff"), (60, "phones"))
]


def came(platform: str, variables: dict[str, Any] | None = None) -> str:
    return text_of(
        set_up(
            "oak-sw-01", platform, ADDRESS, variables or {}, CABLES, user="ictops", secret="5" * 32
        )
    )


def device(platform: str, text: str) -> Device:
    management = Management(vlan=10, uplink=port_name(platform, PORTS))
    model = DeviceModel(
        name="oak-sw-01", platform=platform, user="ictops", running=text, management=management
    )
    return Device(model, Pace(1, 1))


def test_a_lab_has_switches_of_every_platform() -> None:
    assert sorted(PLATFORMS) == kind_names() == sorted(platform_names())


@pytest.mark.parametrize("platform", sorted(PLATFORMS))
def test_the_switch_is_reached_and_shows_what_it_came_with(platform: str) -> None:
    one = device(platform, came(platform))
    assert not one.silent
    shown = "\n".join(config_lines(one.kind, one.running))
    for part in ("oak-sw-01", "127.18.16.10", "oak-srv-01", "classroom"):
        assert part in shown
    assert "phones" not in shown, "the newest VLAN is still to be brought out"
    grammar = one.kind.grammar
    again = [row for row in shown.split("\n") if grammar.exits or row != grammar.closing]
    assert device(platform, "\n".join(again)).running == one.running


@pytest.mark.parametrize("platform", sorted(PLATFORMS - {"juniper_junos", "mikrotik_routeros"}))
def test_the_switch_would_take_each_line_that_it_came_with(platform: str) -> None:
    one = device(platform, came(platform))
    cli = cli_for(one, "ictops")
    cli.to_mode("config")
    wrong = []
    for line in one.running:
        cli.to_mode("config")
        if not cli.configure(line.text):
            wrong.append(line.text)
        wrong += [f"{line.text}: {c.text}" for c in line.children if not cli.configure(c.text)]
    assert wrong == []


def test_junos_would_take_each_line_too() -> None:
    one = device("juniper_junos", came("juniper_junos"))
    cli = cli_for(one, "ictops")
    cli.run("configure")
    lines = list(as_set(one.running))
    assert len(lines) > PORTS
    assert [cli.run(line).text for line in lines] == [""] * len(lines)


def test_it_has_the_inventorys_vlans_but_for_the_newest() -> None:
    shown = came("cisco_ios", {"switch_config_vlans": VLANS})
    assert "vlan 30\n name staff\n" in shown
    assert "vlan 60" not in shown
    assert "switchport trunk allowed vlan 10,20,30\n" in shown


def test_it_has_the_inventorys_ports() -> None:
    ports = [port_name("cisco_ios", number) for number in (2, 3, 4, 5)]
    shown = came(
        "cisco_ios",
        {
            "switch_config_vlans": VLANS,
            "switch_config_profiles": PROFILES,
            "switch_config_ports": [
                {"ports": ports[:1], "profile": "staff", "description": "office 1"},
                {"ports": ports[1:2], "profile": "phone"},
                {"ports": ports[2:3], "vlan": 30},
                {"ports": ports[3:], "profile": "downlink"},
            ],
        },
    )
    blocks = shown.split("interface ")
    said = {block.split("\n")[0]: block for block in blocks}
    assert " description office 1\n switchport access vlan 30\n" in said[ports[0]]
    assert " switchport access vlan 20\n" in said[ports[1]], "its VLAN is not there yet"
    assert " switchport access vlan 30\n" in said[ports[2]]
    assert " switchport mode trunk\n" in said[ports[3]]
    assert "description" not in said[ports[1]], "the inventory has none for it"
    assert " description oak-srv-01\n" in said[port_name("cisco_ios", 1)]


@pytest.mark.parametrize(
    "given",
    ["{{ of_a_template }}", None, [], [{"id": "{{ x }}"}], [{"id": 4095}, {"id": 0}], [1, "a"]],
)
def test_what_is_a_template_or_nonsense_is_passed_over(given: object) -> None:
    assert "management" in {vlan.name for vlan in vlans_of({"switch_config_vlans": given})}
    said = dict.fromkeys(
        ("switch_config_ports", "switch_config_profiles", "switch_config_management"), given
    )
    assert came("cisco_ios", said) == came("cisco_ios")


def test_no_text_of_an_inventory_makes_a_line() -> None:
    bad = 'x"\n no shutdown\r!{{ 7 * 7 }}'
    ports = [{"ports": [port_name("cisco_ios", 2)], "description": bad, "vlan": 20}]
    vlans = [{"id": 10, "name": bad}, {"id": 20, "name": "ok"}, {"id": 30, "name": "z"}]
    said = {"switch_config_vlans": vlans, "switch_config_ports": ports}
    shown = came("cisco_ios", said)
    assert vlans_of(said)[0] == Vlan(10, "x-no-shutdown-7-7")
    assert "no shutdown" not in shown
    assert "49" not in shown
