"""netmiko's own drivers talk to each simulated platform as to a real switch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ictops.lab.farm.model import Neighbour
from ictops.lab.farm.process import Farm
from tests.support.farm import PLATFORMS, case, device, farm_of, logged_in

NEIGHBOUR = Neighbour(port="1", name="oak-sw-99", neighbour_port="Gi0/7", address="192.0.2.9")
SAVES_BY_ITSELF = {"juniper_junos", "mikrotik_routeros"}


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    folder: Path = tmp_path_factory.mktemp("farm")
    devices = [device(platform, neighbours=(NEIGHBOUR,)) for platform in PLATFORMS]
    with farm_of(folder, *devices) as running:
        yield running


def meaningful(lines: list[str]) -> list[str]:
    return sorted(line.strip() for line in lines if line.strip(" !"))


@pytest.mark.parametrize("platform", PLATFORMS)
def test_netmiko_configures_and_saves(farm: Farm, platform: str) -> None:
    tried, control = case(platform), farm.control
    before = control.get(platform)["running"]
    with logged_in(farm, platform, platform) as switch:
        show = tried["show"]["running"]
        shown = switch.send_command(show).splitlines()
        assert meaningful(before) == meaningful(before) and len(before) > 8
        said = switch.send_config_set(tried["change"], exit_config_mode=False)
        assert tried["error"] not in said
        if platform == "juniper_junos":
            assert control.get(platform)["running"] == before, "it runs only once committed"
            switch.commit()
        switch.exit_config_mode()
        after = switch.send_command(show).splitlines()
        for line in tried["changed"]:
            assert line in [one.rstrip() for one in after]
            assert line not in [one.rstrip() for one in shown]

        saved = control.get(platform)
        if platform not in SAVES_BY_ITSELF:
            assert saved["startup"] == before
            switch.save_config()
        saved = control.get(platform)
        assert saved["startup"] == saved["running"] != before
        if "startup" in tried["show"]:
            startup = switch.send_command(tried["show"]["startup"]).splitlines()
            assert set(tried["changed"]) <= {line.rstrip() for line in startup}

        switch.send_config_set(tried["undo"], exit_config_mode=False)
        if platform == "juniper_junos":
            switch.commit()
        switch.exit_config_mode()
        assert control.get(platform)["running"] == before


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_is_not_modelled_is_refused(farm: Farm, platform: str) -> None:
    tried = case(platform)
    before = farm.control.get(platform)["running"]
    with logged_in(farm, platform, platform) as switch:
        if platform != "juniper_junos":  # whose driver has no words for an unknown command
            assert tried["error"] in switch.send_command("show unicorns")
        assert tried["error"] in switch.send_config_set([tried["refused"]])
    assert farm.control.get(platform)["running"] == before


@pytest.mark.parametrize("platform", PLATFORMS)
def test_it_says_that_it_is_simulated_and_shows_its_neighbours(farm: Farm, platform: str) -> None:
    shows = case(platform)["show"]
    with logged_in(farm, platform, platform) as switch:
        assert "simulated" in switch.send_command(shows["version"]).lower()
        if "lldp" in shows:
            told = switch.send_command(shows["lldp"])
            assert "oak-sw-99" in told
            assert "Gi0/7" in told
        if "modules" in shows:
            assert "SIM" in switch.send_command(shows["modules"])
        if "interfaces" in shows:
            assert "classroom 1" in switch.send_command(shows["interfaces"]) or platform in {
                "hp_procurve",
                "frr",
            }


@pytest.mark.parametrize("platform", ["cisco_ios", "hp_procurve", "ubiquiti_edgeswitch"])
def test_a_wrong_enable_password_lets_nobody_in(farm: Farm, platform: str) -> None:
    with (
        pytest.raises(ValueError, match="enable mode"),
        logged_in(farm, platform, platform, secret="guessed", read_timeout_override=2),
    ):
        pass
