"""Changes that would cut ictops off from the switch: refused, or undone by the switch itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ictops.errors import ChangeFailed
from ictops.lab.farm.process import Farm
from ictops.network.jobs import Done
from tests.support.changes import SCALE, SHORT, WAYS, Site, Way, commands, ended, sent, switches
from tests.support.farm import case, device, farm_of, wait_until

pytestmark = pytest.mark.alone

MANAGED = ["revert timer", "reload in", "commit timer", "checkpoint", "reload after"]
"""Ways of which the farm knows by which lines a switch is cut off."""
CUT = {
    "cisco_ios": ["interface Vlan10", " shutdown"],
    "cisco_xe": ["interface Vlan10", " shutdown"],
    "arista_eos": ["interface Vlan10", " shutdown"],
    "aruba_aoscx": ["interface vlan 10", " shutdown"],
    "hp_procurve": ["vlan 10", " no ip address"],
    "dell_os10": ["interface vlan10", " shutdown"],
}


@contextmanager
def cut_off(way: Way, folder: Path) -> Iterator[Farm]:
    """Give a farm whose switch really cannot be reached any more after :data:`CUT`."""
    one = switches(way, only={})[0].model_copy(
        update={"management": device("frr", management=case(way.platform)["management"]).management}
    )
    with farm_of(folder, one, time_scale=SCALE, boot_seconds=20) as farm:
        yield farm


@pytest.mark.parametrize("name", MANAGED)
def test_a_dead_man_brings_back_a_switch_that_was_cut_off(name: str, tmp_path: Path) -> None:
    way = WAYS[name]
    with cut_off(way, tmp_path / "farm") as farm:
        old = farm.control.get("only")["running"]
        site = Site.of(farm, tmp_path, line=1.0, login=1.0)
        cut = commands(*CUT[way.platform])
        came = site.change({"only": way.platform}, lambda _: cut, minutes=2)["only"]
        assert isinstance(came, ChangeFailed)
        assert came.configuration == "old"
        assert ended(farm, "only", came) == "old"
        assert farm.control.get("only")["running"] == old


def test_one_without_a_dead_man_says_that_a_restart_brings_it_back(tmp_path: Path) -> None:
    way = WAYS["emulated"]
    with cut_off(way, tmp_path / "farm") as farm:
        old = farm.control.get("only")["running"]
        site = Site.of(farm, tmp_path, line=1.0, login=1.0)
        cut = commands(*CUT[way.platform])
        came = site.change({"only": way.platform}, lambda _: cut, minutes=SHORT)["only"]
        assert isinstance(came, ChangeFailed)
        assert came.configuration == "unknown"
        assert "Go there and restart it" in came.do
        assert farm.control.get("only")["silent"]
        farm.control.reboot("only")
        wait_until(lambda: not farm.control.get("only")["down"], "the restart")
        assert farm.control.get("only")["running"] == old


@pytest.mark.parametrize("name", WAYS)
def test_a_change_of_the_path_to_a_switch_is_refused_before_anything(
    name: str, tmp_path: Path
) -> None:
    way = WAYS[name]
    with farm_of(tmp_path / "farm", *switches(way, only={}), time_scale=SCALE) as farm:
        site = Site.of(farm, tmp_path, touches=["interface Vlan10: shutdown"])
        came = site.change({"only": way.platform})["only"]
        assert isinstance(came, ChangeFailed)
        assert "touches the path by which ictops reaches the switch" in came.what
        assert "interface Vlan10: shutdown" in came.what
        assert ("no dead-man switch of its own" in came.do) == (name == "emulated")
        assert ended(farm, "only", came) == "old"
        assert not any(line.startswith(("conf", "checkp", "reload")) for line in sent(farm))
        allowed = site.change({"only": way.platform}, may_touch_path=True)["only"]
        assert isinstance(allowed, Done), allowed
        assert allowed.more["touches"] == ["interface Vlan10: shutdown"]


@pytest.mark.parametrize("name", [*MANAGED, "emulated"])
def test_ictops_sees_by_itself_what_would_cut_it_off(name: str, tmp_path: Path) -> None:
    way = WAYS[name]
    with cut_off(way, tmp_path / "farm") as farm:
        site = Site.of(farm, tmp_path, looks=True)
        came = site.change({"only": way.platform}, lambda _: commands(*CUT[way.platform]))["only"]
        assert isinstance(came, ChangeFailed)
        assert "touches the path by which ictops reaches the switch" in came.what
        assert f"`{CUT[way.platform][1].strip()}`" in came.what
