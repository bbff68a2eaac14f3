"""Maps and ports of schools, by switches of a farm that real SSH clients speak to."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from ictops.lab.farm.model import DeviceModel, Neighbour
from ictops.lab.farm.process import Farm
from tests.support.farm import ENABLE, device, farm_of
from tests.support.workspace import LOGIN, SchoolWorkspace, place_in

SVG = "{http://www.w3.org/2000/svg}"
PORTS = {
    "cisco_ios": "GigabitEthernet0/{}", "hp_procurve": "{}", "aruba_aoscx": "1/1/{}",
    "arista_eos": "Ethernet{}", "juniper_junos": "ge-0/0/{}", "cisco_xe": "GigabitEthernet0/{}",
}  # fmt: skip
"""How each platform calls a port."""


@dataclass(frozen=True)
class School(SchoolWorkspace):
    """A school of simulated switches."""

    farm: Farm

    def map(self, *words: str, code: int = 0) -> dict:
        said = self.ictops("switch", "map", "--site", "oak", "--json", *words, code=code)
        return json.loads(said)["map"]


@contextmanager
def school(folder: Path, *switches: DeviceModel, **variables: dict) -> Iterator[School]:
    """Bring a school of these switches up; ``variables`` are by a switch's name, _ for -."""
    with farm_of(folder / "farm", *switches) as farm:
        made = School(folder, farm)
        made.known_hosts.write_text(farm.known_hosts.read_text())
        hosts = {
            one.name: {
                **place_in(farm, one.name),
                "switch_platform": one.platform,
                **variables.get(one.name.replace("-", "_"), {}),
            }
            for one in switches
        }
        made.describe(hosts, LOGIN, {"site_name": "Oak & <b>Ash</b>"})
        yield made


def switches_of(
    platforms: list[str], cables: list[tuple[int, int, int, int]], *others: tuple[int, Neighbour]
) -> list[DeviceModel]:
    """Give switches of these platforms; a cable is a switch, its port, and those of the other."""
    names = [f"oak-sw-{number:02}" for number in range(len(platforms))]
    heard: list[list[Neighbour]] = [[] for _ in names]

    def hears(one: int, port: int, other: int, its_port: int) -> None:
        heard[one].append(
            Neighbour(
                port=PORTS[platforms[one]].format(port), name=f"{names[other].upper()}.oak.example",
                neighbour_port=PORTS[platforms[other]].format(its_port),
                address=f"192.0.2.{other + 1}",
            )
        )  # fmt: skip

    for one, port, other, its_port in cables:
        hears(one, port, other, its_port)
        hears(other, its_port, one, port)
    for one, thing in others:
        heard[one].append(thing)
    return [
        device(platform, name, neighbours=tuple(some))
        for platform, name, some in zip(platforms, names, heard, strict=True)
    ]


def lines(drawn: dict) -> list[str]:
    return [
        f"{x['one']} {x['one_port']} {x['other']} {x['other_port']}"
        for x in drawn["topology"]["links"]
    ]


def picture(oak: School) -> ElementTree.Element:
    return ElementTree.fromstring((oak.folder / "oak.svg").read_bytes())  # noqa: S314 - our own


def texts_of(tree: ElementTree.Element) -> set[str | None]:
    return {text.text for text in tree.iter(f"{SVG}text")}


def test_a_star(tmp_path: Path) -> None:
    ap = Neighbour(port="1/1/1", name="ap-hall", neighbour_port="eth0", address="192.0.2.99")
    cables = [(0, 1, 1, 24), (0, 4, 2, 24), (0, 48, 3, 24), (0, 3, 4, 23)]
    made = switches_of(list(PORTS)[:5], cables, (2, ap))
    with school(tmp_path, *made) as oak:
        drawn = oak.map("-o", "oak.svg")
        assert drawn["roots"] == ["oak-sw-00"]
        assert drawn["distances"] == {f"oak-sw-{n:02}": int(n > 0) for n in range(5)}
        assert lines(drawn) == [
            "oak-sw-00 GigabitEthernet0/1 oak-sw-01 24",
            "oak-sw-00 GigabitEthernet0/4 oak-sw-02 1/1/24",
            "oak-sw-00 GigabitEthernet0/48 oak-sw-03 Ethernet24",
            "oak-sw-00 GigabitEthernet0/3 oak-sw-04 ge-0/0/23",
        ]
        assert all(link["both"] for link in drawn["topology"]["links"])
        assert [leaf["name"] for leaf in drawn["topology"]["leaves"]] == ["ap-hall"]
        texts = texts_of(picture(oak))
        assert {"Oak & <b>Ash</b>", "oak-sw-00", "Cisco IOS", "Gi0/48", "1/1/1: ap-hall"} <= texts
        said = oak.ictops("switch", "ports", "oak-sw-02")
        assert "oak-sw-02: 4 ports, 2 up, 1 free, 1 disabled" in said
        assert "oak-sw-03" not in said
        said = oak.ictops("switch", "ports", "--site", "oak", "--only", "up", "--json")
        there = {(port["switch"], port["port"]): port for port in json.loads(said)["ports"]}
        assert there["oak-sw-02", "1/1/1"]["description"] == "classroom 1"
        assert there["oak-sw-02", "1/1/1"]["there"] == ["ap-hall"]
        assert there["oak-sw-00", "GigabitEthernet0/48"]["there"] == ["oak-sw-03"]
        assert there["oak-sw-00", "GigabitEthernet0/48"]["vlan"] == "trunk"


