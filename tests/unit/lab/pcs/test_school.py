"""A made-up school with virtual PCs: what its inventory says, and what befalls them."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path

import pytest
import yaml

from ictops.errors import LabError
from ictops.estate.check import check_cluster
from ictops.estate.load import load_cluster
from ictops.estate.needs import needs_of
from ictops.estate.source import read_source
from ictops.estate.variables import group_variables, values
from ictops.lab import cluster as module
from ictops.lab.cluster import Recipe, make_cluster, recipe_of
from ictops.lab.faults import Fault
from ictops.lab.hosts import lab_hosts
from ictops.lab.model import Lab
from ictops.lab.pcs.faults import apply_pc_fault
from ictops.lab.pcs.school import SchoolRoom, room_of, take_away
from ictops.settings import content_dir

RECIPE = Recipe(sites=2, workstations=0, switches=1, pcs=2)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lab:
    monkeypatch.setattr(module, "networks_in_use", lambda: [IPv4Network("198.18.16.0/24")])
    made = Lab("t", tmp_path / "t")
    make_cluster(made, RECIPE, lambda _: None)
    return made


@pytest.fixture
def room(lab: Lab) -> SchoolRoom:
    found = room_of(lab)
    assert found is not None
    return found


def test_the_inventory_has_the_pcs_and_what_images_them(lab: Lab, room: SchoolRoom) -> None:
    assert recipe_of(lab) == RECIPE
    cluster = load_cluster(lab.folder, lab.own / "cache")
    assert check_cluster(lab.folder, needs=needs_of(content_dir()), vault_set=False) == []
    pcs = [host for host in cluster.all_hosts() if host.room == "pcs"]
    assert [pc.name for pc in pcs] == ["lab001-pc-01", "lab001-pc-02"]
    for host, pc in zip(pcs, room.pcs, strict=True):
        assert (host.kind, host.system, host.mac) == ("workstation", "linux", pc.mac)
        assert host.address == room.address(pc)
        assert IPv4Address(room.address(pc)) in room.room.network
    source = read_source(lab.folder / "lab001.yml")
    kept = yaml.safe_load((lab.folder / "lab001.yml").read_text())
    lent = kept["imaging_servers"]["vars"]["imaging_server_dhcp_hosts"]
    assert [one["address"] for one in lent] == [host.address for host in pcs]
    groups = source.in_order(source.groups_of(pcs[0].name))
    told = values(group_variables(lab.folder, groups, source))
    assert told["software_assigned"] == [], "which inventories/demo has for all"
    assert told["workstation_image_server"] == room.server
    uuids = [one["host_uuid"] for one in kept["ictops_lab_pcs"]["hosts"].values()]
    assert uuids == [pc.uuid for pc in room.pcs]


def test_only_the_boot_server_is_a_container_and_only_at_the_first_school(
    lab: Lab, room: SchoolRoom
) -> None:
    hosts = lab_hosts(load_cluster(lab.folder, lab.own / "cache"))
    assert [host.name for host in hosts] == ["lab001-srv-01", "lab001-img-01", "lab002-srv-01"]
    assert room.server == "lab001-img-01"
    assert {"servers", "imaging_servers"} <= set(hosts[1].groups)
    assert not room.room.network.overlaps(IPv4Network("198.18.16.0/24"))


def test_a_lab_without_pcs_has_no_room(
    tmp_path: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = Lab("other", tmp_path / "other")
    make_cluster(other, replace(RECIPE, workstations=1, pcs=0), lambda _: None)
    assert room_of(other) is None
    assert not take_away(other)
    assert "imaging_servers" not in (other.folder / "lab001.yml").read_text()


@pytest.mark.parametrize("fault", [Fault.CUT, Fault.SLOW, Fault.HEAL])
def test_nothing_befalls_the_cable_of_a_pc_that_is_off(room: SchoolRoom, fault: Fault) -> None:
    with pytest.raises(LabError, match=r"switched off.*lab001-pc-01 on"):
        apply_pc_fault(room, room.pcs[0], fault, rate=256)


@pytest.mark.parametrize("fault", [Fault.FILL, Fault.FREE, Fault.REFUSE, Fault.REBOOT])
def test_what_befalls_other_hosts_alone_is_refused(room: SchoolRoom, fault: Fault) -> None:
    with pytest.raises(LabError, match="cannot befall a virtual PC"):
        apply_pc_fault(room, room.pcs[0], fault, rate=256)
