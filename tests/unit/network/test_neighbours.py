import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ictops.network.neighbours import Neighbour, neighbours_of
from ictops.network.platform import load_platform, platform_names
from ictops.network.ports import Port, ports_of
from ictops.network.reading import LONGEST_LINE
from tests.support.shown import expected_map, shown_by

NAMES = platform_names()
TALKERS = [name for name in NAMES if load_platform(name).shows.neighbours]


@pytest.mark.parametrize("name", TALKERS)
def test_neighbours_are_read(name):
    heard = neighbours_of(load_platform(name), shown_by(name).texts["neighbours"])
    assert heard == [Neighbour(**one) for one in expected_map(name)["neighbours"]]


@pytest.mark.parametrize("name", NAMES)
def test_ports_are_read(name):
    platform, text = load_platform(name), shown_by(name).texts["interfaces"]
    ports = ports_of(platform, text.split("\n\n"))
    assert ports == [Port(**one) for one in expected_map(name)["ports"]]


def test_each_expression_is_tried_by_the_data_of_a_platform_that_has_it():
    """Otherwise nobody would know whether it fits what a switch shows."""
    tried: dict[str, bool] = {}
    for name in NAMES:
        reads, texts = load_platform(name).reads, shown_by(name).texts
        readings = [(one, "neighbours") for one in reads.neighbours]
        readings += [(one, "interfaces") for one in reads.ports]
        for reading, text in readings:
            for one in filter(None, (reading.begins, reading.heading, *reading.says)):
                found = one.search(texts[text]) is not None
                tried[one.pattern] = tried.get(one.pattern, False) or found
    assert [expression for expression, found in tried.items() if not found] == []


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "said",
    [
        "",
        "% LLDP is not enabled",
        "LLDP is not enabled on the switch.\n",
        "Total entries displayed: 0",
        "Interface Ethernet1 detected 0 LLDP neighbors:\n",
        "Local\nInterface  RemID  Chassis ID\n---------  -----  ----------\n0/1\n0/2\n",
        "LocalPort | ChassisId PortId PortDescr SysName\n--------- + -----\n",
        "No neighbors",
    ],
)
def test_where_nobody_is_heard_there_is_nobody(name, said):
    assert neighbours_of(load_platform(name), said) == []


@pytest.mark.parametrize("name", NAMES)
def test_what_a_backup_keeps_says_the_same(name):
    """Neighbours are read from what a backup kept too, which is normalised already."""
    platform = load_platform(name)
    text = shown_by(name).texts.get("neighbours", "")
    cut = text.replace("\n\n", "\n").replace("\n", "\r\n")
    assert neighbours_of(platform, cut) == neighbours_of(platform, text)


@pytest.mark.parametrize("name", TALKERS)
@given(st.text())
@example("\x00\x1b[2J" * 50)
@example(" " * 2 * LONGEST_LINE)
@example("1 " * LONGEST_LINE)
@example("a" * 2 * LONGEST_LINE + "\n 1/1/1")
def test_garbage_raises_nothing(name, said):
    platform = load_platform(name)
    known = shown_by(name).texts["neighbours"]
    middle = len(known) // 2
    for text in (said, known[:middle] + said, said + known[middle:]):
        assert all(one.port and one.name for one in neighbours_of(platform, text))
        ports_of(platform, [text, shown_by(name).texts["interfaces"][:300] + said])


@pytest.mark.parametrize("name", TALKERS)
@given(st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1))
def test_a_hostile_name_is_only_a_name(name, hostile):
    """Whatever one neighbour calls itself, what is said of the others stays as it was."""
    platform, text = load_platform(name), shown_by(name).texts["neighbours"]
    before = neighbours_of(platform, text)
    last = before[-1]
    at = text.rindex(last.name)
    after = neighbours_of(platform, text[:at] + hostile + text[at + len(last.name) :])
    assert after[: len(before) - 1] == before[:-1]


def test_a_port_is_called_as_the_configuration_calls_it():
    for platform, said, name in (
        ("cisco_ios", "Gi1/0/1", "GigabitEthernet1/0/1"),
        ("cisco_xe", "Tw1/0/1", "TwoGigabitEthernet1/0/1"),
        ("cisco_xe", "Twe1/1/1", "TwentyFiveGigE1/1/1"),
        ("cisco_ios", "GigabitEthernet0/1", "GigabitEthernet0/1"),
        ("arista_eos", "Et49/1", "Ethernet49/1"),
        ("dell_os10", "Eth 1/1/1", "ethernet1/1/1"),
        ("juniper_junos", "ge-0/0/1.0", "ge-0/0/1"),
        ("mikrotik_routeros", "bridge1/ether3", "ether3"),
        ("hp_procurve", "A1", "A1"),
    ):
        assert load_platform(platform).reads.port_name(said) == name


def test_a_port_is_free_when_nothing_is_there_and_nothing_ought_to_be():
    assert Port("1", "down").free
    assert not Port("1", "down", "printer").free
    assert not Port("1", "up").free
    assert not Port("1", "disabled").free
