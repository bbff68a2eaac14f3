import pytest
import yaml

from ictops.lab.farm.junos_tree import as_set
from ictops.lab.farm.kind import load_kind
from ictops.lab.farm.trees import read_config
from ictops.network.clean import Mask, normalised
from ictops.network.difference import difference
from ictops.network.path import touched
from ictops.network.platform import load_platform
from tests.support.farm import PLATFORMS, case
from tests.support.shown import FOLDER, shown_by
from tests.support.typed import as_commands

ADDRESS = "127.0.0.1"
UPLINKS = {"frr": "eth0", "mikrotik_routeros": "ether24"}


def told(name, lines, uplinks=(), address=ADDRESS, running=None):
    platform = load_platform(name)
    text = case(name)["running"] if running is None else running
    return touched(
        platform,
        shown_lines(platform, text),
        as_commands(platform, lines),
        address=address,
        uplinks=uplinks,
    )


def shown_lines(platform, text):
    """Give the lines of a farm's configuration as the platform shows them to a backup."""
    if platform.rules.dialect == "lines":
        return normalised(platform, text)
    kind = load_kind(platform.name)
    tree = read_config(kind, text)
    if platform.rules.dialect == "junos":
        return list(as_set(tree))
    return [f"{menu.text} {line.text}" for menu in tree for line in menu.children]


CUTS = [
    pytest.param(name, lines, id=f"{name}-{' | '.join(lines)}")
    for name in PLATFORMS
    for lines in case(name).get("cut", [])
]


@pytest.mark.parametrize(("name", "lines"), CUTS)
def test_what_cuts_a_switch_off_is_found(name, lines):
    uplink = case(name)["management"].get("uplink")
    assert len(told(name, lines, [uplink])) == 1
    assert len(told(name, lines)) == 1, "no uplink is known"


TAKEN = {
    "cisco_ios": ["interface Vlan20", "ip address 127.0.0.1 255.0.0.0"],
    "cisco_xe": ["interface Vlan20", "ip address 127.0.0.9 255.0.0.0"],
    "arista_eos": ["interface Vlan20", "ip address 127.0.0.9/8"],
    "aruba_aoscx": ["interface vlan 20", "ip address 127.0.0.9/8"],
    "hp_procurve": ["vlan 20", "ip address 127.0.0.1 255.0.0.0"],
    "dell_os10": ["interface vlan20", "ip address 127.0.0.9/8"],
    "juniper_junos": ["set interfaces irb unit 20 family inet address 127.0.0.1/8"],
}
"""The management's address, or one of its network, for another interface."""


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_the_address_of_the_management_is_nobody_elses(name):
    (said,) = told(name, TAKEN[name], [case(name)["management"]["uplink"]])
    assert "the management's address" in said
    other = [line.replace("127.0.0.", "198.51.100.").replace("255.0.0.0", "255.255.255.0")
             .replace("/8", "/24") for line in TAKEN[name]]  # fmt: skip
    assert told(name, other, [case(name)["management"]["uplink"]]) == []


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_new_vlan_on_all_trunks_is_no_touch(name):
    said = case(name)
    uplinks = [said["management"]["uplink"]] if "management" in said else [UPLINKS[name]]
    lines = [line for line in said["change"] if line not in said.get("touching", [])]
    assert told(name, lines, uplinks) == []


def path_data(name):
    return yaml.safe_load((FOLDER / name / "path.yml").read_text(encoding="utf-8"))


HAVE_DATA = sorted(path.parent.name for path in FOLDER.glob("*/path.yml"))


def of_data(name, lines, uplinks=None, address=None):
    platform, said = load_platform(name), path_data(name)
    return touched(
        platform,
        normalised(platform, shown_by(name).running),
        as_commands(platform, lines),
        address=address or said["address"],
        uplinks=said["uplinks"] if uplinks is None else uplinks,
    )


@pytest.mark.parametrize("name", HAVE_DATA)
def test_whatever_touches_the_path_is_found_and_nothing_else(name):
    said = path_data(name)
    unseen = [lines for lines in said["touched"] if len(of_data(name, lines)) != 1]
    wrongly = [told for lines in said["untouched"] for told in of_data(name, lines)]
    assert (unseen, wrongly) == ([], [])


@pytest.mark.parametrize("name", HAVE_DATA)
def test_less_known_never_finds_less(name):
    """Without uplinks, or with an address that stands nowhere, more counts."""
    for lines in path_data(name)["touched"]:
        assert of_data(name, lines, uplinks=()), lines
        assert of_data(name, lines, address="203.0.113.250"), lines
        assert of_data(name, lines, uplinks=(), address="203.0.113.250"), lines


@pytest.mark.parametrize(
    ("name", "uplinks", "lines"),
    [
        ("cisco_ios", ["Te9/9/9"], ["interface GigabitEthernet1/0/25", "shutdown"]),
        ("juniper_junos", ["ge-0/0/24.0"], ["set interfaces ge-0/0/24 disable"]),
        ("juniper_junos", ["xe-9/9/9"], ["set interfaces ge-0/0/24 disable"]),
        ("hp_procurve", ["48"], ["interface 25", "disable"]),
    ],
)
def test_a_port_that_the_switch_does_not_have_hides_no_other(name, uplinks, lines):
    assert of_data(name, lines, uplinks=uplinks)


BUNDLE = """
interface Port-channel1
 switchport mode trunk
interface GigabitEthernet0/47
 channel-group 1 mode active
interface GigabitEthernet0/48
 channel-group 1 mode active
interface GigabitEthernet0/46
 switchport mode trunk
interface Vlan10
 ip address 127.0.0.1 255.0.0.0
"""


@pytest.mark.parametrize("uplink", ["GigabitEthernet0/48", "Po1"])
def test_ports_that_are_put_together_are_all_uplinks(uplink):
    ports = ["Port-channel1", *(f"GigabitEthernet0/{number}" for number in (46, 47, 48))]
    lines = [line for port in ports for line in (f"interface {port}", "shutdown")]
    assert len(told("cisco_ios", lines, [uplink], running=BUNDLE)) == 3


def test_what_people_are_told_is_masked_and_says_what_is_touched():
    platform = load_platform("cisco_ios")
    running = ["interface Vlan10", " ip address 127.0.0.1 255.0.0.0", "vlan 10"]
    wanted = [*running[:-1], "username a secret Open sesame", "vlan 20"]
    found = difference(platform, running, wanted, Mask(b"a key of these tests"))
    said = touched(platform, running, found.commands, address=ADDRESS, uplinks=["Gi0/1"])
    assert [one.split(": ")[-1] for one in said] == ["who may log in", "the management VLAN"]
    assert said[-1] == "`no vlan 10`: the management VLAN"
    assert "sesame" not in "".join(said)
