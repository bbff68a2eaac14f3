"""What switches of every platform say of neighbours and ports, by netmiko's own drivers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ictops.errors import SwitchError, SwitchUnreachable
from ictops.lab.farm.kind import load_kind
from ictops.lab.farm.model import Neighbour as Heard
from ictops.lab.farm.process import Farm
from ictops.network.device import login
from ictops.network.neighbours import Neighbour
from ictops.network.ports import Port
from ictops.network.survey import Surveys, ask, survey
from ictops.network.topology import Switch
from tests.support.farm import PLATFORMS, case, described, device, farm_of

MUTE = {"frr"}
"""Platforms that hear nobody."""
NO_ADDRESS = {"juniper_junos", "netgear_prosafe", "ubiquiti_edgeswitch"}
"""Platforms whose table of neighbours has no addresses."""
SHORT_NAMES = {"frr": "", "hp_procurve": "classroom"}
"""Platforms that show no descriptions of ports, or cut them."""
NEVER_DISABLED = {"frr", "dell_os10", "juniper_junos", "mikrotik_routeros"}
"""Platforms that do not say what is shut down, or in whose case nothing is."""
NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)


def ports_in_case(platform: str) -> list[str]:
    """Give the first ports of a platform's case, as its configuration names them."""
    wanted = load_kind(platform).port
    lines = case(platform)["running"].splitlines()
    found = (re.search(wanted, line.strip().removesuffix(" {")) for line in lines)
    return list(dict.fromkeys(match[1] for match in found if match))


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Farm]:
    devices = [
        device(
            one,
            neighbours=(
                Heard(
                    port=ports_in_case(one)[0], name=f"core-{one.replace('_', '-')}.oak.example",
                    neighbour_port="ethernet1/1/7", address="192.0.2.9",
                ),
            ),
        )
        for one in PLATFORMS
    ]  # fmt: skip
    with farm_of(tmp_path_factory.mktemp("farm"), *devices) as running:
        yield running


@pytest.fixture(scope="module")
def said(farm: Farm) -> dict[str, tuple[list[Neighbour], list[Port]]]:
    """Ask a switch of each platform; all at once, as netmiko mostly waits."""

    def one(platform: str) -> tuple[list[Neighbour], list[Port]]:
        with login(described(farm, platform, platform)) as session:
            return ask(session)

    with ThreadPoolExecutor(len(PLATFORMS)) as pool:
        return dict(zip(PLATFORMS, pool.map(one, PLATFORMS), strict=True))


@pytest.mark.parametrize("platform", [one for one in PLATFORMS if one not in MUTE])
def test_its_neighbours_are_heard(
    said: dict[str, tuple[list[Neighbour], list[Port]]], platform: str
) -> None:
    (one,) = said[platform][0]
    assert one.port == ports_in_case(platform)[0]
    assert one.name == f"core-{platform.replace('_', '-')}.oak.example"
    assert one.its_port == "ethernet1/1/7"
    assert one.address == ("" if platform in NO_ADDRESS else "192.0.2.9")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_its_ports_are_known(
    said: dict[str, tuple[list[Neighbour], list[Port]]], platform: str
) -> None:
    heard, ports = said[platform]
    assert [port.name for port in ports] == ports_in_case(platform)
    first, second = ports[:2]
    assert first.state == "up"
    assert first.description == SHORT_NAMES.get(platform, "classroom 1")
    assert second.state == ("down" if platform in NEVER_DISABLED else "disabled")
    assert bool(heard) == (platform not in MUTE)


def test_one_that_is_off_is_written_down_and_holds_nobody_up(farm: Farm, tmp_path: Path) -> None:
    surveys = Surveys(tmp_path / "surveys")
    devices = [described(farm, one, one) for one in ("cisco_ios", "arista_eos")]
    farm.control.fault("arista_eos", refuse_logins=True)
    asked = [(one, Switch(one.name, one.platform, one.address)) for one in devices]
    done = dict(survey(asked, surveys, now=NOW, at_once=9, at_once_a_site=9, write=False))
    assert surveys.of("oak") == {}
    done = dict(survey(asked, surveys, now=NOW, at_once=9, at_once_a_site=9))
    farm.control.fault("arista_eos", refuse_logins=False)
    assert isinstance(done[devices[1]], SwitchUnreachable)
    kept = surveys.of("oak")
    assert (kept["cisco_ios"].fault, kept["cisco_ios"].at) == ("", NOW)
    assert kept["cisco_ios"].neighbours[0].name == "core-cisco-ios.oak.example"
    assert "does not answer" in kept["arista_eos"].fault
    assert kept["arista_eos"].switch.platform == "arista_eos"


def test_a_survey_that_is_none_of_ours_is_told(tmp_path: Path) -> None:
    (tmp_path / "oak").mkdir()
    (tmp_path / "oak" / "oak-sw-01.json").write_text('{"switch": {"name": "x"}}')
    with pytest.raises(SwitchError, match=r"oak-sw-01\.json: the survey cannot be read"):
        Surveys(tmp_path).of("oak")
