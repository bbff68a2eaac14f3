"""A change that nobody confirms is taken back, by each platform's own means."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ictops.lab.farm.process import Farm
from tests.support.farm import case, device, farm_of, logged_in, wait_until

pytestmark = pytest.mark.alone

IOS, EOS, CX, HP, JUNOS = "cisco_ios", "arista_eos", "aruba_aoscx", "hp_procurve", "juniper_junos"
SCALE = 0.01
"""A minute of the switches lasts 0.6 s, and a reboot 1.2 s."""

REVERTS = {
    IOS: (["configure terminal revert timer 1", "CHANGE", "end"], ["configure confirm"]),
    EOS: (
        ["configure session one", "CHANGE", "commit timer 00:01:00"],
        ["configure session one commit"],
    ),
    CX: (["checkpoint auto 1", "configure terminal", "CHANGE", "end"], ["checkpoint auto confirm"]),
    JUNOS: (["configure", "CHANGE", "commit confirmed 1"], ["commit", "exit"]),
}
RELOADS = {
    IOS: (["reload in 1", "no", "", "configure terminal", "CHANGE", "end"], ["reload cancel"]),
    HP: (["reload after 1", "y", "configure", "CHANGE", "end"], ["no reload"]),
}


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    devices = [
        device(platform, f"{platform}-{use}")
        for platform in (IOS, EOS, CX, HP, JUNOS)
        for use in ("timer", "kept", "now")
    ]
    with farm_of(tmp_path_factory.mktemp("farm"), *devices, time_scale=SCALE) as running:
        yield running


def typed(lines: list[str], platform: str) -> list[str]:
    change = case(platform)["change"]
    return [part for line in lines for part in (change if line == "CHANGE" else [line])]


def send(switch: object, lines: list[str]) -> str:
    out = ""
    for line in lines:
        out += str(switch.send_command_timing(line, last_read=0.1))  # type: ignore[attr-defined]
    return out


@pytest.mark.parametrize("platform", REVERTS)
def test_the_timer_brings_the_old_configuration_back(farm: Farm, platform: str) -> None:
    name, control = f"{platform}-timer", farm.control
    before = control.get(name)["running"]
    with logged_in(farm, name, platform) as switch:
        for line in typed(REVERTS[platform][0], platform):
            switch.write_channel(line + switch.RETURN)
        wait_until(lambda: "revert" in control.get(name)["pending"], "the timer")
        wait_until(lambda: control.get(name)["running"] != before, "the change")
        wait_until(lambda: control.get(name)["running"] == before, "the old configuration")
        assert control.get(name)["pending"] == []
        assert control.get(name)["sessions"] == 1, "sessions stay"
        assert control.get(name)["startup"] == before


@pytest.mark.parametrize("platform", REVERTS)
def test_what_is_confirmed_stays(farm: Farm, platform: str) -> None:
    name, control = f"{platform}-kept", farm.control
    before = control.get(name)["running"]
    change, confirm = REVERTS[platform]
    with logged_in(farm, name, platform) as switch:
        for line in typed(change, platform) + confirm:
            switch.write_channel(line + switch.RETURN)
        wait_until(lambda: control.log(name)[-1] == confirm[-1], "the confirmation")
        after = control.get(name)
        assert after["pending"] == []
        assert after["running"] != before


@pytest.mark.parametrize("platform", RELOADS)
def test_a_scheduled_reload_ends_sessions_and_starts_with_what_was_saved(
    farm: Farm, platform: str
) -> None:
    name, control = f"{platform}-timer", farm.control
    before = control.get(name)
    lines = [line for line in typed(RELOADS[platform][0], platform) if line != "no"]
    with logged_in(farm, name, platform) as switch:
        for line in lines:
            switch.write_channel(line + ("" if line == "y" else switch.RETURN))
        wait_until(lambda: "reload" in control.get(name)["pending"], "the reload's timer")
        wait_until(lambda: control.get(name)["running"] != before["running"], "the change")
        wait_until(lambda: control.get(name)["down"], "the reload")
        assert control.get(name)["sessions"] == 0
        wait_until(lambda: not switch.is_alive(), "the end of the session")
    wait_until(lambda: not control.get(name)["down"], "the end of the reload")
    after = control.get(name)
    assert after["running"] == after["startup"] == before["startup"]
    assert after["boots"] == before["boots"] + 1
    with logged_in(farm, name, platform) as switch:
        assert switch.find_prompt().endswith("#")


@pytest.mark.parametrize("platform", RELOADS)
def test_a_cancelled_reload_does_not_come(farm: Farm, platform: str) -> None:
    name, control = f"{platform}-kept", farm.control
    start, cancel = RELOADS[platform]
    lines = [line for line in start if line not in {"no", "CHANGE", "configure", "end"}]
    with logged_in(farm, name, platform) as switch:
        before = control.get(name)["running"]
        if control.get(name)["startup"] != before:
            switch.save_config()
        for line in [*lines[:2], *cancel]:
            switch.write_channel(line + ("" if line == "y" else switch.RETURN))
        wait_until(lambda: control.log(name)[-1] == cancel[0], "the cancel")
        assert control.get(name)["pending"] == []
        assert control.get(name)["boots"] == 1


def test_ios_reverts_at_once_when_asked(farm: Farm) -> None:
    name, control = f"{IOS}-now", farm.control
    before = control.get(name)["running"]
    with logged_in(farm, name, IOS) as switch:
        send(switch, ["configure terminal revert timer 100", "hostname other", "end"])
        assert control.get(name)["running"] != before
        send(switch, ["configure revert now"])
        assert control.get(name)["running"] == before
        assert "No Rollback Confirmed Change pending" in send(switch, ["configure confirm"])


def test_eos_runs_nothing_of_a_session_that_is_aborted(farm: Farm) -> None:
    name, control = f"{EOS}-now", farm.control
    before = control.get(name)["running"]
    with logged_in(farm, name, EOS) as switch:
        send(switch, ["configure session two", "hostname other"])
        assert control.get(name)["running"] == before
        assert "(config-s-two)#" in switch.find_prompt()
        send(switch, ["abort"])
        assert control.get(name)["running"] == before
        assert "%" in send(switch, ["configure session two commit"])


def test_aoscx_goes_back_to_a_checkpoint(farm: Farm) -> None:
    name, control = f"{CX}-now", farm.control
    before = control.get(name)["running"]
    with logged_in(farm, name, CX) as switch:
        send(switch, ["copy running-config checkpoint good", "configure terminal", "hostname x"])
        send(switch, ["end"])
        assert control.get(name)["running"] != before
        assert "does not exist" in send(switch, ["checkpoint rollback bad"])
        send(switch, ["checkpoint rollback good"])
        assert control.get(name)["running"] == before


def test_junos_rolls_back_to_an_older_commit(farm: Farm) -> None:
    name, control = f"{JUNOS}-now", farm.control
    before = control.get(name)["running"]
    with logged_in(farm, name, JUNOS) as switch:
        send(switch, ["configure", "set system host-name other", "commit"])
        assert control.get(name)["running"] != before
        assert "load complete" in send(switch, ["rollback 1"])
        assert control.get(name)["running"] != before
        send(switch, ["commit", "exit"])
        assert control.get(name)["running"] == before
