"""Backups of a real CLI that others wrote: FRRouting by ssh."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.farm import ENABLE, device, farm_of
from tests.support.frr import Frr, frr, need_frr
from tests.support.workspace import LOGIN, SETTINGS, SchoolWorkspace, place_in


@dataclass(frozen=True)
class School(SchoolWorkspace):
    """A school with one real switch, and others that are not there."""

    switch: Frr

    @property
    def backups(self) -> Path:
        return self.folder / "state" / "switches" / "mine" / "oak"

    def has(self, **switches: dict[str, object]) -> None:
        """Write the school's file."""
        named = {name.replace("_", "-"): own for name, own in switches.items()}
        self.describe(named, {"switch_platform": "frr"})

    def reached(self, **other: object) -> dict[str, object]:
        return {
            "ansible_host": self.switch.address, "ansible_port": self.switch.port,
            "ansible_user": "root", "ansible_ssh_private_key_file": str(self.switch.login_key),
            **other,
        }  # fmt: skip


@pytest.fixture(scope="module")
def router() -> Iterator[Frr]:
    need_frr()
    with frr("oak-sw-01") as one:
        yield one


@pytest.fixture
def school(router: Frr, tmp_path: Path) -> School:
    made = School(tmp_path, router)
    made.has(oak_sw_01=made.reached())
    made.known_hosts.write_text(router.known_hosts_line)
    return made


def test_a_change_is_committed_and_nothing_is_where_nothing_changed(school: School) -> None:
    school.switch.vtysh("configure terminal", "password Hunter2-hunter2")
    said = school.ictops("switch", "backup")
    assert "\noak/oak-sw-01: " in said
    assert "running.cfg +" in said
    kept = (school.backups / "oak-sw-01" / "running.cfg").read_text()
    assert "hostname oak-sw-01" in kept
    assert "Hunter2" not in kept
    assert kept.endswith("\nend\n")
    assert "Nothing has changed since the last backup." in school.ictops("switch", "backup")
    school.switch.vtysh("configure terminal", "interface up1", "description To the library")
    school.ictops("switch", "backup", "--site", "oak")
    assert "+ description To the library" in school.ictops("switch", "diff", "oak-sw-01", "--last")
    log = json.loads(school.ictops("switch", "log", "oak-sw-01", "--json"))
    assert len(log) == 2
    first = school.ictops("switch", "diff", "oak-sw-01", "--from", log[1]["commit"][:8])
    assert "+ description To the library" in first
    school.switch.vtysh("configure terminal", "no password", "no interface up1")


def test_what_is_not_saved_is_told(school: School, tmp_path: Path) -> None:
    ios = device("cisco_ios", startup="hostname oak-sw-09\n")
    with farm_of(tmp_path / "farm", ios) as farm:
        school.known_hosts.write_text(farm.known_hosts.read_text())
        place = place_in(farm, "cisco_ios")
        school.has(oak_sw_09={**place, **LOGIN, "switch_platform": "cisco_ios"})
        assert "! oak-sw-09: what runs is not saved" in school.ictops("switch", "backup")
        said = json.loads(school.ictops("switch", "backup", "--json"))
        assert (said["commit"], said["unsaved"]) == (None, ["oak-sw-09"])
        log = school.ictops("run", "logs", said["run"], "--json")
        assert ENABLE not in log


def test_one_that_is_off_and_one_without_a_key_hold_nobody_up(school: School) -> None:
    gone = {"ansible_host": "127.0.0.9", "ansible_port": 9, "ansible_user": "root"}
    _, kind, key = school.known_hosts.read_text().split()
    school.known_hosts.write_text(f"{school.switch.known_hosts_line}[127.0.0.9]:9 {kind} {key}\n")
    school.has(
        oak_sw_01=school.reached(),
        oak_sw_02=gone,
        oak_sw_03={**school.reached(), "ansible_port": 10},
        oak_sw_04={**school.reached(), "ansible_password": "{{ nobody_knows_it }}"},
    )
    said = school.ictops("switch", "backup", code=4)
    assert "'nobody_knows_it' is undefined" in " ".join(said.split())
    assert "oak-sw-02: it does not answer" in " ".join(said.split())
    assert "oak-sw-03: its SSH host key is not pinned" in " ".join(said.split())
    assert (school.backups / "oak-sw-01" / "running.cfg").is_file()
    assert not (school.backups / "oak-sw-02").exists()


def test_a_key_that_is_not_the_pinned_one_is_refused(school: School) -> None:
    name, kind, _ = school.known_hosts.read_text().split()
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(school.folder / "other")],
        check=True,
    )
    school.known_hosts.write_text(
        f"{name} {kind} {(school.folder / 'other.pub').read_text().split()[1]}\n"
    )
    said = " ".join(school.ictops("switch", "backup", code=4).split())
    assert "its SSH host key is not the pinned one" in said
    assert not school.backups.exists()


def test_plain_ansible_takes_and_commits_it_too(school: School) -> None:
    school.play("switch_backup.yml")
    archive = school.folder / "backups" / "mine"
    assert (archive / "oak" / "oak-sw-01" / "running.cfg").is_file()
    log = subprocess.run(
        ["git", "-C", str(archive), "log", "--format=%s"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert log.stdout == "oak-sw-01: backup by ansible-playbook\n"


def test_a_site_may_have_its_configurations_whole_and_encrypted(school: School) -> None:
    school.switch.vtysh("configure terminal", "password Hunter2-hunter2")
    (school.folder / "password").write_text("of the vault\n")
    school.settings.write_text(f'{SETTINGS}[vault]\npassword_file = "password"\n')
    (school.folder / "password").chmod(0o600)
    school.has(oak_sw_01=school.reached(switch_backup_whole=True))
    school.ictops("switch", "backup")
    sealed = school.backups / "oak-sw-01" / "running.vault"
    assert "Hunter2" not in sealed.read_text()
    said = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-vault"),
            *("view", "--vault-password-file", str(school.folder / "password"), str(sealed)),
        ],
        check=True, capture_output=True, text=True, env={**os.environ, "PAGER": "cat"},
    ).stdout  # fmt: skip
    assert "password Hunter2-hunter2" in said
    assert "Nothing has changed since the last backup." in school.ictops("switch", "backup")
    school.settings.write_text(SETTINGS)
    lost = school.ictops("switch", "backup", code=4)
    assert "there is no vault password" in " ".join(lost.split())
    assert sealed.is_file()
    school.switch.vtysh("configure terminal", "no password")
