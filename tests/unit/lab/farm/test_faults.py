"""What goes wrong with a simulated switch goes wrong as it would with a real one."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from netmiko.exceptions import (
    NetmikoAuthenticationException,
    NetmikoTimeoutException,
    ReadTimeout,
)
from paramiko.ssh_exception import SSHException

from ictops.errors import LabError
from ictops.lab.farm.model import Management
from ictops.lab.farm.process import Farm
from tests.support.farm import PLATFORMS, case, device, farm_of, logged_in, wait_until

pytestmark = pytest.mark.alone

IOS = "cisco_ios"
SCALE = 0.01
CUTS = [
    pytest.param(platform, lines, id=f"{platform}-{number}")
    for platform in PLATFORMS
    for number, lines in enumerate(case(platform).get("cut", []))
]
CHANGE = ["interface GigabitEthernet0/1", "description one", "interface GigabitEthernet0/2"]


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    devices = [device(IOS, f"sw-{number}") for number in range(30)]
    with farm_of(
        tmp_path_factory.mktemp("farm"), *devices, time_scale=SCALE, boot_seconds=20
    ) as running:
        yield running


@pytest.fixture(scope="module")
def unused(farm: Farm) -> Iterator[str]:
    return iter(farm.places)


@pytest.fixture
def name(unused: Iterator[str]) -> str:
    """Give a switch that no other test has."""
    return next(unused)


def test_a_line_is_refused(farm: Farm, name: str) -> None:
    farm.control.fault(name, refuse="^description")
    with logged_in(farm, name, IOS) as switch:
        before = farm.control.get(name)["running"]
        assert "Command rejected: description one" in switch.send_config_set(CHANGE)
        assert farm.control.get(name)["running"] == before
        farm.control.clear(name)
        assert "rejected" not in switch.send_config_set(CHANGE)


@pytest.mark.parametrize(("after", "taken"), [(False, False), (True, True)])
def test_the_session_drops_at_a_line(farm: Farm, name: str, after: bool, taken: bool) -> None:
    farm.control.fault(name, drop_at_line=2, drop_after=after)
    with logged_in(farm, name, IOS) as switch, pytest.raises((OSError, ReadTimeout)):
        switch.send_config_set(CHANGE, read_timeout=0.5)
    assert (" description one" in farm.control.get(name)["running"]) is taken
    assert farm.control.log(name)[-1] == "description one"
    with logged_in(farm, name, IOS) as switch:  # it drops once
        switch.send_config_set(CHANGE)


def test_it_hangs_and_goes_on(farm: Farm, name: str) -> None:
    with logged_in(farm, name, IOS) as switch:
        farm.control.fault(name, hang=True)
        switch.write_channel("show version\n")
        with pytest.raises(ReadTimeout):
            switch.read_until_pattern("register is", read_timeout=0.5)
        farm.control.fault(name, hang=False)
        assert "SIMULATED" in switch.read_until_pattern("register is")


def test_it_is_slow(farm: Farm, name: str) -> None:
    with logged_in(farm, name, IOS) as switch:
        farm.control.fault(name, latency=0.5)
        began = time.monotonic()
        switch.send_command("show version")
        assert time.monotonic() - began >= 0.5


def test_the_running_configuration_is_shown_empty_or_cut_short(farm: Farm, name: str) -> None:
    with logged_in(farm, name, IOS) as switch:
        whole = switch.send_command("show running-config").splitlines()
        farm.control.fault(name, truncated_running=9)
        assert len(switch.send_command("show running-config").splitlines()) == 9 < len(whole)
        farm.control.fault(name, empty_running=True)
        assert switch.send_command("show running-config") == ""


def test_what_is_volatile_changes_though_nobody_changed_anything(farm: Farm, name: str) -> None:
    with logged_in(farm, name, IOS) as switch:
        shown = {switch.send_command("show running-config") for _ in range(4)}
        assert len(shown) > 1


def test_an_unknown_host_key_is_not_trusted(farm: Farm, name: str) -> None:
    farm.control.fault(name, new_host_key=True)
    with (
        pytest.raises((SSHException, NetmikoTimeoutException), match=r"[Hh]ost key"),
        logged_in(farm, name, IOS),
    ):
        pass
    farm.control.clear(name)
    with logged_in(farm, name, IOS):
        pass


def test_logins_are_refused(farm: Farm, name: str) -> None:
    farm.control.fault(name, refuse_logins=True)
    with pytest.raises((SSHException, NetmikoTimeoutException)), logged_in(farm, name, IOS):
        pass
    assert farm.control.get(name)["logins"] == 0


def test_a_wrong_password_is_refused(farm: Farm, name: str) -> None:
    with (
        pytest.raises(NetmikoAuthenticationException),
        logged_in(farm, name, IOS, password="guessed"),
    ):
        pass


def test_a_prompt_stands_inside_the_banner(farm: Farm, name: str) -> None:
    farm.control.fault(name, banner_prompt="oak-sw-01#")
    with logged_in(farm, name, IOS) as switch:
        assert switch.find_prompt() == "oak-sw-01#"
        assert "SIMULATED" in switch.send_command("show version")


def test_descriptions_are_odd(farm: Farm, name: str) -> None:
    farm.control.fault(name, odd_descriptions=True)
    with logged_in(farm, name, IOS) as switch:
        shown = switch.send_command("show running-config")
    assert "É" in shown
    assert "\x07" in shown


def test_a_reboot_comes_back_with_what_was_saved(farm: Farm, name: str) -> None:
    with logged_in(farm, name, IOS) as switch:
        switch.send_config_set(CHANGE)
        farm.control.reboot(name)
        assert farm.control.get(name)["sessions"] == 0
    wait_until(lambda: not farm.control.get(name)["down"], "the end of the reboot")
    after = farm.control.get(name)
    assert " description one" not in after["running"]
    assert after["boots"] == 2


@pytest.mark.parametrize(
    ("fault", "what"),
    [({"drop_at_line": 0}, "drop_at_line"), ({"refuse": "("}, "refuse"), ({"fire": 1}, "fire")],
)
def test_a_wrong_fault_is_said(farm: Farm, name: str, fault: dict[str, object], what: str) -> None:
    with pytest.raises(LabError, match=what):
        farm.control.fault(name, **fault)


@pytest.fixture(scope="module")
def managed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    devices = [
        device(platform, f"{platform}-{n}", management=Management(**case(platform)["management"]))
        for platform in PLATFORMS
        for n in range(len(case(platform).get("cut", [])))
    ]
    with farm_of(
        tmp_path_factory.mktemp("farm"), *devices, time_scale=SCALE, boot_seconds=20
    ) as running:
        yield running


@pytest.mark.parametrize(("platform", "lines"), CUTS)
def test_a_change_cuts_its_own_path_until_a_reboot(
    managed: Farm, platform: str, lines: list[str]
) -> None:
    name = f"{platform}-{case(platform)['cut'].index(lines)}"
    control, (address, port) = managed.control, managed.places[name]
    junos = platform == "juniper_junos"
    with logged_in(managed, name, platform) as switch:
        config = "configure terminal" if "edge" not in platform else "configure"
        start = "configure" if junos or "netgear" in platform else config
        for line in [start, *lines, *(["commit confirmed 3"] if junos else [])]:
            assert not control.get(name)["silent"]
            switch.write_channel(line + switch.RETURN)
            wait_until(lambda line=line: control.log(name)[-1] == line, line)
        wait_until(lambda: control.get(name)["silent"], "the cut")
        switch.clear_buffer()
        switch.write_channel(switch.RETURN)
        with (
            socket.create_connection((address, port), timeout=0.2) as knock,
            pytest.raises(TimeoutError),
        ):
            knock.recv(1)
        assert switch.read_channel() == "", "it had as long as the knock for an answer"
        if not junos:
            control.reboot(name)
            wait_until(lambda: not control.get(name)["down"], "the end of the reboot")
        wait_until(lambda: not control.get(name)["silent"], "the old configuration")
    with socket.create_connection((address, port), timeout=5) as knock:
        assert knock.recv(4) == b"SSH-"


def test_a_timer_gives_a_silent_session_its_voice_back(tmp_path: Path) -> None:
    switch_of = device(IOS, "sw", management=Management(vlan=10))
    with (
        farm_of(tmp_path, switch_of, time_scale=SCALE) as farm,
        logged_in(farm, "sw", IOS) as switch,
    ):
        for line in ("configure terminal revert timer 1", "no interface Vlan10"):
            switch.write_channel(f"{line}\n")
        wait_until(lambda: farm.control.get("sw")["silent"], "the cut")
        switch.clear_buffer()
        switch.write_channel("do show clock\nend\n")
        assert "oak-sw-01#" in switch.read_until_pattern(r"oak-sw-01#$", read_timeout=5)
        assert not farm.control.get("sw")["silent"]
