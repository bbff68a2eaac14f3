"""Which files speak for which site, and the index that holds no more than it must."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from ictops.errors import InventoryError
from ictops.estate.load import Cluster, load_cluster

FILES = {
    "oak-field.yml": "site_oak_field:\n  hosts:\n    ws-01: {ansible_host: 10.1.0.1, pin: 4711}\n"
    "    ws-01.dotted:\nroom_oak_field_it1:\n  hosts:\n    ws-01:\n"
    "canaries:\n  hosts:\n    ws-01:\n",
    "rowan.yml": "site_rowan:\n  hosts:\n    ws-02:\n",
    "group_vars/all.yml": "site_calendar: council\n",
    "group_vars/linux/main.yml": "x: 1\n",
    "group_vars/site_oak_field.yml": "site_name: Oak Field\n",
    "group_vars/room_oak_field_it1/main.yml": "x: 1\n",
    "group_vars/site_rowan/main.yml": "site_name: Rowan\n",
    "host_vars/ws-01.yml": "x: 1\n",
    "host_vars/ws-01.dotted/main.yml": "x: 1\n",
    "host_vars/ws-02": "x: 1\n",
    "host_vars/nobody.yml": "x: 1\n",
    "calendars/council.ics": "x",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        path = tmp_path / "demo" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return tmp_path / "demo"


def load(folder: Path) -> Cluster:
    return load_cluster(folder, folder.parent / "cache")


@pytest.mark.parametrize(
    ("name", "sites"),
    [
        ("oak-field.yml", {"oak-field"}),
        ("group_vars/all.yml", {"oak-field", "rowan"}),
        ("group_vars/linux/main.yml", {"oak-field", "rowan"}),
        ("group_vars/site_oak_field.yml", {"oak-field"}),
        ("group_vars/room_oak_field_it1/main.yml", {"oak-field"}),
        ("group_vars/site_rowan/main.yml", {"rowan"}),
        ("host_vars/ws-01.yml", {"oak-field"}),
        ("host_vars/ws-01.dotted/main.yml", {"oak-field"}),
        ("host_vars/ws-02", {"rowan"}),
        ("host_vars/nobody.yml", set()),
        ("calendars/council.ics", set()),
    ],
)
def test_a_change_shows_in_the_digest_of_the_sites_that_it_speaks_for(folder, name, sites):
    before = load(folder).sites
    (folder / name).write_text(FILES[name] + "# changed\n")
    after = load(folder).sites
    assert {code for code in after if after[code].digest != before[code].digest} == sites


def test_the_index_gives_what_the_file_gives_and_holds_no_other_variable(folder):
    first, again = load(folder), load(folder)
    assert again.hosts("oak-field") == first.hosts("oak-field")
    host = again.find("ws-01")
    assert (host.room, host.canary, host.address) == ("it1", True, "10.1.0.1")
    assert host.groups == ("canaries", "room_oak_field_it1", "site_oak_field")
    indexes = list((folder.parent / "cache").rglob("*.json"))
    assert len(indexes) == 2
    for index in indexes:
        assert stat.S_IMODE(index.stat().st_mode) == 0o600
        assert "4711" not in index.read_text()


@pytest.mark.parametrize("content", ["", "[]", '{"format": 2}', "\x00", '{"hosts": [[1]]}'])
def test_an_index_that_is_damaged_is_made_again(folder, content):
    wanted = load(folder).hosts("oak-field")
    for index in (folder.parent / "cache").rglob("*.json"):
        index.write_text(content)
    assert load(folder).hosts("oak-field") == wanted


def test_a_name_that_is_nearly_right(folder):
    with pytest.raises(InventoryError, match="Did you mean oak-field"):
        load(folder).site("oakfield")
    with pytest.raises(InventoryError, match="Did you mean ws-01"):
        load(folder).find("ws-1")
    with pytest.raises(InventoryError, match=r"no such cluster.*There are: .*demo"):
        load_cluster(folder.parent / "dema", folder.parent / "cache")


def test_a_file_whose_name_is_no_code_is_no_site(folder):
    for name in ("Oak.yml", "a b.yml", "-x.yml", "oak\n.yml", "rowan.yml.bak"):
        (folder / name).write_text(FILES["rowan.yml"])
    assert list(load(folder).sites) == ["oak-field", "rowan"]
