"""``ictops site list|show`` and ``ictops inventory show``: looking at what is described."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from ictops.errors import InventoryError
from tests.unit.cli.conftest import Command


def test_sites_are_listed(ictops: Command) -> None:
    assert [line.split()[0] for line in ictops("site", "list").splitlines()] == [
        "site", "elmtree", "oakfield", "rowan",
    ]  # fmt: skip
    rowan = json.loads(ictops("site", "list", "--json"))[2]
    assert rowan == {
        "code": "rowan", "name": "Rowan Court School", "phase": "special", "calendar": "rowan",
        "timezone": "Europe/London", "host_count": 4,
    }  # fmt: skip


def test_a_site_is_shown_with_its_calendar_and_hosts(ictops: Command) -> None:
    lines = ictops("site", "show", "oakfield").splitlines()
    assert lines[:2] == [
        "Oakfield School (oakfield), secondary",
        "file      inventories/demo/oakfield.yml",
    ]
    assert re.match(r"calendar  council, (next holiday \w|which knows no holiday)", lines[2])
    assert lines[3] == "hosts     1 server, 3 switches, 4 workstations"
    canary = "oak-it1-01  workstation  it1      198.18.1.21  02:1c:70:01:00:21  canary"
    assert canary in lines, "nothing is folded on a terminal of 80 columns"
    shown = json.loads(ictops("site", "show", "oakfield", "--json"))
    assert (shown["site"]["code"], len(shown["hosts"])) == ("oakfield", 8)


def test_a_site_is_shown_also_when_its_calendar_is_broken(ictops: Command, cluster: Path) -> None:
    (cluster / "calendars" / "council.ics").write_text("<html>\n")
    said = ictops("site", "show", "oakfield")
    assert "calendar  council, which cannot be relied on: " in said
    assert "oak-lib-02" in said


def test_a_host_is_shown_with_the_place_of_every_variable(ictops: Command, cluster: Path) -> None:
    (cluster / "group_vars" / "room_oakfield_it1.yml").write_text(
        "secret: !vault |\n  $ANSIBLE_VAULT;1.1;AES256\n  6162\nmotd: '{{ site_name }}'\n"
    )
    said = ictops("inventory", "show", "oak-it1-01")
    assert said.startswith(
        "oak-it1-01: linux workstation at oakfield, room it1\n"
        "file    inventories/demo/oakfield.yml:5\n"
        "groups  canaries, linux, room_oakfield_it1, site_oakfield, workstations\n"
    )
    assert "# inventories/demo/group_vars/room_oakfield_it1.yml:1\n  «vault»\n" in said
    assert "'{{ site_name }}'" in said, "templates are shown, and not rendered"
    assert "6162" not in said
    assert "\n  monday: 07:30-17:30\n" in said
    found = json.loads(ictops("inventory", "show", "oak-it1-01", "--json"))
    assert found["variables"]["host_mac"] == "02:1c:70:01:00:21"
    assert found["places"]["host_mac"] == f"{cluster}/oakfield.yml:5"
    assert found["variables"]["secret"] == "«vault»"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (("site", "show", "oakfeild"), "Did you mean oakfield?"),
        (("inventory", "show", "oak-it1-09"), "Did you mean oak-it1-0"),
        (("inventory", "check", "--cluster", "dmeo"), "There are: demo"),
        (("site", "list", "--cluster", "dmeo"), "There are: demo"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(
    ictops: Command, words: tuple[str, ...], hint: str
) -> None:
    with pytest.raises(InventoryError, match=re.escape(hint)):
        ictops(*words)
