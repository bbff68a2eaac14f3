"""Changing and restoring switches as plans, on a chain of three simulated ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ictops.lab.farm.model import Neighbour
from ictops.lab.farm.process import Farm
from ictops.settings import content_dir
from tests.support.farm import case, device, farm_of, logged_in
from tests.support.workspace import LOGIN, SETTINGS, SchoolWorkspace, place_in

NEAR, MIDDLE, FAR = NAMES = ("oak-sw-01", "oak-sw-02", "oak-sw-03")
VLANS = [
    {"id": 10, "name": "management"},
    {"id": 20, "name": "classroom"},
    {"id": 30, "name": "staff"},
]
UP, DOWN = "GigabitEthernet0/48", "GigabitEthernet0/2"
SECRET = "Hunter2-hunter2"
LINES = " switchport trunk allowed vlan 10,20\n switchport mode trunk\n"
RUNNING = case("cisco_ios")["running"].replace(" shutdown\n", LINES, 1)


@dataclass(frozen=True)
class School(SchoolWorkspace):
    """A school of simulated switches."""

    farm: Farm

    def plan(self, *words: str) -> tuple[dict[str, Any], str]:
        """Make a plan for today and the days to come; give it, and its file."""
        until = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
        file = f"plan-{len(list(self.folder.glob('plan-*')))}.yml"
        said = self.ictops(*words, "--from", "2026-01-01", "--until", until, "-o", file, "--json")
        return json.loads(said), file

    def apply(self, file: str, code: int = 0) -> str:
        return self.ictops("apply", file, "--now", "--reason", "a test", code=code)

    def running(self, name: str) -> str:
        return "\n".join(self.farm.control.get(name)["running"])

    def type(self, name: str, *lines: str) -> None:
        """Configure a switch by hand, behind ictops' back."""
        with logged_in(self.farm, name, "cisco_ios") as connection:
            connection.send_config_set(lines)

    def commits(self, name: str) -> list[str]:
        log = json.loads(self.ictops("switch", "log", name, "--json"))
        return [entry["commit"] for entry in log]

    def wants(self, own: dict[str, dict[str, object]] | None = None, **more: object) -> None:
        """Write the school's file; ``own`` is of single switches, ``more`` of all."""
        hosts = {name: {**place_in(self.farm, name), **(own or {}).get(name, {})} for name in NAMES}
        of_all = {**LOGIN, "switch_platform": "cisco_ios", "switch_config_vlans": VLANS, **more}
        self.describe(hosts, of_all, {"site_calendar": "council"})


def heard(port: str, name: str, its_port: str) -> Neighbour:
    return Neighbour(port=port, name=name, neighbour_port=its_port)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    chain = {
        NEAR: (heard(DOWN, MIDDLE, UP),),
        MIDDLE: (heard(UP, NEAR, DOWN), heard(DOWN, FAR, UP)),
        FAR: (heard(UP, MIDDLE, DOWN),),
    }
    devices = [
        device("cisco_ios", name, running=RUNNING.replace("oak-sw-01", name), neighbours=links)
        for name, links in chain.items()
    ]
    with farm_of(tmp_path / "farm", *devices) as farm:
        made = School(tmp_path, farm)
        made.known_hosts.write_text(farm.known_hosts.read_text())
        calendars = content_dir() / "inventories" / "demo" / "calendars"
        shutil.copytree(calendars, made.inventory / "calendars")
        made.wants({NEAR: {"switch_root": True}})
        made.ictops("switch", "backup")
        yield made


def test_switches_are_changed_from_the_furthest_to_the_core(school: School) -> None:
    said = school.ictops("switch", "diff", FAR)
    assert "+ vlan 30" in said
    assert "commands would be sent" in said
    made, file = school.plan("plan", "switches")
    waves = made["plan"]["sites"]["oak"]["waves"]
    assert [(wave["name"], wave["hosts"]) for wave in waves] == [
        ("2 hops away", [FAR]), ("1 hop away", [MIDDLE]), ("core", [NEAR]),
    ]  # fmt: skip
    applied = school.apply(file)
    assert all("vlan 30\n name staff" in school.running(name) for name in NAMES)
    told = [line.split() for line in applied.splitlines()]
    assert [words[3] for words in told if words[1:3] == ["oak", "changed"] and words[3:]] == [
        FAR, MIDDLE, NEAR,
    ]  # fmt: skip
    assert f"{FAR} runs what is intended" in school.ictops("switch", "diff")
    log = json.loads(school.ictops("switch", "log", FAR, "--json"))
    assert "configuration of switches, run " in log[0]["subject"]
    assert len(log) == 2, "before and after a change is one commit with the run's"


def test_one_that_fails_is_taken_back_and_stops_those_nearer(school: School) -> None:
    school.farm.control.fault(MIDDLE, refuse="name staff")
    before = school.running(MIDDLE)
    _, file = school.plan("plan", "switches")
    said = " ".join(school.apply(file, code=4).split())
    assert "the switch does not take 'name staff'" in said
    assert "the old configuration runs, all of it" in said
    assert school.running(MIDDLE) == before
    assert "vlan 30" in school.running(FAR)
    assert "vlan 30" not in school.running(NEAR)


