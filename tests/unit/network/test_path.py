import pytest
import yaml

from ictops.lab.farm.junos_tree import as_set
from ictops.lab.farm.kind import load_kind
from ictops.lab.farm.trees import read_config
from ictops.network.clean import normalised
from ictops.network.path import touched
from ictops.network.platform import load_platform
from tests.support.farm import PLATFORMS, case
from tests.support.sent import as_commands
from tests.support.switches import FOLDER, shown_by

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
