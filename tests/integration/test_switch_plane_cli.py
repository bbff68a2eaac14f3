"""ictops' own commands, said on the box of a school whose switch really carries."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ictops.settings import content_dir
from tests.support.plane import IOS, NAME, PORTS, SWITCH, School, need_plane, school
from tests.support.runs import NOW
from tests.support.workspace import LOGIN, SchoolWorkspace

pytestmark = pytest.mark.alone

CALENDARS = content_dir() / "inventories" / "demo" / "calendars"
VLANS = [
    {"id": 10, "name": "management"},
    {"id": 20, "name": "classroom"},
    {"id": 30, "name": "staff"},
]
ONE, TWO, OTHER, UPLINK = PORTS[IOS]
WITHOUT_MANAGEMENT = {"ports": [UPLINK], "mode": "trunk", "allowed_vlans": ["20"]}
SWITCH_OF_OAK = {**LOGIN, "ansible_host": SWITCH, "switch_platform": IOS}


@dataclass(frozen=True)
class Box(SchoolWorkspace):
    """The box, with a workspace of this one school."""

    school: School

    def wants(self, **variables: Any) -> None:
        """Say in the inventory what the switch is to have."""
        wanted = {f"switch_config_{name}": value for name, value in variables.items()}
        self.describe({NAME: {**SWITCH_OF_OAK, **wanted}}, {}, {"site_calendar": "council"})

    def ictops(self, *words: str, code: int = 0) -> str:
        return " ".join(super().ictops(*words, code=code).split())

    def apply(self, *options: str, code: int = 0) -> str:
        """Plan what the inventory says of the switch, and carry it out at once."""
        self.ictops("plan", "switches", "--in", "christmas", *options, "-o", "plan.yml")
        return self.ictops("apply", "plan.yml", *NOW, code=code)


@contextmanager
def a_box(folder: Path, **farm: Any) -> Iterator[Box]:
    need_plane()
    with school(folder, IOS, **farm) as oak:
        made = Box(folder, oak, within=oak.box.within)
        made.known_hosts.write_text(oak.farm.known_hosts.read_text())
        shutil.copytree(CALENDARS, made.inventory / "calendars")
        yield made


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Box]:
    with a_box(tmp_path) as made:
        yield made


def access(port: str, vlan: int) -> dict[str, Any]:
    return {"ports": [port], "mode": "access", "vlan": vlan}


def test_ports_get_what_the_inventory_says(box: Box) -> None:
    oak = box.school
    oak.wait_joined(ONE, TWO)
    assert not oak.joined(ONE, OTHER)
    box.wants(vlans=VLANS, ports=[access(ONE, 30), access(TWO, 20), access(OTHER, 30)])
    assert "switchport access vlan 30" in box.ictops("switch", "diff", NAME)
    box.apply()
    oak.wait_joined(ONE, OTHER)
    assert not oak.joined(ONE, TWO)


def test_what_would_cut_ictops_off_is_refused(box: Box) -> None:
    oak = box.school
    before = oak.farm.control.get(NAME)
    box.wants(vlans=VLANS, ports=[WITHOUT_MANAGEMENT])
    said = box.apply(code=4)
    assert "touches the path by which ictops reaches the switch" in said
    assert oak.farm.control.get(NAME)["running"] == before["running"]
    assert "configure" not in " ".join(oak.farm.control.log(NAME))
    assert oak.box.reaches(SWITCH)


def test_what_cuts_ictops_off_though_it_may_is_undone_by_the_switch(tmp_path: Path) -> None:
    with a_box(tmp_path, time_scale=0.1) as box:  # its minute lasts six seconds, ictops' sixty
        oak = box.school
        before = oak.farm.control.get(NAME)
        box.wants(vlans=VLANS, ports=[WITHOUT_MANAGEMENT])
        with oak.box.knocking(SWITCH) as reached:
            said = box.apply("--may-touch-path", "--dead-man", "1m", code=4)
        assert "the old configuration runs, all of it" in said
        assert False in reached
        assert oak.farm.control.get(NAME)["running"] == before["running"]
        oak.box.wait_reached(SWITCH)
