from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ictops.errors import SwitchError
from ictops.network.drawing import LONGEST, NAMED, dot_of, short, svg_of
from ictops.network.neighbours import Neighbour
from ictops.network.topology import Switch, topology_of

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
SVG = "{http://www.w3.org/2000/svg}"


def drawn(topology, title="Oak School"):
    return ElementTree.fromstring(svg_of(dot_of(topology, title, NOW)))  # noqa: S314 - our own


def texts(tree):
    return [text.text for text in tree.iter(f"{SVG}text")]


def site(*heard, **more):
    switches = [
        Switch("oak-sw-01", "cisco_ios", "192.0.2.1"), Switch("oak-sw-02", "aruba_aoscx", **more),
    ]  # fmt: skip
    return topology_of(switches, {"oak-sw-01": heard})


def test_it_says_what_a_network_manager_looks_for():
    tree = drawn(site(Neighbour("GigabitEthernet0/1", "oak-sw-02", "1/1/24")))
    said = texts(tree)
    assert {"Oak School", "25 Nov 2026, 12:00 UTC"} <= set(said)
    assert "2 switches, 1 link, 1 did not answer" in said
    assert {"oak-sw-01", "Cisco IOS", "192.0.2.1", "Gi0/1", "1/1/24", "did not answer"} <= set(said)


def test_things_beside_a_switch_share_a_box_and_many_are_counted():
    many = [Neighbour(f"Gi0/{n}", f"ap-{n}", "eth0") for n in range(1, NAMED + 10)]
    said = texts(drawn(site(*many)))
    assert "Gi0/2: ap-2" in said
    assert "and 10 more" in said
    assert f"+{len(many)}" in said
    assert len([text for text in said if ": ap-" in text]) == NAMED - 1


def test_a_long_name_is_cut():
    said = texts(drawn(site(Neighbour("Gi0/1", "x" * 500, "eth0"))))
    assert f"Gi0/1: {'x' * (LONGEST - 1)}…" in said


@given(st.text(min_size=1, max_size=80))
@example("<b>bold</b>")
@example("</text><script>alert(1)</script>")
@example("&#27;&lt;&amp;&")
@example('"];} evil [URL="javascript:alert(1)"')
@example("\\N \\G \\E \\l \\")
@example("{|<p0>|} [x]")
@example("<<i>html</i>>")
@example("\ud800\x00\x1b[2J\u202e")
@settings(max_examples=40, deadline=None)  # each starts a program
def test_whatever_a_device_calls_itself_is_text(name):
    heard = [
        Neighbour(name, name, name, "", name),
        Neighbour("Gi0/2", "oak-sw-02", name),
        Neighbour("Gi0/3", name + "x", "eth0"),
    ]
    tree = drawn(site(*heard, address=name), title=name)
    tags = {element.tag.removeprefix(SVG) for element in tree.iter()}
    assert tags <= {"svg", "g", "title", "polygon", "polyline", "path", "text"}
    named = {key for element in tree.iter() for key in element.attrib}
    assert not any("href" in key or key.startswith("on") for key in named)
    if name.isascii() and name.isprintable() and len(name) < LONGEST:
        said = " ".join(" ".join(filter(None, texts(tree))).replace("\xa0", " ").split())
        assert " ".join(f": {name}x".split()) in said


def test_a_port_has_a_short_name_in_a_picture():
    for name, said in (
        ("GigabitEthernet1/0/1", "Gi1/0/1"), ("TwentyFiveGigE1/1/1", "Twe1/1/1"),
        ("Ethernet49/1", "Et49/1"), ("ethernet1/1/1", "et1/1/1"), ("ge-0/0/1", "ge-0/0/1"),
        ("sfp-sfpplus1", "sfp-sfpplus1"), ("A1", "A1"), ("", ""),
    ):  # fmt: skip
        assert short(name) == said


def test_what_cannot_be_drawn_is_told(monkeypatch):
    with pytest.raises(SwitchError, match="Graphviz cannot draw it"):
        svg_of("graph {")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SwitchError, match="apt install graphviz"):
        svg_of("graph {}")
