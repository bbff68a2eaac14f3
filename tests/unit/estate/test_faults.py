"""``ictops inventory check``: each fault at its file and line, and all of them in one run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from ictops.cli.app import app
from ictops.operations import inventory
from ictops.settings import content_dir, load_settings
from tests.unit.calendars.conftest import ics, vevents

CASES = yaml.safe_load((Path(__file__).parent / "faults.yml").read_text())
GOOD = {
    "alpha.yml": """\
site_alpha:
  hosts:
    a-01: {ansible_host: 10.1.0.1, host_mac: "02:00:00:00:00:01"}
    a-02: {ansible_host: 10.1.0.2, host_mac: "02:00:00:00:00:02"}
workstations: {hosts: {"a-[01:02]": }}
linux: {children: {workstations: }}
""",
    "beta.yml": """\
site_beta: {hosts: {b-01: {ansible_host: 10.2.0.1}, b-sw: {ansible_host: 10.2.0.2}}}
workstations: {hosts: {b-01: }}
switches: {hosts: {b-sw: }}
linux: {hosts: {b-01: }}
""",
    "group_vars/all.yml": "site_calendar: council\n",
    "group_vars/site_alpha.yml": "site_name: Alpha\nsite_subnets: [10.1.0.0/16]\n",
    "group_vars/site_beta.yml": "site_name: Beta\nsite_subnets: [10.2.0.0/16]\n",
    "known_hosts/alpha": "10.1.0.1 ssh-ed25519 AAAA\n",
    "calendars/council.ics": ics(vevents(["2026-10-26..2026-10-30 Half term"])).decode(),
}


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the folder of a good cluster, in a workspace that is the working directory."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ICTOPS_CONFIG", raising=False)
    monkeypatch.setattr(inventory, "content_dir", lambda: tmp_path / "nothing")
    (tmp_path / "ictops.toml").write_text('cluster = "mine"\nstate_dir = "state"\n')
    folder = tmp_path / "inventories" / "mine"
    write(folder, GOOD)
    return folder


def write(folder: Path, files: dict[str, str]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_a_fault_is_found_where_it_is_and_nothing_else(case: dict[str, Any], cluster: Path) -> None:
    write(cluster, case["files"])
    found = [str(fault) for fault in inventory.check(load_settings()).faults]
    wanted = case.get("faults", [])
    assert len(found) == len(wanted), found
    for fault, beginning in zip(found, wanted, strict=True):
        assert fault.startswith(beginning)


def test_every_fault_of_a_cluster_is_found_in_one_run(cluster: Path) -> None:
    together = {
        "files of variables that nobody reads",
        "a name that differs only in its capitals",
        "a calendar that cannot be relied on, once for all its sites",
        "a variable that a role requires, on the hosts of its play",
    }
    chosen = [case for case in CASES if case["name"] in together]
    for case in chosen:
        write(cluster, case["files"])
    found = [str(fault) for fault in inventory.check(load_settings()).faults]
    wanted = [beginning for case in chosen for beginning in case["faults"]]
    assert len(found) == len(wanted) == 7
    assert all(any(fault.startswith(one) for fault in found) for one in wanted)


def ictops(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    return result.exit_code, result.output


def test_the_command_shows_paths_that_can_be_opened_and_counts(cluster: Path) -> None:
    assert ictops("inventory", "check") == (0, "no faults in 2 sites and 4 hosts of mine\n")
    write(cluster, {"group_vars/site_beta.yml": "site_subnets: [10.2.0.0/16]\nsite_calendar: x\n"})
    code, said = ictops("inventory", "check")
    assert code == 3
    assert said.startswith("inventories/mine/group_vars/site_beta.yml:2: unknown calendar 'x'")
    assert said.endswith("\n1 fault in 2 sites and 4 hosts of mine\n")
    code, said = ictops("inventory", "check", "--json")
    assert code == 3
    report = json.loads(said)
    assert report["faults"][0]["file"] == "group_vars/site_beta.yml"
    assert (report["faults"][0]["line"], report["sites"], report["hosts"]) == (2, 2, 4)


def vaulted(text: str, password: str) -> str:
    from ansible.parsing.vault import VaultLib, VaultSecret  # noqa: PLC0415

    return VaultLib().encrypt(text, VaultSecret(password.encode())).decode()


def test_a_password_is_tried_on_everything_vaulted(cluster: Path, tmp_path: Path) -> None:
    (tmp_path / "password").write_text("right\n")
    (tmp_path / "password").chmod(0o600)
    inline = "".join(f"        {line}\n" for line in vaulted("s3cret", "wrong").splitlines())
    write(cluster, {
        "../../ictops.toml": 'cluster = "mine"\n[vault]\npassword_file = "password"\n',
        "group_vars/linux/vault.yml": vaulted("password: s3cret\n", "right"),
        "group_vars/switches/vault.yml": vaulted("password: s3cret\n", "wrong"),
        "group_vars/site_beta/main.yml": f"x: 1\ny: !vault |\n{inline}",
        "group_vars/site_beta.yml": "",
        "host_vars/b-01.yml": vaulted("site_freezes: []\n", "right"),
    })  # fmt: skip
    (cluster / "group_vars" / "site_beta.yml").unlink()
    hidden = "is in a vaulted file, where ictops cannot read it: write it in clear"
    wrong = "the vault's password does not open this ([vault] in ictops.toml)"
    assert [str(fault) for fault in inventory.check(load_settings()).faults] == [
        f"group_vars/site_beta/main.yml:2: {wrong}",
        f"group_vars/switches/vault.yml:1: {wrong}",
        f"host_vars/b-01.yml:1: site_freezes {hidden}",
    ]


def test_a_password_that_is_not_there_is_said_at_each_vault(cluster: Path) -> None:
    write(cluster, {
        "../../ictops.toml": 'cluster = "mine"\n[vault]\npassword_file = "nowhere"\n',
        "group_vars/linux/vault.yml": vaulted("password: s3cret\n", "right"),
    })  # fmt: skip
    (fault,) = inventory.check(load_settings()).faults
    assert str(fault).startswith("group_vars/linux/vault.yml:1: it is vaulted, and the vault's pas")
    assert "nowhere" in fault.what


def test_the_demos_inventory_and_roles_are_without_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(content_dir())
    monkeypatch.delenv("ICTOPS_CONFIG", raising=False)
    assert inventory.check(load_settings("demo")).faults == []
