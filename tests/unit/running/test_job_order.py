"""What a job refuses before Ansible begins, and what Ansible is told."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from ictops.errors import TrustError
from ictops.plans.search import SearchPath
from ictops.running.job import about, environment, run_order
from ictops.running.messages import Order
from ictops.settings import Settings


@pytest.fixture
def workspace(tmp_path: Path) -> Settings:
    folder = tmp_path / "inventories" / "demo"
    folder.mkdir(parents=True)
    (folder / "oakfield.yml").write_text("site_oakfield:\n  hosts:\n    ws-01:\n")
    (tmp_path / "site.yml").write_text("- hosts: all\n  tasks: []\n")
    (tmp_path / "job").mkdir()
    return Settings(workspace=tmp_path)


def order(workspace: Settings) -> Order:
    return Order(
        run="r", shard=7, attempt=1, fence=2, token="r-1", site="oakfield",
        inventory="oakfield.yml", playbook=str(workspace.workspace / "site.yml"),
        hosts=["ws-01"], forks=5,
    )  # fmt: skip


def refused(workspace: Settings) -> TrustError:
    with pytest.raises(TrustError) as caught:
        run_order(order(workspace), workspace.workspace / "job", workspace, io.StringIO())
    assert not list((workspace.workspace / "job").iterdir()), "nothing was begun"
    return caught.value


def test_a_lookup_in_the_sites_own_file(workspace):
    site = workspace.cluster_dir / "oakfield.yml"
    site.write_text(site.read_text() + "      note: \"{{ lookup('pipe', 'id') }}\"\n")
    error = refused(workspace)
    assert error.where == f"{site}:4"
    assert "would run on this machine" in error.what


@pytest.mark.parametrize("place", ["inventories/demo/group_vars/all.yml", "vars/v.yml"])
def test_something_vaulted_without_a_password(workspace, place):
    path = workspace.workspace / place
    path.parent.mkdir(parents=True)
    path.write_text("$ANSIBLE_VAULT;1.1;AES256\n6162\n")
    error = refused(workspace)
    assert error.where == str(path)
    assert "the settings name no password" in error.what


def test_what_ansible_is_told(workspace):
    folder, playbook = workspace.workspace / "job", workspace.workspace / "site.yml"
    told = environment(order(workspace), SearchPath.of(workspace), playbook, folder)
    assert told["ANSIBLE_LOG_PATH"] == "/dev/null", "it would hold secrets in clear"
    assert told["ANSIBLE_NO_TARGET_SYSLOG"] == "true"
    assert told["ANSIBLE_HOST_KEY_CHECKING"] == "true"
    assert told["ANSIBLE_COLLECTIONS_PATH"].startswith(f"{workspace.workspace}/collections:")
    assert str(workspace.workspace / "roles") in told["ANSIBLE_ROLES_PATH"].split(":")
    assert told["ANSIBLE_FORKS"] == "1"


def test_a_playbook_is_told_of_its_run_and_when_the_window_closes(workspace):
    plain = order(workspace)
    assert about(plain) == {"ictops_run": "r"}
    ends = datetime(2026, 10, 26, 17, 0, tzinfo=UTC)
    told = about(plain.model_copy(update={"ends_at": ends}))
    assert told == {"ictops_run": "r", "ictops_ends_at": "2026-10-26T17:00:00+00:00"}


@pytest.mark.parametrize("check", [True, False])
def test_check_mode_is_ansibles_own(workspace, monkeypatch, check):
    told = {}

    class Result:
        status, rc = "successful", 0

    def run(**arguments):
        told.update(arguments)
        return Result

    monkeypatch.setattr("ansible_runner.interface.run", run)
    folder = workspace.workspace / "job"
    asked = order(workspace).model_copy(update={"check": check})
    run_order(asked, folder, workspace, io.StringIO())
    assert told.get("cmdline") == ("--check --diff" if check else None)
