"""ictops changes a switch that really carries; what would cut ictops off is refused, or undone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ictops.errors import ChangeFailed
from ictops.network.attempt import NEW, OLD, Patience
from ictops.network.change import Changed, Checks, Options, change
from ictops.network.clean import Mask, normalised
from ictops.network.device import Device, login
from ictops.network.difference import difference
from ictops.network.path import touched
from ictops.network.platform import load_platform
from ictops.trust.known_hosts import KnownHosts, address_of
from tests.support.farm import ENABLE
from tests.support.plane import CX, IOS, NAME, SWITCH, School, need_plane, school

pytestmark = pytest.mark.alone

MINUTE = 4.0
"""Seconds that a minute of the switch lasts."""
MASK = Mask(b"k" * 32)
CUTS = pytest.mark.parametrize(
    ("platform", "old", "new"),
    [
        pytest.param(IOS, "allowed vlan 10,20", "allowed vlan 20", id="ios-trunk"),
        pytest.param(IOS, "interface Vlan10\n", "interface Vlan10\n shutdown\n", id="ios-shut"),
        pytest.param(CX, "vlan trunk allowed 10,20", "vlan trunk allowed 20", id="cx-trunk"),
    ],
)
"""On which platform, and which text in its configuration is to be another."""


@pytest.fixture
def oak(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[School]:
    """A school of the platform that the test names."""
    need_plane()
    platform = request.getfixturevalue("platform")
    with school(tmp_path, platform, time_scale=MINUTE / 60) as made:
        yield made


def changed(oak: School, old: str, new: str, *, may_touch_path: bool = False) -> Changed:
    """Have ictops, on its box, change a text in what the switch runs."""
    platform = load_platform(oak.platform)
    device = Device(
        name=NAME, site="oak", platform=oak.platform, address=SWITCH, user="admin",
        password="simulated", enable=ENABLE,
        pins=frozenset(KnownHosts(oak.farm.known_hosts).pinned(address_of(SWITCH, 22))),
    )  # fmt: skip
    patience = Patience(line=2.0, login=5.0, minute=MINUTE)
    with oak.box.entered():
        with login(device) as session:
            text = session.show(platform.shows.running)
        assert old in text
        wanted = normalised(platform, text.replace(old, new))
        checks = Checks(
            compare=lambda lines: difference(platform, lines, wanted, MASK),
            touches=lambda _, lines, commands: touched(
                platform, lines, commands, address=SWITCH, uplinks=()
            ),
            neighbours=lambda *_: (),
        )
        return change(
            device, checks,
            Options(minutes=2, may_touch_path=may_touch_path, patience=patience),
            mask=MASK, keep=lambda _: None, hold=lambda: None, locks=oak.farm.folder / "locks",
        )  # fmt: skip


@pytest.mark.parametrize(
    ("platform", "old", "new"),
    [
        pytest.param(IOS, "0/1\n switchport access vlan 20", "0/1\n switchport access vlan 30"),
        pytest.param(
            CX,
            "1/1/1\n    no shutdown\n    no routing\n    vlan access 20",
            "1/1/1\n    no shutdown\n    no routing\n    vlan access 30",
        ),
    ],
    ids=[IOS, CX],
)
def test_a_pc_is_moved_to_another_vlan(oak: School, platform: str, old: str, new: str) -> None:
    one, two, other = oak.ports
    oak.wait_joined(one, two)
    assert not oak.joined(one, other)
    done = changed(oak, old, new)
    assert (done.changed, done.configuration, done.unsaved) == (True, NEW, False)
    oak.wait_joined(one, other)
    assert not oak.joined(one, two)


@CUTS
def test_what_would_cut_ictops_off_is_refused(
    oak: School, platform: str, old: str, new: str
) -> None:
    before = oak.farm.control.get(NAME)
    with pytest.raises(ChangeFailed, match="touches the path") as error:
        changed(oak, old, new)
    assert error.value.configuration == OLD
    assert oak.farm.control.get(NAME)["running"] == before["running"]
    typed = oak.farm.control.log(NAME)
    assert not [line for line in typed if line.startswith(("conf", "checkpoint", "reload"))]
    assert oak.box.reaches(SWITCH)


@CUTS
def test_what_cuts_ictops_off_though_it_may_is_undone_by_the_switch(
    oak: School, platform: str, old: str, new: str
) -> None:
    before = oak.farm.control.get(NAME)
    with (
        oak.box.knocking(SWITCH) as reached,
        pytest.raises(ChangeFailed, match="the old configuration runs, all of it") as error,
    ):
        changed(oak, old, new, may_touch_path=True)
    assert error.value.configuration == OLD
    assert False in reached
    oak.box.wait_reached(SWITCH)
    assert oak.farm.control.get(NAME)["running"] == before["running"]
    oak.wait_joined(*oak.ports[:2])
