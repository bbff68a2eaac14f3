import random

from hypothesis import given
from hypothesis import strategies as st

from ictops.network.neighbours import Neighbour
from ictops.network.topology import Link, Switch, hops, topology_of


def sw(name, platform="cisco_ios", **more):
    return Switch(name, platform, **more)


def heard_by(*cables):
    """Give what both ends of each cable hear: (one, its port, other, its port)."""
    heard = {}
    for one, port, other, its_port in cables:
        heard.setdefault(one, []).append(Neighbour(port, other, its_port))
        heard.setdefault(other, []).append(Neighbour(its_port, one, port))
    return heard


def test_a_link_that_both_ends_tell_of_is_one():
    heard = {
        "a": [Neighbour("GigabitEthernet0/1", "b.school.example", "1/1/24")],
        "b": [Neighbour("1/1/24", "A", "Gi0/1")],  # short, as some tell it
    }
    made = topology_of([sw("a"), sw("b", "aruba_aoscx")], heard)
    assert made.links == (Link("a", "GigabitEthernet0/1", "b", "1/1/24"),)
    assert (made.leaves, made.silent) == ((), ())


def test_a_port_that_is_told_by_its_mac_address_is_taken_from_the_other_end():
    heard = {
        "a": [Neighbour("Gi1", "b", "00:53:00:01:02:03"), Neighbour("Gi2", "b", "12")],
        "b": [Neighbour("7", "a", "Gi1"), Neighbour("12", "a", "00:53:00:0a:0b:0c")],
    }
    made = topology_of([sw("a", "frr"), sw("b", "hp_procurve")], heard)
    assert made.links == (Link("a", "Gi1", "b", "7"), Link("a", "Gi2", "b", "12"))


def test_double_cables_are_two_links():
    heard = heard_by(("a", "1", "b", "11"), ("a", "2", "b", "12"))
    made = topology_of([sw("a", "hp_procurve"), sw("b", "hp_procurve")], heard)
    assert made.links == (Link("a", "1", "b", "11"), Link("a", "2", "b", "12"))


def test_a_link_of_which_one_end_tells_is_there_and_told():
    heard = {"a": [Neighbour("1", "b", "11"), Neighbour("2", "c", "5")], "b": []}
    made = topology_of([sw("a", "frr"), sw("b", "frr"), sw("c", "frr")], heard)
    assert made.links == (
        Link("a", "1", "b", "11", both=False),
        Link("a", "2", "c", "5", both=False),
    )
    assert made.silent == ("c",)


def test_a_switch_that_is_joined_to_itself_has_one_link():
    heard = {"a": [Neighbour("1", "a", "2"), Neighbour("2", "a", "1")]}
    made = topology_of([sw("a", "frr")], heard)
    assert made.links == (Link("a", "1", "a", "2"),)
    assert hops(made) == {"a": 0}


def test_a_switch_is_known_by_its_address_where_its_name_is_another():
    switches = [sw("oak-sw-01", address="192.0.2.1"), sw("oak-sw-02", address="192.0.2.2")]
    heard = {"oak-sw-01": [Neighbour("1", "SW2-old-name", "Gi0/1", "192.0.2.2")]}
    (link,) = topology_of(switches, heard).links
    assert (link.other, link.other_port) == ("oak-sw-02", "GigabitEthernet0/1")


def test_what_stands_for_two_switches_stands_for_none():
    switches = [
        sw("core.oak", address="192.0.2.1"), sw("core.elm", address="192.0.2.1"), sw("edge"),
    ]  # fmt: skip
    heard = {"edge": [Neighbour("1", "core", "x", "192.0.2.1"), Neighbour("2", "CORE.ELM", "y")]}
    made = topology_of(switches, heard)
    assert [leaf.name for leaf in made.leaves] == ["core"]
    assert [(link.one, link.other) for link in made.links] == [("core.elm", "edge")]


