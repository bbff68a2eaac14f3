"""A copy of a cluster is whole, and leads to none of the hosts that it was copied from."""

from __future__ import annotations

import json
import subprocess
import sys
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from ictops.errors import InventoryError, LabError
from ictops.estate.check import check_cluster
from ictops.estate.load import load_cluster
from ictops.estate.needs import needs_of
from ictops.lab.copy import copy_cluster, set_login, sites_to_copy
from ictops.settings import content_dir

DEMO = content_dir() / "inventories" / "demo"
NETWORKS = [IPv4Network(f"198.18.{n}.0/24") for n in (100, 101, 102)]

ELM = """\
site_elm:
  hosts:
    elm-[01:03]: {host_room: hall}
    elm-sw-01: {ansible_host: 10.1.0.2, host_mac: "02:00:00:00:00:02"}
  vars:
    ansible_ssh_common_args: -o ProxyJump=gate.example
    greeting: !unsafe "{{ hello }}"
linux:
  children:
    workstations:
      hosts:
        elm-01: {ansible_host: 10.1.0.11, host_mac: "02:00:00:00:00:11", ansible_port: 2222}
        elm-02: {ansible_host: 10.1.0.12, host_mac: "02:00:00:00:00:12"}
        elm-03: {ansible_host: 10.1.0.13, host_mac: "02:00:00:00:00:13"}
switches:
  hosts: {elm-sw-01: }
"""
VAULTED = "$ANSIBLE_VAULT;1.1;AES256\n3132\n"
FILES = {
    "elm.yml": ELM,
    "oak.yml": "site_oak: {hosts: {oak-sw-01: }}\nswitches: {hosts: {oak-sw-01: }}\n",
    "not a site.yml": "all: {hosts: {real: {ansible_host: 10.9.9.9}}}\n",
    "hosts": "real ansible_host=10.9.9.9\n",
    "known_hosts/elm": "10.1.0.11 ssh-ed25519 AAAA\n",
    "calendars/council.ics": "BEGIN:VCALENDAR\nEND:VCALENDAR\n",
    "group_vars/all.yml": "site_calendar: council\nansible_user: admin\n",
    "group_vars/linux/login.yml": "ansible_password: secret\nprinter: hp\n",
    "group_vars/linux/vault.yml": VAULTED,
    "group_vars/site_elm.yml": "# Elm Tree\nsite_name: Elm Tree\nsite_subnets: [10.1.0.0/24]\n",
    "host_vars/elm-01.yml": "ansible_host: 10.1.0.99\nseat: 4\ntoken: !vault |\n  $ANSIBLE_VAULT\n",
}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    for name, text in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    (folder / "group_vars/linux/vault.yml").chmod(0o600)
    return folder


def copied(source: Path, target: Path) -> Path:
    sites = sites_to_copy(source)
    copy_cluster(source, target, sites, NETWORKS[: len(sites)])
    set_login(target, "all", {"ansible_user": "ictops"})
    return target


def seen_by_ansible(source: Path, host: str) -> dict[str, object]:
    tool = Path(sys.executable).parent / "ansible-inventory"
    words = [str(tool), "-i", str(source), "--host", host]
    done = subprocess.run(words, check=True, capture_output=True, text=True, cwd=source.parent)
    return dict(json.loads(done.stdout))


def test_nothing_leads_to_a_host_that_was_copied(source: Path, tmp_path: Path) -> None:
    copy = copied(source, tmp_path / "lab")
    text = "".join(p.read_text() for p in copy.rglob("*") if p.is_file())
    for trace in (
        "10.1.0.",
        "10.9.9.9",
        "02:00:00",
        "ansible_port",
        "ProxyJump",
        "ansible_password",
    ):
        assert trace not in text
    assert not (copy / "known_hosts").exists()


def test_ansible_sees_the_lab_and_all_else_as_it_was(source: Path, tmp_path: Path) -> None:
    copy = copied(source, tmp_path / "lab")
    (copy / "group_vars/linux/vault.yml").unlink()  # nobody knows its password
    (copy / "host_vars/elm-01.yml").write_text("seat: 4\n")  # nor that of the token in it
    seen = seen_by_ansible(copy / "elm.yml", "elm-01")
    assert seen.pop("host_mac").startswith("02:1c:c6:12:64:")
    assert seen == {
        "ansible_host": "198.18.100.10",
        "ansible_user": "ictops",
        "greeting": "{{ hello }}",
        "host_room": "hall",
        "printer": "hp",
        "seat": 4,
        "site_calendar": "council",
        "site_name": "Elm Tree",
        "site_subnets": ["198.18.100.0/24"],
    }


