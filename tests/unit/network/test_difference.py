from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ictops.errors import SwitchError
from ictops.network.clean import Mask, normalised
from ictops.network.difference import difference
from ictops.network.platform import load_platform, platform_names
from ictops.network.tree import tree_of
from tests.support.shown import shown_by

NAMES = platform_names()
MASK = Mask(b"a key of these tests")
DATA = Path(__file__).parents[2] / "data" / "network"


def lines_of(name):
    """Give a configuration, without what is a command and no setting."""
    lines = normalised(load_platform(name), shown_by(name).running)
    return [line for line in lines if not line.startswith("/tool fetch")]


def secrets_of(name):
    text = "\n".join(lines_of(name))
    return [secret for secret in shown_by(name).secrets if secret in text]


def told(name, before, after):
    """Give all that people see of a difference, or of the error that there is none."""
    try:
        found = difference(load_platform(name), before, after, MASK)
    except SwitchError as error:
        return str(error)
    return "\n".join([*found.shown, *(one.shown for one in found.commands), repr(found)])


def leaked(name, text, secrets):
    return [secret for secret in secrets if secret in text]


def other(secret):
    return secret.translate(str.maketrans("aeio0123456789AE", "eaoi1234567890EA"))


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_is_seen_when_all_comes_or_goes(name):
    lines, secrets = lines_of(name), secrets_of(name)
    assert leaked(name, told(name, lines, []), secrets) == []
    text = told(name, [], lines)
    assert leaked(name, text, secrets) == []
    assert text.count("<secret") >= len(secrets)


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_is_seen_when_one_line_comes_goes_or_is_another(name):
    lines, secrets = lines_of(name), secrets_of(name)
    for secret in secrets:
        changed = [line.replace(secret, other(secret)) for line in lines]
        without = [line for line in lines if secret not in line]
        for before, after in ((lines, changed), (lines, without), (without, lines)):
            text = told(name, before, after)
            assert leaked(name, text, [*secrets, other(secret)]) == [], secret
            assert text.strip() not in {"", "Difference(shown=(), commands=())"}, secret


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_some_lines_differ_from_themselves_in_nothing_and_no_secret_is_seen(name, data):
    lines, secrets = lines_of(name), secrets_of(name)
    kept = data.draw(st.sets(st.integers(0, len(lines) - 1), max_size=len(lines) // 2))
    some = [line for number, line in enumerate(lines) if number not in kept]
    assert not difference(load_platform(name), some, some, MASK).shown
    assert not difference(load_platform(name), some, some, MASK)
    assert leaked(name, told(name, some, lines), secrets) == []
    assert leaked(name, told(name, lines, some), secrets) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_difference_is_shown_if_and_only_if_something_is_sent(name):
    lines = lines_of(name)
    platform = load_platform(name)
    for gone in tree_of(platform, lines).children:
        rest = [line for line in lines if line != gone.text]
        found = difference(platform, rest, lines, MASK)
        assert bool(found.shown) == bool(found.commands), gone.text


@pytest.mark.parametrize("name", NAMES)
def test_a_control_character_is_refused(name):
    for character in "\n\r\x00\x1b\x7f\u2028":
        with pytest.raises(SwitchError, match="control character") as caught:
            difference(load_platform(name), [], ["hostname a", f"x secret{character}y"], MASK)
        assert "secret" not in str(caught.value)
        assert "line 2" in str(caught.value)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('/snmp set location="a $(/system reboot)"', "acts on"),
        ("/snmp set location=a; /system reboot", "acts on"),
        ("/system reboot", "no telling"),
    ],
)
def test_what_routeros_would_carry_out_is_refused(line, said):
    with pytest.raises(SwitchError, match=said):
        difference(load_platform("mikrotik_routeros"), [], [line], MASK)


def test_a_value_of_routeros_of_which_the_default_is_not_known_is_not_taken_back():
    before, after = ["/x set a=1 b=2"], ["/x set a=1"]
    with pytest.raises(SwitchError, match="nothing says how b is taken back"):
        difference(load_platform("mikrotik_routeros"), before, after, MASK)


def test_an_escaped_character_is_none_that_routeros_acts_on():
    line = r'/snmp set location="5\$ a; b"'
    found = difference(load_platform("mikrotik_routeros"), [], [line], MASK)
    assert [command.text for command in found.commands] == [line]


def sent(name, before, after):
    found = difference(load_platform(name), before.splitlines(), after.splitlines(), MASK)
    return [" ".join([*(f"{line} >" for line in c.within), c.text]) for c in found.commands]


CASES = yaml.safe_load((DATA / "differences.yml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "case"),
    [
        pytest.param(name, case, id=f"{name}: {case['what']}")
        for name, cases in CASES.items()
        for case in cases
    ],
)
def test_what_is_sent(name, case):
    assert sent(name, case["before"], case["after"]) == case["there"]
    assert sent(name, case["after"], case["before"]) == case["back"]
