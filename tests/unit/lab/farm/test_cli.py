"""The command line of a simulated switch, without a session around it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ictops.lab.farm import show
from ictops.lab.farm.cli import Cli
from ictops.lab.farm.device import Device, Pace
from ictops.lab.farm.dialects import cli_for
from ictops.lab.farm.kind import load_kind
from ictops.lab.farm.trees import config_lines, read_config
from ictops.network.clean import normalised
from ictops.network.platform import load_platform
from tests.support.farm import PLATFORMS, device


def typed(platform: str, *lines: str) -> Cli:
    cli = cli_for(Device(device(platform, enable_password=None), Pace(1, 1)), "admin")
    for line in lines:
        cli.run(line)
    return cli


def shown(cli: Cli) -> list[str]:
    return config_lines(cli.kind, cli.device.running)


def test_a_banner_holds_what_would_be_a_comment_or_a_prompt() -> None:
    cli = typed("cisco_ios", "enable", "conf t", "banner motd ^C", "sw# hello", "! x", "^C", "end")
    text = "\n".join(shown(cli))
    assert "banner motd ^C\nsw# hello\n! x\n^C" in text
    assert read_config(cli.kind, text) == cli.device.running


def test_a_copy_asks_for_the_name_and_saves() -> None:
    cli = typed("cisco_ios", "enable", "conf t", "hostname other", "end")
    asked = cli.run("copy run start").ask
    assert asked is not None
    assert cli.device.startup != cli.device.running
    assert "[OK]" in asked.then("").text
    assert cli.device.startup == cli.device.running


def test_the_vlan_database_is_entered_and_left_from_enable() -> None:
    cli = typed("ubiquiti_edgeswitch", "enable", "vlan database", "vlan 30")
    assert cli.prompt() == "(oak-sw-01) (Vlan)#"
    cli.run("exit")
    assert cli.prompt() == "(oak-sw-01) #"
    assert "vlan 10,20,30" in shown(cli)


def test_a_first_word_alone_takes_nothing_away() -> None:
    cli = typed("cisco_ios", "enable", "conf t")
    before = cli.device.running
    assert "% Invalid input" in cli.run("no ip").text
    assert cli.device.running is before


def test_what_is_said_twice_leaves_the_section_and_all_around_it_alone() -> None:
    cli = typed("aruba_aoscx", "enable", "configure terminal", "interface 1/1/1")
    before = cli.device.running
    assert cli.run("no shutdown").text == ""
    assert cli.device.running == before
    assert cli.run("description still here").text == ""
    assert "    description still here" in shown(cli)


def test_a_port_that_is_not_there_cannot_be_made() -> None:
    cli = typed("cisco_ios", "enable", "conf t", "interface vlan 77")
    assert "interface Vlan77" in shown(cli)
    assert "% Invalid input" in cli.run("interface GigabitEthernet7/77").text


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("what", ["refused", "unknown"])
def test_what_it_says_against_a_line_is_known_for_a_refusal(platform: str, what: str) -> None:
    told = str(getattr(load_kind(platform).errors, what)).replace("{line}", "vlan 30")
    said = [line.replace("{caret}", "  ").strip() for line in told.splitlines()]
    assert any(load_platform(platform).refuses(line) for line in said)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_time_alone_changes_nothing_that_a_backup_keeps(platform: str) -> None:
    one = typed(platform).device

    def kept() -> list[list[str]]:
        shows = (show.version, show.inventory, show.running, show.startup, show.lldp)
        return [normalised(load_platform(platform), each(one)) for each in shows]

    before = kept()
    assert all(before[:1])
    one.booted_at -= timedelta(days=3)
    one.saved_at -= timedelta(days=3)
    one.changed_at -= timedelta(days=3)
    assert kept() == before