def test_what_is_no_switch_of_the_site_is_a_leaf_once():
    heard = {
        "a": [Neighbour("1", "Router", "ge0", "", "a router"), Neighbour("3", "ap-1", "eth0")],
        "b": [Neighbour("2", "router", "ge1", "192.0.2.254")],
    }
    made = topology_of([sw("a"), sw("b")], heard)
    ap, router = made.leaves
    assert (ap.name, len(ap.places)) == ("ap-1", 1)
    assert (router.name, router.address, router.description) == (
        "Router",
        "192.0.2.254",
        "a router",
    )
    assert [(p.switch, p.port, p.its_port) for p in router.places] == [
        ("a", "1", "ge0"),
        ("b", "2", "ge1"),
    ]


def test_an_unknown_platform_keeps_a_port_as_it_is_told():
    heard = {"a": [Neighbour("1", "b", "Gi0/1")]}
    (link,) = topology_of([sw("a"), Switch("b", "")], heard).links
    assert link.other_port == "Gi0/1"


CHAIN = heard_by(("a", "1", "b", "1"), ("b", "2", "c", "1"), ("c", "2", "d", "1"))


def test_the_root_is_what_the_inventory_says():
    made = topology_of([sw("a"), sw("b"), sw("c"), sw("d", root=True)], CHAIN)
    assert made.roots() == ["d"]
    assert hops(made) == {"a": 3, "b": 2, "c": 1, "d": 0}


def test_or_else_where_most_links_meet_and_then_the_first_by_name():
    made = topology_of([sw("d"), sw("c"), sw("b"), sw("a"), sw("e")], CHAIN)
    assert made.roots() == ["b"]
    assert hops(made) == {"a": 1, "b": 0, "c": 1, "d": 2, "e": None}


def test_two_roots_are_both_where_it_begins():
    made = topology_of([sw("a", root=True), sw("b"), sw("c"), sw("d", root=True)], CHAIN)
    assert hops(made) == {"a": 0, "b": 1, "c": 1, "d": 0}


def test_a_ring_is_counted_both_ways():
    heard = heard_by(
        ("a", "1", "b", "2"), ("b", "1", "c", "2"), ("c", "1", "d", "2"), ("d", "1", "a", "2")
    )
    made = topology_of([sw(name, root=name == "c") for name in "abcd"], heard)
    assert len(made.links) == 4
    assert hops(made) == {"a": 2, "b": 1, "c": 0, "d": 1}


def test_no_switch_has_no_root():
    made = topology_of([], {})
    assert (made.roots(), hops(made)) == ([], {})


CABLES = st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=20)


@given(CABLES, st.randoms(use_true_random=False))
def test_each_cable_is_one_link_in_whatever_order_it_is_heard(
    cables: list, shuffled: random.Random
):
    count = [0] * 8
    heard: dict[str, list[Neighbour]] = {f"s{n}": [] for n in range(8)}
    wanted = set()
    for one, other in cables:
        if one == other:
            continue
        ports = []
        for end in (one, other):
            count[end] += 1
            ports.append(str(count[end]))
        heard[f"s{one}"].append(Neighbour(ports[0], f"S{other}.x", ports[1]))
        heard[f"s{other}"].append(Neighbour(ports[1], f"s{one}", ports[0]))
        wanted.add(frozenset({(f"s{one}", ports[0]), (f"s{other}", ports[1])}))
    for some in heard.values():
        shuffled.shuffle(some)
    made = topology_of([sw(name, "hp_procurve") for name in heard], heard)
    found = [frozenset({(x.one, x.one_port), (x.other, x.other_port)}) for x in made.links]
    assert len(found) == len(wanted)
    assert set(found) == wanted
    assert all(link.both for link in made.links)
    far = hops(made)
    for link in made.links:
        ends = (far[link.one], far[link.other])
        assert None not in ends or ends == (None, None)
        if None not in ends:
            assert abs(far[link.one] - far[link.other]) <= 1