def test_tags_stay(source: Path, tmp_path: Path) -> None:
    copy = copied(source, tmp_path / "lab")
    assert "greeting: !unsafe" in (copy / "elm.yml").read_text()


def test_what_is_encrypted_stays_so(source: Path, tmp_path: Path) -> None:
    copy = copied(source, tmp_path / "lab")
    vault = copy / "group_vars/linux/vault.yml"
    assert vault.read_text() == VAULTED
    assert vault.stat().st_mode & 0o777 == 0o600
    assert "token: !vault |" in (copy / "host_vars/elm-01.yml").read_text()


def test_only_hosts_that_a_lab_can_hold_are_copied(source: Path, tmp_path: Path) -> None:
    cluster = load_cluster(copied(source, tmp_path / "lab"), tmp_path / "cache")
    assert list(cluster.sites) == ["elm"]
    assert [host.name for host in cluster.hosts("elm")] == ["elm-01", "elm-02", "elm-03"]
    assert {host.system for host in cluster.hosts("elm")} == {"linux"}
    assert sites_to_copy(source)["elm"].left_out == ("elm-sw-01",), "nobody says its platform"


def test_switches_come_to_addresses_of_this_machine_alone(source: Path, tmp_path: Path) -> None:
    (source / "group_vars/switches.yml").write_text("switch_platform: hp_procurve\n")
    copy = copied(source, tmp_path / "lab")
    seen = seen_by_ansible(copy / "elm.yml", "elm-sw-01")
    assert str(seen.pop("host_mac")).startswith("02:1c:7f:12:64:")
    wanted = {"ansible_host": "127.18.100.10", "ansible_port": 10022}
    assert {name: seen[name] for name in wanted} == wanted
    assert seen["site_subnets"] == ["198.18.100.0/24", "127.18.100.0/24"]
    assert "10.1.0." not in (copy / "elm.yml").read_text()


def test_files_of_what_is_left_out_are_left_out(source: Path, tmp_path: Path) -> None:
    (source / "group_vars/site_oak.yml").write_text("site_name: Oak\n")
    (source / "host_vars/elm-sw-01").mkdir()
    (source / "host_vars/elm-sw-01/main.yml").write_text("a: 1\n")
    copy = copied(source, tmp_path / "lab")
    assert not (copy / "group_vars/site_oak.yml").exists()
    assert [path.name for path in (copy / "host_vars").iterdir()] == ["elm-01.yml"]


def test_a_copy_of_the_demonstration_has_no_fault(tmp_path: Path) -> None:
    copy = copied(DEMO, tmp_path / "lab")
    assert check_cluster(copy, needs=needs_of(content_dir()), vault_set=False) == []
    before, after = load_cluster(DEMO, tmp_path / "a"), load_cluster(copy, tmp_path / "b")
    for site in before.sites:
        kept = before.hosts(site)
        assert [(h.name, h.room, h.kind, h.canary) for h in after.hosts(site)] == [
            (h.name, h.room, h.kind, h.canary) for h in kept
        ]
        for was, now in zip(kept, after.hosts(site), strict=True):
            assert set(now.groups) == set(was.groups) | {"ictops_lab"}
            assert now.port == (10022 if now.kind == "switch" else 22)


def test_only_some_sites(source: Path) -> None:
    assert list(sites_to_copy(DEMO, ["rowan"])) == ["rowan"]
    with pytest.raises(LabError, match=r"no site oakfeld.*There are: elmtree, oakfield, rowan"):
        sites_to_copy(DEMO, ["oakfeld"])
    with pytest.raises(LabError, match="no Linux hosts"):
        sites_to_copy(source, ["oak"])


def test_a_broken_file_is_named(source: Path, tmp_path: Path) -> None:
    (source / "group_vars/all.yml").write_text("a: [")
    with pytest.raises(InventoryError, match=r"all\.yml:2: broken YAML"):
        copied(source, tmp_path / "lab")
