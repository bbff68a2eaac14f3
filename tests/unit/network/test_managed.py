from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ictops.errors import SwitchError
from ictops.network.clean import Mask, normalised
from ictops.network.difference import managed_difference
from ictops.network.platform import load_platform, platform_names
from tests.support.shown import shown_by

MASK = Mask(b"a key of these tests")
DATA = Path(__file__).parents[2] / "data" / "network"
CASES = [
    pytest.param(name, case, id=f"{name}: {case['what']}")
    for name, cases in yaml.safe_load((DATA / "managed.yml").read_text(encoding="utf-8")).items()
    for case in cases
]
FEATURES = ("vlans", "ports", "management", "ntp", "syslog", "snmp", "aaa", "dhcp_snooping",
            "storm_control", "spanning_tree", "dot1x", "hostname")  # fmt: skip


def sent(name, running, wanted, features, **more):
    found = managed_difference(load_platform(name), running, wanted, features, MASK, **more)
    return [" ".join([*(f"{line} >" for line in c.within), c.text]) for c in found.commands]


@pytest.mark.parametrize(("name", "case"), CASES)
def test_what_is_managed_is_sent_and_nothing_else(name, case):
    running, wanted = case["running"].splitlines(), case["wanted"].splitlines()
    assert sent(name, running, wanted, case["features"]) == case["sent"]
    if "rotated" in case:
        assert sent(name, running, wanted, case["features"], rotate=True) == case["rotated"]


@pytest.mark.parametrize("name", platform_names())
def test_a_switch_that_has_what_is_wanted_is_left_alone(name):
    lines = normalised(load_platform(name), shown_by(name).running)
    for rotate in (False, True):
        assert sent(name, lines, lines, FEATURES, rotate=rotate) == []


@pytest.mark.parametrize("name", platform_names())
def test_without_a_feature_nothing_is_taken_away(name):
    lines = normalised(load_platform(name), shown_by(name).running)
    assert sent(name, lines, [], []) == []


@pytest.mark.parametrize("name", platform_names())
@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_ports_that_are_not_wanted_and_vlan_1_are_never_touched(name, data):
    features = data.draw(st.sets(st.sampled_from(["ports", "vlans"])))
    lines = normalised(load_platform(name), shown_by(name).running)
    commands = sent(name, lines, [], features)
    ports = [one for rule in load_platform(name).manages["ports"] for one in [rule.expression]]
    assert [line for line in commands if any(one.match(line) for one in ports)] == []
    assert not {"no vlan 1", "no interface vlan1", "vlan 1"} & set(commands)


@pytest.mark.parametrize("name", platform_names())
def test_no_secret_is_seen(name):
    platform, shown = load_platform(name), shown_by(name)
    lines = normalised(platform, shown.running)
    lines = [line for line in lines if not line.startswith("/tool fetch")]  # no setting
    for secret in shown.secrets:
        changed = [line.replace(secret, secret.swapcase() + "0") for line in lines]
        for rotate in (False, True):
            found = managed_difference(platform, lines, changed, FEATURES, MASK, rotate=rotate)
            text = "\n".join([*found.shown, *(one.shown for one in found.commands), repr(found)])
            assert [one for one in (*shown.secrets, secret.swapcase()) if one in text] == []


def test_a_secret_that_is_another_counts_only_if_it_is_to_be_rotated():
    platform = load_platform("cisco_ios")
    running = ["username a secret 9 $9$aaaaaaaa$bbbbbbbb"]
    wanted = ["username a secret Open sesame"]
    assert not managed_difference(platform, running, wanted, ["aaa"], MASK)
    found = managed_difference(platform, running, wanted, ["aaa"], MASK, rotate=True)
    assert [one.text for one in found.commands] == wanted
    assert "sesame" not in repr(found)


def test_a_line_break_in_a_value_is_refused():
    wanted = ["interface GigabitEthernet0/1", " description a\nno vlan 10"]
    with pytest.raises(SwitchError, match="control character"):
        managed_difference(load_platform("cisco_ios"), [], wanted, ["ports"], MASK)
