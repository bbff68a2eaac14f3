"""What the templates of the role ``switch_config`` say in each platform's own lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ictops.network.clean import Mask, masked
from ictops.network.platform import load_platform, platform_names
from tests.support.example import FOLDER, ROLE, lines, said_of, school

PLATFORMS = platform_names()
SPEC = yaml.safe_load((ROLE / "meta" / "argument_specs.yml").read_text())
OPTIONS = SPEC["argument_specs"]["main"]["options"]
HOW = {
    f"switch_config_{one}" for one in (
        "minutes", "may_touch_path", "may_lose_neighbours", "rotate_secrets", "save", "uplinks",
        "folder", "commit", "at_once", "at_once_a_site",
    )
}  # fmt: skip
"""How a switch is changed: no template sees these."""
SECRETS = re.compile(r"(?:Wren|Meadow|Rock)-\S+-\d+")


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_example_is_what_was_read_line_by_line(platform: str) -> None:
    expected = (FOLDER / f"{platform}.txt").read_text().splitlines()
    assert lines(platform, school(platform)) == expected


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_secret_of_the_example_is_masked_when_it_is_shown(platform: str) -> None:
    rendered = lines(platform, school(platform))
    shown = masked(load_platform(platform), rendered, Mask(b"k" * 32))
    assert [line for line in shown if SECRETS.search(line)] == []
    if platform != "frr":
        assert any(SECRETS.search(line) for line in rendered)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_nothing_is_said_of_what_nobody_asked_for(platform: str) -> None:
    left = [line for line in lines(platform, {}) if line not in {"configure", "exit"}]
    assert left == []


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("feature", ["hostname", "ntp", "syslog", "snmp", "aaa", "spanning_tree"])
def test_each_feature_stands_alone(platform: str, feature: str) -> None:
    whole = school(platform)
    own = {f"switch_config_{feature}": whole[f"switch_config_{feature}"]}
    alone = lines(platform, own)
    assert set(alone) <= {*lines(platform, whole), "configure", "exit", *_without_others(platform)}
    if own[f"switch_config_{feature}"]:
        assert set(alone) - {"configure", "exit"}


def _without_others(platform: str) -> set[str]:
    """Lines that say more where another feature is there, too."""
    if platform != "mikrotik_routeros":
        return set()
    bridge = "/interface bridge add name=bridge priority=0x1000 protocol-mode=mstp"
    radius = "/radius add address=192.0.2.4{} secret=Meadow-pipit-{} service=login"
    return {f"{bridge} vlan-filtering=yes", radius.format(5, 1), radius.format(6, 2)}


# Whatever may be said is seen in the lines, or refused.


def settings(options: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, one in options.items():
        if name in HOW:
            continue
        if "options" in one:
            yield from settings(one["options"], (*path, name))
        elif name != "switch_config_profiles":
            yield (*path, name)


LEAVES = [".".join(path) for path in settings(OPTIONS)]
CHANGES: dict[str, dict[str, Any]] = yaml.safe_load((FOLDER / "changes.yml").read_text())


def test_every_setting_is_tried() -> None:
    assert sorted(CHANGES) == sorted(LEAVES)


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("leaf", LEAVES)
def test_each_setting_is_seen_in_the_lines_or_refused(platform: str, leaf: str) -> None:
    variables = school(platform)
    change = CHANGES[leaf]
    _put(variables, change["at"].split("."), change["to"])
    said, refused = said_of(platform, variables)
    if refused:
        assert refused.startswith("oak-sw-01: ")
        assert leaf.split(".", maxsplit=1)[0] in refused
    seen = said != lines(platform, school(platform))
    assert seen != (platform in change.get("unseen", ()))


def _put(value: Any, path: list[str], to: Any) -> None:
    """Say something else there; what is not there on the way is made."""
    name, *rest = path
    if isinstance(value, list):
        value.extend({} for _ in range(int(name) + 1 - len(value)))
        if rest:
            _put(value[int(name)], rest, to)
        else:
            value[int(name)] = to
    elif not rest:
        value[name] = to
    else:
        if not value.get(name):
            value[name] = [] if rest[0].isdigit() else {}
        _put(value[name], rest, to)
