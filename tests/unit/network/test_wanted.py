"""What an inventory may say of a switch, and what is refused before a line is made of it."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictops.errors import SwitchError
from ictops.network.platform import load_platform, platform_names
from tests.support.example import lines, said_of, school, wanted

PLATFORMS = platform_names()
NASTY = (
    "desk\nno aaa new-model", "desk\r", "desk\r\n!", "desk\x0bx", "desk\x0cx", "desk\x1b[2J",
    "desk\x00", "desk\x7f", "desk\tx", "desk\x85x", "desk\u2028x", "desk\u2029x", "d\u00e9sk",
    "desk\u202ex", "desk\u200bx", "desk?", "desk\\", " desk", "desk ", "a  b", "x" * 65,
)  # fmt: skip
TEXTS = (
    ("switch_config_ports", 0, "description"),
    ("switch_config_snmp", "location"),
    ("switch_config_snmp", "contact"),
)
NAMES = (
    ("switch_config_hostname",),
    ("switch_config_vlans", 0, "name"),
    ("switch_config_ports", 0, "ports", 0),
    ("switch_config_snmp", "users", 0, "name"),
    ("switch_config_snmp", "users", 0, "group"),
    ("switch_config_ntp", "servers", 0),
    ("switch_config_syslog", "servers", 0),
    ("switch_config_aaa", "radius", 0, "address"),
    ("switch_config_management", "address"),
    ("switch_config_management", "gateway"),
    ("switch_config_snmp", "managers", 0),
    ("switch_config_ports", 3, "allowed_vlans"),
    ("switch_config_bridge",),
    ("switch_config_uplinks",),
)
SECRETS = (
    ("switch_config_snmp", "users", 0, "auth_password"),
    ("switch_config_snmp", "users", 0, "priv_password"),
    ("switch_config_aaa", "radius", 0, "secret"),
    ("switch_config_aaa", "tacacs", 0, "secret"),
)


def with_said(path: tuple[Any, ...], value: Any, platform: str = "cisco_ios") -> dict[str, Any]:
    variables = copy.deepcopy(school(platform))
    here: Any = variables
    for name in path[:-1]:
        here = here[name]
    here[path[-1]] = [value] if path[-1] in {"allowed_vlans", "switch_config_uplinks"} else value
    return variables


@pytest.mark.parametrize("path", [*TEXTS, *NAMES, *SECRETS], ids=str)
@pytest.mark.parametrize("nasty", NASTY, ids=ascii)
def test_what_could_be_a_second_command_is_refused(path: tuple[Any, ...], nasty: str) -> None:
    with pytest.raises(SwitchError) as refused:
        lines("cisco_ios", with_said(path, nasty))
    said = str(refused.value)
    assert said.startswith(f"oak-sw-01: {path[0]}")
    assert said.isprintable()
    if path in SECRETS:
        assert nasty not in said


@given(st.text(min_size=1, max_size=20), st.sampled_from(PLATFORMS))
def test_whatever_a_description_holds_it_is_one_printable_line(text: str, platform: str) -> None:
    plain = lines(platform, with_said(TEXTS[0], "desk", platform))
    said, refused = said_of(platform, with_said(TEXTS[0], text, platform))
    if refused:
        assert refused.startswith("oak-sw-01: switch_config_ports[0].description: ")
    else:
        assert len(said) == len(plain)
        assert all(line.isprintable() for line in said)
        other = [(a, b) for a, b in zip(said, plain, strict=True) if a != b]
        assert all("desk" in b for _, b in other)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=8, max_size=20))
def test_a_secret_is_one_word_of_its_line(secret: str) -> None:
    for platform in ("cisco_ios", "juniper_junos", "mikrotik_routeros"):
        said, refused = said_of(platform, with_said(SECRETS[2], secret, platform))
        if refused:
            assert secret not in refused
        else:
            assert len(said) == len(lines(platform, school(platform)))


@pytest.mark.parametrize("text", ["{{ 7 * 7 }}", "{% raw %}", "{# no #}", "${x}", "$(reboot)"])
@pytest.mark.parametrize("platform", ["cisco_ios", "juniper_junos", "arista_eos"])
def test_a_value_is_never_a_template(platform: str, text: str) -> None:
    assert any(text in line for line in lines(platform, with_said(TEXTS[0], text, platform)))


QUOTED = {
    "cisco_ios": ' description the "red" desk',
    "arista_eos": '   description the "red" desk',
    "juniper_junos": 'set interfaces ge-0/0/0 description "the \\"red\\" desk"',
    "mikrotik_routeros": (
        '/interface ethernet set [ find default-name=ether1 ] comment="the \\"red\\" desk"'
    ),
    "frr": ' description the "red" desk',
}  # fmt: skip


@pytest.mark.parametrize("platform", PLATFORMS)
def test_quotes_are_written_as_the_platform_has_them_or_refused(platform: str) -> None:
    variables = with_said(TEXTS[0], 'the "red" desk', platform)
    if platform in QUOTED or platform == "cisco_xe":
        assert QUOTED.get(platform, QUOTED["cisco_ios"]) in lines(platform, variables)
    else:
        with pytest.raises(SwitchError, match="holds '\"', which this platform does not take"):
            lines(platform, variables)


def test_routeros_does_not_read_a_variable_out_of_a_text() -> None:
    said = lines("mikrotik_routeros", with_said(TEXTS[0], "1 $password", "mikrotik_routeros"))
    assert any('comment="1 \\$password"' in line for line in said)


WRONG: dict[str, tuple[tuple[Any, ...], Any, str]] = {
    "VLAN 0": (("switch_config_vlans", 0, "id"), 0, "0 is no VLAN"),
    "VLAN 1": (("switch_config_vlans", 0, "id"), 1, "1 is no VLAN of a school's own"),
    "VLAN 4095": (("switch_config_vlans", 0, "id"), 4095, "4095 is no VLAN"),
    "a VLAN that is none": (("switch_config_vlans", 0, "id"), "twenty", "twenty"),
    "a VLAN twice": (("switch_config_vlans", 1, "id"), 20, "vlans: 20 is there twice"),
    "a name twice": (("switch_config_vlans", 1, "name"), "classrooms", "classrooms is there twice"),
    "an unknown VLAN": (("switch_config_ports", 0, "vlan"), 77, "VLAN 77 is not in"),
    "a range backwards": (("switch_config_ports", 3, "allowed_vlans"), "30-20", "neither a VLAN"),
    "an unknown profile": (("switch_config_ports", 0, "profile"), "lab", "no profile lab"),
    "a port twice": (
        ("switch_config_ports", 1, "ports", 0), "GigabitEthernet1/0/1", "is there twice"
    ),
    "an unknown setting": (("switch_config_ports", 0, "vlna"), 20, "vlna"),
    "a setting of a profile": (("switch_config_profiles", "staff", "vlna"), 20, "vlna"),
    "no settings": (("switch_config_profiles", "staff"), "x", "these are no settings"),
    "a mode": (("switch_config_ports", 0, "mode"), "hybrid", "hybrid"),
    "an address": (("switch_config_management", "address"), "192.0.2.300/24", "is no IPv4 address"),
    "no prefix": (("switch_config_management", "address"), "192.0.2.12", "no prefix length"),
    "another spelling": (
        ("switch_config_snmp", "managers", 0), "192.0.2.7/24", "is no IPv4 address or network"
    ),
    "a netmask": (
        ("switch_config_snmp", "managers", 0), "192.0.2.0/255.255.255.0", "to be written"
    ),
    "a priority": (("switch_config_spanning_tree", "priority"), 4097, "no multiple of 4096"),
    "percent": (("switch_config_storm_control", "broadcast"), 101, "more than 100 percent"),
    "no fallback": (("switch_config_aaa", "login"), ["radius"], "without local nobody comes in"),
    "no server": (("switch_config_aaa", "tacacs"), [], ""),
    "minutes": (("switch_config_minutes",), 60, "60 is no number of minutes"),
    "a trunk's VLAN": (("switch_config_ports", 6, "vlan"), 20, "are of access ports"),
    "an access port's native VLAN": (
        ("switch_config_ports", 0, "native_vlan"), 20, "native_vlan is of trunks"
    ),
    "an access port's list": (
        ("switch_config_ports", 0, "allowed_vlans"), "20", "allowed_vlans is of trunks"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_is_told_with_host_and_variable(what: str) -> None:
    path, value, why = WRONG[what]
    if what == "no server":
        variables = with_said(path, value)
        variables["switch_config_aaa"]["login"] = ["tacacs", "local"]
        why = "there is no server in switch_config_aaa.tacacs"
    else:
        variables = with_said(path, value)
    with pytest.raises(SwitchError) as refused:
        wanted("cisco_ios", variables)
    said = str(refused.value)
    assert said.startswith("oak-sw-01: ")
    assert path[0] in said
    assert why in said


def test_802_1x_without_a_server_to_ask_is_refused() -> None:
    variables = school("cisco_ios")
    variables["switch_config_aaa"] = {}
    with pytest.raises(SwitchError, match="dot1x: there is no server in switch_config_aaa"):
        wanted("cisco_ios", variables)


def test_a_secret_of_the_wrong_kind_is_not_told() -> None:
    with pytest.raises(SwitchError) as refused:
        wanted("cisco_ios", with_said(("switch_config_aaa", "radius", 0), "Meadow-pipit-1"))
    assert "Meadow" not in str(refused.value)
    with pytest.raises(SwitchError) as refused:
        wanted("cisco_ios", with_said((*SECRETS[0],), ["Wren-auth-77", "other"]))
    assert "Wren" not in str(refused.value)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_a_platform_cannot_do_is_said_with_host_feature_and_platform(platform: str) -> None:
    """The whole example asks each platform for something that it has not."""
    variables = copy.deepcopy(school("cisco_ios"))
    variables["switch_config_spanning_tree"]["mode"] = "rstp"
    variables["switch_config_storm_control"]["unit"] = "kbps"
    with pytest.raises(SwitchError) as refused:
        lines(platform, variables)
    said = str(refused.value)
    assert said.startswith("oak-sw-01: switch_config_")
    assert f" cannot be had on {load_platform(platform).title}: " in said


def test_what_is_said_of_a_port_goes_before_its_profile_and_that_before_the_ready_made() -> None:
    variables = {
        "switch_config_vlans": [{"id": 20, "name": "classrooms"}, {"id": 30, "name": "staff"}],
        "switch_config_profiles": {"classroom": {"vlan": 20, "spanning_tree": "normal"}},
        "switch_config_ports": [
            {"ports": ["GigabitEthernet1/0/1"], "profile": "classroom", "vlan": 30},
            {"ports": ["GigabitEthernet1/0/2"], "profile": "classroom", "storm_control": None},
        ],
        "switch_config_spanning_tree": {"mode": "rpvst"},
        "switch_config_storm_control": {"broadcast": 1},
    }
    first, second = wanted("cisco_ios", variables).values["ports"]
    assert (first.vlan, first.spanning_tree, first.storm_control) == (30, "normal", True)
    assert (second.vlan, second.storm_control) == (20, True)
    assert first.dot1x is False, "802.1X is not managed here"


def test_features_are_those_of_which_something_is_said() -> None:
    said = {"switch_config_ntp": {"servers": ["192.0.2.20"]}, "switch_config_syslog": {}}
    assert wanted("cisco_ios", said).features == {"ntp"}
    assert wanted("cisco_ios", {}).features == frozenset()
    assert len(wanted("cisco_ios", school("cisco_ios")).features) == 12
