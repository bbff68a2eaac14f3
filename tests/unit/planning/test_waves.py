from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ictops.errors import PlanError
from ictops.estate.models import Host
from ictops.planning.waves import (
    CanaryRule,
    lay_by_distance,
    lay_waves,
    parse_canary,
    parse_shares,
)


def host(name: str, room: str | None = None, *, canary: bool = False) -> Host:
    return Host(name, "oakfield", "workstation", "linux", room, None, None, canary, 1)


ROOMS = st.sampled_from([None, "it1", "it2", "it10", "library"])
HOSTS = st.lists(
    st.builds(host, st.from_regex(r"ws-[0-9]{1,4}", fullmatch=True), ROOMS, canary=st.booleans()),
    unique_by=lambda h: h.name,
    max_size=60,
)
RULES = st.sampled_from(["group", "room", "none", "ws-1,ws-22"]).map(parse_canary)
SHARES = st.lists(st.integers(1, 50), max_size=4).filter(lambda s: sum(s) <= 100)


@given(HOSTS, RULES, SHARES)
def test_each_host_is_in_one_wave_and_waves_come_in_order(hosts, rule, shares):
    waves = lay_waves(hosts, rule, shares)
    laid = [name for wave in waves for name in wave.hosts]
    assert sorted(laid) == sorted(h.name for h in hosts)
    assert all(wave.hosts for wave in waves)
    names = [wave.name for wave in waves]
    order = {"canary": 0, "rest": 2}
    ranks = [order.get(name, 1) for name in names]
    assert ranks == sorted(ranks)
    assert names.count("canary") <= 1
    assert names.count("rest") <= 1


@given(HOSTS, RULES, SHARES, st.randoms())
def test_the_same_hosts_give_the_same_waves(hosts, rule, shares, random):
    mixed = list(hosts)
    random.shuffle(mixed)
    assert lay_waves(mixed, rule, shares) == lay_waves(hosts, rule, shares)


@given(HOSTS, SHARES)
def test_shares_reach_what_they_say(hosts, shares):
    waves = lay_waves(hosts, CanaryRule("none"), shares)
    before_rest = sum(len(w.hosts) for w in waves if w.name != "rest")
    exact = len(hosts) * sum(shares) / 100
    assert exact <= before_rest < exact + 1


def test_canaries_are_the_group_one_a_room_or_those_named():
    hosts = [host("ws-10", "b"), host("ws-9", "b"), host("ws-1", "a", canary=True), host("srv")]
    by = {rule: lay_waves(hosts, parse_canary(rule), [])[0] for rule in ("group", "room", "srv")}
    assert by["group"].hosts == ["ws-1"]
    assert by["room"].hosts == ["ws-1", "ws-9"]
    assert by["srv"].hosts == ["srv"]
    assert {wave.name for wave in by.values()} == {"canary"}


def test_rooms_take_turns():
    hosts = [host(f"a{n}", "a") for n in range(3)] + [host(f"b{n}", "b") for n in range(2)]
    (wave,) = lay_waves(hosts, CanaryRule("none"), [])
    assert wave.hosts == ["a0", "b0", "a1", "b1", "a2"]


@pytest.mark.parametrize("text", ["25", "0%", "101%", "60%,50%", "a%", "-5%", "٣%"])
def test_shares_that_are_none(text):
    with pytest.raises(PlanError, match="share"):
        parse_shares(text)


def test_shares_are_read():
    assert parse_shares("25%, 50%") == (25, 50)
    assert parse_shares("") == ()


@given(
    HOSTS,
    RULES,
    st.dictionaries(st.from_regex(r"ws-[0-9]{1,4}", fullmatch=True), st.integers(0, 9)),
)
def test_the_furthest_switch_comes_first(hosts, rule, hops):
    waves = lay_by_distance(hosts, rule, hops)
    laid = [name for wave in waves for name in wave.hosts]
    assert sorted(laid) == sorted(h.name for h in hosts)
    after_canaries = [wave for wave in waves if wave.name != "canary"]
    far = [hops.get(name, 10) for wave in after_canaries for name in wave.hosts]
    assert far == sorted(far, reverse=True)
    for wave in after_canaries:
        assert len({hops.get(name) for name in wave.hosts}) == 1
        assert len(wave.hosts) == 1 or not wave.name.endswith("alone")


def test_a_canary_of_the_furthest_layer_is_chosen_where_nobody_named_one():
    hosts = [host("sw-1"), host("sw-2"), host("sw-3"), host("sw-4")]
    hops = {"sw-1": 0, "sw-2": 2, "sw-3": 1, "sw-4": 2}
    waves = lay_by_distance(hosts, CanaryRule(), hops)
    assert [(wave.name, wave.hosts) for wave in waves] == [
        ("canary", ["sw-2"]), ("2 hops away", ["sw-4"]), ("1 hop away", ["sw-3"]),
        ("core", ["sw-1"]),
    ]  # fmt: skip
    bare = lay_by_distance(hosts, CanaryRule("none"), hops)
    assert [wave.hosts for wave in bare] == [["sw-2", "sw-4"], ["sw-3"], ["sw-1"]]
