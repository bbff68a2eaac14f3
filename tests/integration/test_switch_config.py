"""The role ``switch_config`` on a simulated switch of every platform, and by plain Ansible."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ictops.errors import SwitchError
from ictops.lab.farm.process import Farm
from ictops.network.archive import Archive
from ictops.network.attempt import Patience
from ictops.network.change import Checks, Options
from ictops.network.device import Device
from ictops.network.difference import managed_difference
from ictops.network.jobs import Done, checks_by, configure
from ictops.network.platform import load_platform
from tests.support.changes import SCALE, NoSeal
from tests.support.example import lines, school, wanted, with_ports
from tests.support.farm import LATE, PLATFORMS, case, described, device, farm_of
from tests.support.workspace import LOGIN, SchoolWorkspace, place_in

pytestmark = pytest.mark.alone

TWO = {"oak-sw-01": "cisco_ios", "oak-sw-02": "arista_eos"}
SECRETS = re.compile(r"(?:Wren|Meadow|Rock)-\S+-\d+")


@dataclass(frozen=True)
class Tried:
    """What came of the example on a platform's switch: looked at, brought out, looked at again."""

    first: Done | SwitchError
    change: Done | SwitchError
    again: Done | SwitchError
    running: str


def running_of(platform: str) -> str:
    return with_ports(platform, case(platform)["running"]) + LATE.get(platform, "")


def shown(farm: Farm, name: str, which: str = "running") -> str:
    return "".join(f"{line}\n" for line in farm.control.get(name)[which])


def brought(farm: Farm, archive: Archive, *, write: bool) -> dict[str, Done | SwitchError]:
    mask = archive.mask()

    def checks_of(one: Device) -> Checks:
        said, features = lines(one.platform, school(one.platform)), wanted_features(one.platform)
        return checks_by(
            one,
            lambda running: managed_difference(
                load_platform(one.platform), running, said, features, mask
            ),
        )

    patience = Patience(line=10.0, login=10.0, minute=60 * SCALE)
    how = Options(minutes=50, may_touch_path=True, write=write, patience=patience)
    done = configure(
        [described(farm, one, one) for one in PLATFORMS], archive, checks_of, how,
        at_once=11, at_once_a_site=11, seal=NoSeal(),
    )  # fmt: skip
    return {one.name: outcome for one, outcome in done}


def wanted_features(platform: str) -> frozenset[str]:
    return wanted(platform, school(platform)).features


@pytest.fixture(scope="module")
def tried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Tried]]:
    folder = tmp_path_factory.mktemp("school")
    switches = [device(one, running=running_of(one)) for one in PLATFORMS]
    with farm_of(folder / "farm", *switches, time_scale=SCALE) as farm:
        archive = Archive(folder / "archive")
        looked = brought(farm, archive, write=False)
        changed = brought(farm, archive, write=True)
        again = brought(farm, archive, write=False)
        yield {
            one: Tried(looked[one], changed[one], again[one], shown(farm, one)) for one in PLATFORMS
        }


def done(outcome: Done | SwitchError) -> Done:
    assert isinstance(outcome, Done), str(outcome)
    return outcome


@pytest.mark.parametrize("platform", PLATFORMS)
def test_what_is_brought_out_is_there_and_the_second_comparison_finds_nothing(
    tried: dict[str, Tried], platform: str
) -> None:
    one = tried[platform]
    first, change, again = done(one.first), done(one.change), done(one.again)
    assert first.changed
    assert first.more["commands"] == change.more["commands"]
    assert change.changed
    assert change.more["configuration"] == "new"
    assert (again.changed, again.more["difference"], again.more["commands"]) == (False, [], [])
    assert not again.more["unsaved"]


@pytest.mark.parametrize("platform", PLATFORMS)
def test_no_result_tells_a_secret(tried: dict[str, Tried], platform: str) -> None:
    one = tried[platform]
    told = json.dumps([done(o).more for o in (one.first, one.change, one.again)])
    assert SECRETS.findall(told) == []
    if platform != "frr":
        assert "<secret:" in told


@pytest.mark.parametrize("platform", PLATFORMS)
def test_who_may_log_in_on_the_switch_itself_stays(tried: dict[str, Tried], platform: str) -> None:
    users = re.compile(r"^(?:username|user|system-user|enable) ", re.MULTILINE)
    assert users.findall(running_of(platform)) == users.findall(tried[platform].running)


