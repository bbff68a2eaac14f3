"""The roles ``switch_config`` and ``switch_restore`` on a real CLI, FRRouting, as plans."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from ictops.settings import content_dir
from tests.support.frr import Frr, frr, need_frr

NAME = "oak-sw-01"
DAEMONS = ("zebra", "staticd")
BEFORE = ("interface up1", "description by hand", "exit", "interface up2", "description old")
PORT = {"ports": ["up1"], "description": "To the library", "address": "192.0.2.14/24"}
WANTED = {
    "switch_config_ports": [PORT],
    "switch_config_management": {"gateway": "192.0.2.1"},
}


@dataclass(frozen=True)
class School:
    """A workspace of one school with one real switch."""

    folder: Path
    switch: Frr

    @property
    def stored(self) -> str:
        files = [self.switch.folder / f"{daemon}.conf" for daemon in DAEMONS]
        return "".join(file.read_text() for file in files)

    @property
    def running(self) -> str:
        return self.switch.vtysh("show running-config")

    def addresses(self, port: str) -> list[str]:
        """Give what the kernel has, which FRR tells."""
        told = subprocess.run(
            ["ip", "-n", self.switch.namespace, "-json", "-4", "address", "show", "dev", port],
            check=True, capture_output=True, text=True,
        ).stdout  # fmt: skip
        return [f"{a['local']}/{a['prefixlen']}" for i in json.loads(told) for a in i["addr_info"]]

    def want(self, **values: object) -> None:
        """Write the school's file."""
        reached = {
            "ansible_host": self.switch.address, "ansible_port": self.switch.port,
            "ansible_user": "root", "ansible_ssh_private_key_file": str(self.switch.login_key),
        }  # fmt: skip
        site = {"site_name": "Oak", "site_phase": "primary", "site_calendar": "council"}
        described = {
            "site_oak": {"hosts": {NAME: {**reached, **values}}, "vars": site},
            "switches": {"hosts": {NAME: None}, "vars": {"switch_platform": "frr"}},
        }
        (self.folder / "inventories" / "mine" / "oak.yml").write_text(yaml.safe_dump(described))

    def _run(self, words: list[str], code: int, **env: str) -> str:
        done = subprocess.run(
            words, cwd=self.folder, text=True, stdin=subprocess.DEVNULL, capture_output=True,
            check=False, timeout=180, env={**os.environ, "COLUMNS": "200", **env},
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout if "--json" in words else done.stdout + done.stderr

    def ictops(self, *words: str, code: int = 0) -> str:
        own = {"ICTOPS_CONFIG": str(self.folder / "ictops.toml")}
        return self._run([sys.executable, "-m", "ictops", *words], code, **own)

    def play(self, playbook: str, *words: str, code: int = 0) -> str:
        """Run a playbook by plain Ansible."""
        program = Path(sys.executable).parent / "ansible-playbook"
        file = content_dir() / "playbooks" / playbook
        return self._run(
            [str(program), "-i", "inventories/mine/oak.yml", str(file), *words], code,
            ANSIBLE_CONFIG=str(content_dir() / "ansible.cfg"),
        )  # fmt: skip

    def carry_out(self, *words: str, code: int = 0) -> str:
        """Make a plan for today and apply it."""
        until = (datetime.now(UTC) + timedelta(days=7)).date().isoformat()
        file = f"plan-{len(list(self.folder.glob('plan-*')))}.yml"
        self.ictops(*words, "--from", "2026-01-01", "--until", until, "-o", file)
        return self.ictops("apply", file, "--now", "--reason", "a test", code=code)


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    need_frr()
    with frr(NAME, "127.0.0.11", DAEMONS) as router:
        pair = ("link", "add", "up1", "type", "veth", "peer", "name", "up2")
        subprocess.run(["ip", "-n", router.namespace, *pair], check=True)
        router.vtysh("configure terminal", *BEFORE, "end", "write memory")
        (tmp_path / "ictops.toml").write_text('cluster = "mine"\nstate_dir = "state"\n')
        folder = tmp_path / "inventories" / "mine"
        (folder / "known_hosts").mkdir(parents=True)
        (folder / "known_hosts" / "oak").write_text(router.known_hosts_line)
        shutil.copytree(content_dir() / "inventories/demo/calendars", folder / "calendars")
        made = School(tmp_path, router)
        made.want()
        made.ictops("switch", "backup")
        yield made


def test_what_is_intended_runs_is_stored_and_comes_back_from_the_backup(school: School) -> None:
    before = school.running
    (entry,) = json.loads(school.ictops("switch", "log", NAME, "--json"))
    school.want(**WANTED)
    shown = school.ictops("switch", "diff", NAME)
    assert "+  description To the library" in shown
    assert school.running == before, "a comparison changes nothing"

    said = " ".join(school.carry_out("plan", "switches", code=4).split())
    assert "`ip route 0.0.0.0/0 192.0.2.1`: the default gateway" in said
    assert school.running == before, "what may cut ictops off has to be allowed"

    school.carry_out("plan", "switches", "--may-touch-path")
    for text in (school.running, school.stored):
        assert "interface up1\n description To the library\n ip address 192.0.2.14/24\n" in text
        assert "ip route 0.0.0.0/0 192.0.2.1\n" in text
        assert "interface up2\n description old\n" in text, "it is in no entry"
        assert "by hand" not in text
    assert school.addresses("up1") == ["192.0.2.14/24"]
    assert f"{NAME} runs what is intended" in school.ictops("switch", "diff")

    at = ("--at", entry["commit"])
    school.carry_out("switch", "restore", NAME, *at, "--may-touch-path")
    assert school.running == before
    assert " description by hand\n" in school.stored
    assert "library" not in school.stored
    assert school.addresses("up1") == []
    assert school.ictops("switch", "diff", NAME, "--from", entry["commit"]) == ""


def test_a_line_that_it_does_not_take_has_the_others_taken_back(school: School) -> None:
    heard = school.switch.folder / "heard.log"
    school.switch.vtysh("configure terminal", f"log file {heard} informational", "log commands")
    before, stored = school.running, school.stored
    # A group of receivers is no port's address; FRR says so, and not before the lines above it.
    wrong = {"ports": ["up2"], "description": "never", "address": "224.0.0.5/24"}
    school.want(**{**WANTED, "switch_config_ports": [PORT, wrong]})
    said = " ".join(school.carry_out("plan", "switches", "--may-touch-path", code=4).split())
    assert "the switch does not take 'ip address 224.0.0.5/24': % Invalid address" in said
    assert "the old configuration runs, all of it" in said
    assert school.running == before
    assert school.stored == stored
    assert school.addresses("up1") == []
    said, line = heard.read_text(), "ip address 192.0.2.14/24"
    assert 0 < said.index(f"# {line}") < said.index(f"# no {line}"), "it ran, and was taken back"


def test_plain_ansible_changes_it_and_brings_it_back(school: School) -> None:
    before = school.running
    school.play("switch_backup.yml")
    commit = subprocess.run(
        ["git", "-C", str(school.folder / "backups" / "mine"), "rev-parse", "HEAD"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    school.want(switch_config_ports=[{"ports": ["up1"], "description": "To the library"}])
    assert " changed=1 " in school.play("switch_config.yml")
    assert " description To the library\n" in school.running
    assert " changed=0 " in school.play("switch_config.yml")
    said = " ".join(school.play("switch_restore.yml", code=2).split())
    assert "It is not said which backup comes back" in said
    at = ("-e", f"switch_restore_at={commit}")
    assert " changed=1 " in school.play("switch_restore.yml", *at, "--check", "--diff")
    assert " description To the library\n" in school.running, "check mode changes nothing"
    assert " changed=1 " in school.play("switch_restore.yml", *at)
    assert school.running == before
    assert " changed=0 " in school.play("switch_restore.yml", *at)