def test_a_lock_out_is_refused_unless_the_plan_allows_it(school: School) -> None:
    address = school.farm.places[FAR][0]
    moved = {
        "switch_config_management": {
            "vlan": 20, "address": f"{address}/8", "gateway": "127.0.0.254",
        }
    }  # fmt: skip
    school.wants({NEAR: {"switch_root": True}, FAR: moved})
    before = school.running(FAR)
    _, file = school.plan("plan", "switches", "--limit", FAR)
    said = " ".join(school.apply(file, code=4).split())
    assert "touches the path by which ictops reaches the switch, so nothing was changed" in said
    assert school.running(FAR) == before
    _, file = school.plan("plan", "switches", "--limit", FAR, "--may-touch-path")
    school.apply(file)
    assert "interface Vlan20\n ip address" in school.running(FAR)


def test_a_change_of_an_uplink_is_refused_by_what_backups_say_of_neighbours(school: School) -> None:
    def ports(name: str) -> list[dict[str, object]]:
        return [{"ports": [name], "mode": "access", "vlan": 20}]

    school.wants({NEAR: {"switch_root": True}}, switch_config_ports=ports(UP))
    _, file = school.plan("plan", "switches", "--limit", FAR)
    assert "an uplink" in school.apply(file, code=4)
    # The same port of the core leads to nobody here, and is a trunk of no importance to ictops.
    assert "an uplink" not in school.ictops("switch", "diff", NEAR)


def test_a_neighbour_may_be_lost_only_where_the_plan_says_so(school: School) -> None:
    shut = {"switch_config_ports": [{"ports": [DOWN], "profile": "unused"}]}
    school.wants({NEAR: {"switch_root": True}, MIDDLE: shut})
    asked = ("plan", "switches", "--limit", MIDDLE, "--dead-man", "1m")
    before = school.running(MIDDLE)
    _, file = school.plan(*asked)
    said = " ".join(school.apply(file, code=4).split())
    assert f"after the change it hears no more of {FAR} at {DOWN}" in said
    assert school.running(MIDDLE) == before
    _, file = school.plan(*asked, "--may-lose-neighbours")
    school.apply(file)
    assert " shutdown" in school.running(MIDDLE)


def test_a_backup_is_restored(school: School) -> None:
    (first,) = school.commits(FAR)
    _, file = school.plan("plan", "switches")
    school.apply(file)
    assert "vlan 30" in school.running(FAR)
    made, file = school.plan("switch", "restore", FAR, "--at", first[:10])
    assert made["plan"]["sites"]["oak"]["waves"] == [{"name": "rest", "hosts": [FAR]}]
    assert "vlan 30" in school.running(FAR), "a plan changes nothing"
    school.apply(file)
    assert "vlan 30" not in school.running(FAR)
    assert "vlan 30" in school.running(MIDDLE)
    assert school.ictops("switch", "diff", FAR, "--from", first) == ""
    said = school.ictops(
        "switch", "restore", FAR, "--at", "1234567", "--until", "2030-01-01", code=1
    )
    assert "there is no commit '1234567' in the backups" in said


def test_a_masked_secret_stays_and_one_that_changed_is_not_guessed(school: School) -> None:
    (first,) = school.commits(FAR)
    school.type(FAR, "vlan 30", "name staff")
    _, file = school.plan("switch", "restore", FAR, "--at", first)
    school.apply(file)
    assert "secret 9 $9$simulated" in school.running(FAR)
    after, before, earlier = school.commits(FAR)
    assert earlier == first
    lost = school.ictops("switch", "diff", FAR, "--from", before, "--to", after)
    assert "-vlan 30" in lost, "what was typed by hand is in the backup from before"
    school.type(FAR, f"username admin privilege 15 secret 0 {SECRET}")
    said = " ".join(
        school.apply(school.plan("switch", "restore", FAR, "--at", first)[1], 4).split()
    )
    assert "a secret was changed since, and the backup holds none" in said
    assert SECRET not in said


def test_a_backup_that_was_kept_whole_brings_its_secrets_back(school: School) -> None:
    (school.folder / "password").write_text("of the vault\n")
    (school.folder / "password").chmod(0o600)
    school.settings.write_text(f'{SETTINGS}[vault]\npassword_file = "password"\n')
    school.wants({NEAR: {"switch_root": True}}, switch_backup_whole=True)
    school.ictops("switch", "backup")
    whole = school.commits(FAR)[0]
    school.type(FAR, "snmp-server community other-one RO")
    before = school.running(FAR)
    _, file = school.plan("switch", "restore", FAR, "--at", whole)
    school.apply(file)
    assert "other-one" in before
    assert "other-one" not in school.running(FAR)