@dataclass(frozen=True)
class Workspace(SchoolWorkspace):
    """A school of two switches, for plain Ansible."""

    farm: Farm

    def wants(self, **more: Any) -> None:
        """Write the school's file; ``more`` is by a switch's name, _ for -."""
        switches = {}
        for name, platform in TWO.items():
            port = "Ethernet1" if platform == "arista_eos" else "GigabitEthernet0/1"
            room = {"ports": [port], "profile": "classroom", "description": "Room {{ 11 + 1 }}"}
            switches[name] = {
                **place_in(self.farm, name),
                "switch_platform": platform,
                "switch_config_ports": [room],
                **more.get(name.replace("-", "_"), {}),
            }
        password = "{{ of_the_vault }}"
        nms = {"name": "nms", "auth_password": password, "priv_password": password}
        of_all = {
            **LOGIN,
            "switch_config_vlans": [
                {"id": 10, "name": "management"},
                {"id": 20, "name": "classrooms"},
            ],
            "switch_config_profiles": {"classroom": {"vlan": 20}},
            "switch_config_snmp": {"users": [nms]},
            "of_the_vault": "Meadow-pipit-1",
        }
        self.describe(switches, of_all)

    def configure(self, *words: str, code: int = 0) -> str:
        said = self.play("switch_config.yml", *words, code=code)
        assert "Meadow" not in said
        return said


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    switches = [
        device(platform, name, running=running_of(platform)) for name, platform in TWO.items()
    ]
    with farm_of(tmp_path / "farm", *switches) as farm:
        made = Workspace(tmp_path, farm)
        made.known_hosts.write_text(farm.known_hosts.read_text())
        made.wants()
        yield made


def test_plain_ansible_shows_what_differs_and_changes_it(workspace: Workspace) -> None:
    before = shown(workspace.farm, "oak-sw-01")
    said = workspace.configure("--check", "--diff")
    assert "+  description Room 12" in said
    assert "<secret:" in said
    assert said.count("changed=1 ") == 2
    assert shown(workspace.farm, "oak-sw-01") == before
    said = workspace.configure()
    assert "changed=1 " in said
    for name in ("oak-sw-01", "oak-sw-02"):
        assert "description Room 12" in shown(workspace.farm, name)
        assert shown(workspace.farm, name) == shown(workspace.farm, name, "startup")
    said = workspace.configure("--check", "--diff")
    assert said.count("changed=0 ") == 2
    kept = workspace.folder / "backups/mine/oak/oak-sw-01/running.cfg"
    assert "description Room 12" in kept.read_text()
    assert "Meadow" not in kept.read_text()


def test_one_with_a_mistake_holds_nobody_up(workspace: Workspace) -> None:
    workspace.wants(oak_sw_02={"switch_config_snmp": {"location": "attic\nno aaa new-model"}})
    said = " ".join(workspace.configure(code=2).split())
    assert "oak-sw-02: switch_config_snmp.location: it holds a character" in said
    assert "description Room 12" in shown(workspace.farm, "oak-sw-01")
    assert "description Room 12" not in shown(workspace.farm, "oak-sw-02")
    workspace.wants(oak_sw_02={"switch_config_hostname": "{{ nobody_said_this }}"})
    said = " ".join(workspace.configure("--check", code=2).split())
    assert "nobody_said_this" in said
    assert "oak-sw-01 : ok=2 changed=0 " in said


def test_who_may_log_in_is_not_changed_by_the_way(workspace: Workspace) -> None:
    servers = {"radius": [{"address": "192.0.2.45", "secret": "{{ of_the_vault }}"}]}
    workspace.wants(oak_sw_02={"switch_config_aaa": servers})
    said = " ".join(workspace.configure(code=2).split())
    assert "oak-sw-02: the change touches the path by which ictops reaches the switch" in said
    assert "description Room 12" not in shown(workspace.farm, "oak-sw-02")
    workspace.configure("-e", "switch_config_may_touch_path=true")
    assert "192.0.2.45" in shown(workspace.farm, "oak-sw-02")


def test_a_vars_of_the_play_and_extra_vars_count_too(workspace: Workspace) -> None:
    said = workspace.configure("--check", "--diff", "-e", "switch_config_hostname=oak-sw-77")
    assert said.count("+ hostname oak-sw-77") == 2


def test_secrets_are_sent_anew_where_that_is_asked_for(workspace: Workspace) -> None:
    workspace.configure()
    said = workspace.configure("--check", "--diff")
    assert said.count("changed=0 ") == 2
    workspace.wants(oak_sw_02={"of_the_vault": "Another-one-1"})
    workspace.configure()
    assert "Another-one-1" not in shown(workspace.farm, "oak-sw-02")
    said = workspace.configure("-e", "switch_config_rotate_secrets=true")
    assert "Another" not in said
    assert "Another-one-1" in shown(workspace.farm, "oak-sw-02")
