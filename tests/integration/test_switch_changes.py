"""Changes of simulated switches under every dead-man switch, and what goes wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from ictops.errors import ChangeFailed
from ictops.network.jobs import Done
from tests.support.changes import SCALE, WAYS, Site, Way, switches
from tests.support.farm import PLATFORMS, farm_of

pytestmark = pytest.mark.alone

LINES = 40


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_platform_is_changed_and_brought_back(platform: str, tmp_path: Path) -> None:
    word = "staff room"
    faults = {
        "whole": {},
        "refused": {"refuse": word},
        "at": {"drop_at": word},
        "after": {"drop_at": word, "drop_after": True},
    }
    with farm_of(
        tmp_path / "farm", *switches(Way(platform, ""), **faults), time_scale=SCALE
    ) as farm:
        old = farm.control.get("whole")["running"]
        came = Site.of(farm, tmp_path).change(dict.fromkeys(faults, platform))
        assert isinstance(came["whole"], Done), came["whole"]
        assert came["whole"].more["configuration"] == "new"
        assert any(word in line for line in farm.control.get("whole")["running"])
        for one in ("refused", "at", "after"):
            assert getattr(came[one], "configuration", None) == "old", came[one]
            assert farm.control.get(one)["running"] == old
        for one in faults:
            now = farm.control.get(one)
            assert now["pending"] == []
            assert now["startup"] == now["running"]


@pytest.mark.parametrize("name", WAYS)
def test_a_session_dropped_at_any_line_leaves_the_old_or_the_new(name: str, tmp_path: Path) -> None:
    way = WAYS[name]
    faults = {f"at-{line}": {"drop_at_line": line} for line in range(1, LINES + 1)}
    faults |= {f"after-{line}": {"drop_at_line": line, "drop_after": True} for line in (1, 20, 40)}
    faults |= {"whole": {}}
    with farm_of(tmp_path / "farm", *switches(way, **faults), time_scale=SCALE) as farm:
        site = Site.of(farm, tmp_path)
        old = farm.control.get("whole")["running"]
        came = site.change(dict.fromkeys(faults, way.platform))
        whole = came["whole"]
        assert isinstance(whole, Done), whole
        assert whole.more["method"] == way.method
        assert len(whole.more["commands"]) >= LINES
        new = farm.control.get("whole")["running"]
        assert new != old
        for one, outcome in came.items():
            now = farm.control.get(one)
            said = outcome.more if isinstance(outcome, Done) else vars(outcome)
            assert now["running"] == {"old": old, "new": new}[said["configuration"]], outcome
            assert now["pending"] == [], outcome
            assert now["startup"] == now["running"], outcome
            assert isinstance(outcome, ChangeFailed) or one == "whole", "the session was dropped"
