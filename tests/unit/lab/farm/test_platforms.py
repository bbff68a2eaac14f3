"""netmiko's own drivers talk to each simulated platform as to a real switch."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from netmiko.base_connection import BaseConnection
from netmiko.exceptions import ReadTimeout

from ictops.lab.farm.model import Neighbour
from ictops.lab.farm.process import Farm
from tests.support.farm import PLATFORMS, case, device, farm_of, logged_in

NEIGHBOUR = Neighbour(port="1", name="oak-sw-99", neighbour_port="Gi0/7", address="192.0.2.9")
JUNOS = "juniper_junos"
SAVES_BY_ITSELF = {JUNOS, "mikrotik_routeros"}
NO_NAMES_SHOWN = {"frr"}
"""Platforms whose table of ports has no descriptions."""


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    devices = [device(platform, neighbours=(NEIGHBOUR,)) for platform in PLATFORMS]
    with farm_of(tmp_path_factory.mktemp("farm"), *devices) as running:
        yield running


@pytest.fixture(scope="module")
def driven(farm: Farm) -> Iterator[dict[str, Future[None]]]:
    """Drive all platforms at once: some of netmiko's drivers mostly wait."""
    with ThreadPoolExecutor(len(PLATFORMS)) as pool:
        yield {platform: pool.submit(drive, farm, platform) for platform in PLATFORMS}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_netmiko_drives_it(driven: dict[str, Future[None]], platform: str) -> None:
    driven[platform].result()


def drive(farm: Farm, platform: str) -> None:
    with logged_in(farm, platform, platform) as switch:
        says_what_it_is(switch, platform)
        refuses_what_it_does_not_model(farm, switch, platform)
        changes_saves_and_undoes(farm, switch, platform)


def says_what_it_is(switch: BaseConnection, platform: str) -> None:
    shows = case(platform)["show"]
    assert "simulated" in str(switch.send_command(shows["version"])).lower()
    if "lldp" in shows:
        told = str(switch.send_command(shows["lldp"]))
        assert "oak-sw-99" in told
        assert "Gi0/7" in told
    if "modules" in shows:
        assert "SIM" in str(switch.send_command(shows["modules"]))
    if "interfaces" in shows and platform not in NO_NAMES_SHOWN:
        assert "classroom" in str(switch.send_command(shows["interfaces"]))


def refuses_what_it_does_not_model(farm: Farm, switch: BaseConnection, platform: str) -> None:
    tried = case(platform)
    before = farm.control.get(platform)["running"]
    assert tried["error"] in str(switch.send_command("show unicorns"))
    assert tried["error"] in switch.send_config_set([tried["refused"]])
    assert farm.control.get(platform)["running"] == before


def changes_saves_and_undoes(farm: Farm, switch: BaseConnection, platform: str) -> None:
    tried, control = case(platform), farm.control
    before = control.get(platform)["running"]
    shown = rows(switch, tried["show"]["running"])

    said = switch.send_config_set(tried["change"], exit_config_mode=False)
    assert tried["error"] not in said
    if platform == JUNOS:
        assert control.get(platform)["running"] == before, "it runs only once committed"
        switch.commit()
    switch.exit_config_mode()
    after = rows(switch, tried["show"]["running"])
    for line in tried["changed"]:
        assert line in after
        assert line not in shown

    if platform not in SAVES_BY_ITSELF:
        assert control.get(platform)["startup"] == before
        switch.save_config()
    saved = control.get(platform)
    assert saved["startup"] == saved["running"] != before
    if "startup" in tried["show"]:
        assert set(tried["changed"]) <= set(rows(switch, tried["show"]["startup"]))

    switch.send_config_set(tried["undo"], exit_config_mode=False)
    if platform == JUNOS:
        switch.commit()
    switch.exit_config_mode()
    assert control.get(platform)["running"] == before


def rows(switch: BaseConnection, show: str) -> list[str]:
    return [line.rstrip() for line in str(switch.send_command(show)).splitlines()]


@pytest.mark.parametrize("platform", ["cisco_ios", "hp_procurve"])
def test_a_wrong_enable_password_lets_nobody_in(farm: Farm, platform: str) -> None:
    with (
        pytest.raises((ValueError, ReadTimeout)),
        logged_in(farm, platform, platform, secret="guessed", read_timeout_override=1),
    ):
        pass
