"""What a difference says, sent to a simulated switch, makes it what was wanted."""

import pytest

from ictops.network.clean import Mask, settings_of
from ictops.network.difference import difference
from ictops.network.platform import load_platform
from tests.support.farm import PLATFORMS, case, device, farm_of, logged_in
from tests.support.typed import carry_out, running, typed

MASK = Mask(b"a key of these tests")


@pytest.fixture(scope="module")
def farm(tmp_path_factory):
    devices = [device(name) for name in PLATFORMS]
    with farm_of(tmp_path_factory.mktemp("farm"), *devices) as running_farm:
        yield running_farm


def by_hand(connection, platform, lines):
    """Type lines as the case of a platform has them."""
    if platform.rules.dialect == "routeros":
        for line in lines:
            typed(connection, platform, line)
        return
    connection.config_mode()
    for line in lines:
        typed(connection, platform, line)
    if platform.rules.dialect == "junos":
        typed(connection, platform, "commit")
    connection.exit_config_mode()


@pytest.mark.parametrize("name", PLATFORMS)
def test_a_difference_leads_there_and_back(farm, name):
    platform = load_platform(name)
    said = case(name)
    with logged_in(farm, name, name) as connection:
        a = running(connection, platform)
        by_hand(connection, platform, said["change"])
        b = running(connection, platform)
        assert settings_of(platform, a) != settings_of(platform, b)
        back = difference(platform, b, a, MASK)
        carry_out(connection, platform, back.commands)
        assert settings_of(platform, running(connection, platform)) == settings_of(platform, a)
        there = difference(platform, a, b, MASK)
        carry_out(connection, platform, there.commands)
        assert settings_of(platform, running(connection, platform)) == settings_of(platform, b)
        assert not difference(platform, running(connection, platform), b, MASK)
        carry_out(connection, platform, back.commands)
        assert settings_of(platform, running(connection, platform)) == settings_of(platform, a)