def test_a_chain_with_a_switch_that_is_off(tmp_path: Path) -> None:
    platforms = ["arista_eos", "cisco_ios", "hp_procurve", "cisco_ios"]
    made = switches_of(platforms, [(one, 24, one + 1, 23) for one in range(3)])
    with school(tmp_path, *made, oak_sw_00={"switch_root": True}) as oak:
        assert oak.map()["distances"] == {f"oak-sw-{number:02}": number for number in range(4)}
        oak.farm.control.fault("oak-sw-02", refuse_logins=True)
        drawn = oak.map("-o", "oak.svg", code=5)
        assert drawn["topology"]["silent"] == ["oak-sw-02"]
        # The others still hear it, each at its own end
        assert lines(drawn) == [
            "oak-sw-00 Ethernet24 oak-sw-01 GigabitEthernet0/23",
            "oak-sw-01 GigabitEthernet0/24 oak-sw-02 23",
            "oak-sw-02 24 oak-sw-03 GigabitEthernet0/23",
        ]
        assert [link["both"] for link in drawn["topology"]["links"]] == [True, False, False]
        assert drawn["distances"]["oak-sw-03"] == 3
        drawing = (tmp_path / "oak.svg").read_text()
        assert "did not answer" in drawing
        assert "stroke-dasharray" in drawing
        said = oak.ictops("switch", "ports", code=5)
        assert "oak-sw-03: " in said
        assert "oak-sw-02: " not in said.partition("switch  ")[2]
        # What is kept says why, and what ictops knows of the switch
        kept = json.loads((tmp_path / "state/surveys/mine/oak/oak-sw-02.json").read_text())
        assert "does not answer" in kept["fault"]
        assert kept["switch"]["platform"] == "hp_procurve"
        assert ENABLE not in str(kept)


HOSTILE = [
    "</text><script>alert(1)</script>",
    "<b>bold</b>",
    "<<table><tr><td>x</td></tr></table>>",
    "&#27;&lt;i&gt;&amp;",
    "\\N\\G | {a|b} <p0>",
    '"; URL="javascript:alert(1)"; x="',
    "\u202eevil\u200b \U0001f4a3",
]


def test_a_ring_with_double_cables_and_hostile_names(tmp_path: Path) -> None:
    platforms = ["cisco_ios", "aruba_aoscx", "juniper_junos", "cisco_xe"]
    cables = [(0, 1, 1, 1), (0, 4, 1, 2), (1, 3, 2, 1), (2, 2, 3, 1), (3, 4, 0, 3)]
    strangers = [
        (0, Neighbour(port=f"GigabitEthernet0/{20 + n}", name=name, neighbour_port=name[::-1]))
        for n, name in enumerate(HOSTILE)
    ]
    loop = (3, Neighbour(port="GigabitEthernet0/7", name="oak-sw-03", neighbour_port="Gi0/8"))
    with school(tmp_path, *switches_of(platforms, cables, *strangers, loop)) as oak:
        drawn = oak.map("-o", "oak.svg")
    assert lines(drawn) == [
        "oak-sw-00 GigabitEthernet0/1 oak-sw-01 1/1/1",
        "oak-sw-00 GigabitEthernet0/4 oak-sw-01 1/1/2",
        "oak-sw-00 GigabitEthernet0/3 oak-sw-03 GigabitEthernet0/4",
        "oak-sw-01 1/1/3 oak-sw-02 ge-0/0/1",
        "oak-sw-02 ge-0/0/2 oak-sw-03 GigabitEthernet0/1",
        "oak-sw-03 GigabitEthernet0/7 oak-sw-03 GigabitEthernet0/8",
    ]
    assert drawn["distances"] == {
        "oak-sw-00": 0, "oak-sw-01": 1, "oak-sw-02": 2, "oak-sw-03": 1,
    }  # fmt: skip
    tree = picture(oak)
    tags = {element.tag.removeprefix(SVG) for element in tree.iter()}
    assert tags <= {"svg", "g", "title", "polygon", "polyline", "path", "text"}
    assert not any("href" in name for element in tree.iter() for name in element.attrib)
    texts = texts_of(tree)
    assert "Gi0/20: </text><script>alert(1)</script>" in texts
    assert "Gi0/23: &#27;&lt;i&gt;&amp;" in texts
    assert "joined to itself: Gi0/7 and Gi0/8" in texts
    assert not any("\u202e" in text for text in texts)


def test_what_is_not_there_is_told(tmp_path: Path) -> None:
    with school(tmp_path, *switches_of(["cisco_ios"], [])) as oak:
        assert "there is no site 'elm'" in oak.ictops("switch", "map", "--site", "elm", code=3)
        assert "there is no such switch" in oak.ictops("switch", "ports", "oak-sw-77", code=3)
        words = ("switch", "map", "--site", "oak", "-o", "no/such/folder/oak.svg")
        assert "no/such/folder/oak.svg: the map cannot be written" in oak.ictops(*words, code=1)
        said = oak.ictops("switch", "map", "--site", "oak")
        assert "oak.svg: 1 switch, 0 links, 0 other things" in said


def test_without_graphviz_nothing_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with school(tmp_path, *switches_of(["cisco_ios"], [])) as oak:
        monkeypatch.setenv("PATH", "/nowhere")
        said = oak.ictops("switch", "map", "--site", "oak", code=1)
    assert "the program 'dot' is not here" in said
    assert "apt install graphviz" in said
    assert not (tmp_path / "state" / "surveys").exists()


def test_the_playbook_does_the_same_without_ictops(tmp_path: Path) -> None:
    with school(tmp_path, *switches_of(["cisco_ios", "arista_eos"], [(0, 1, 1, 2)])) as oak:
        oak.play("switch_survey.yml")
    kept = json.loads((tmp_path / "surveys/mine/oak/oak-sw-00.json").read_text())
    assert kept["neighbours"][0]["name"] == "OAK-SW-01.oak.example"
