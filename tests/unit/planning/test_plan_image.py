"""Plans that wipe: what they name, whom they refuse, and who must approve them."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from ictops.calendars.window import Window
from ictops.cli.app import app
from ictops.errors import ImageError, PlanError
from ictops.imaging.published import ImagingFolder
from ictops.operations import approval, planning
from ictops.operations.apply import start_run
from ictops.plans.file import plan_digest, read_plan
from ictops.plans.model import Plan
from ictops.settings import content_dir, load_settings
from ictops.store.hardware import Inventory
from ictops.store.journal import Journal
from ictops.store.records import HardwareRecord, HostImageRecord
from tests.support.published import publish

pytestmark = pytest.mark.imaging

NOW = datetime.now(UTC).replace(microsecond=0)
BEGIN = NOW + timedelta(days=3)
DISK = {
    "path": "/dev/sda", "serial": "S-1", "model": "Fast", "size": 256 * 10**9,
    "transport": "sata", "rotational": False, "removable": False,
}  # fmt: skip
STICK = {**DISK, "path": "/dev/sdb", "serial": "U-1", "transport": "usb"}
PC = HardwareRecord(
    cluster="demo", host="oak-it1-01", site="oakfield", seen_at=NOW, uuid="", vendor="ACME",
    model="Desk", serial="X", firmware="uefi", secure_boot=True, memory=2**33, macs=[],
    disks=[DISK, STICK],
)  # fmt: skip


class Open:
    """A calendar with two hours in three days."""

    def windows_in(self, _name: str, _after: datetime) -> list[Window]:
        return [Window(BEGIN, BEGIN + timedelta(hours=2))]


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    demo = content_dir() / "inventories" / "demo"
    skip = shutil.ignore_patterns("lab.yml", "known_hosts")
    shutil.copytree(demo, tmp_path / "inventories" / "demo", ignore=skip)
    (tmp_path / "ictops.toml").write_text('state_dir = "state"\n')
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ICTOPS_CONFIG", raising=False)
    monkeypatch.setattr(planning, "load_site_calendar", lambda _folder, _site: Open())
    be(monkeypatch, "ann")
    return tmp_path


def be(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Have this person at the keyboard."""
    monkeypatch.setenv("SUDO_USER", name)


def images(workspace: Path) -> ImagingFolder:
    return ImagingFolder(workspace / "state" / "imaging")


def see(*records: HardwareRecord | HostImageRecord) -> None:
    journal = Journal.open(load_settings().journal_url)
    inventory = Inventory(journal)
    inventory.record(one for one in records if isinstance(one, HardwareRecord))
    inventory.record_images(one for one in records if isinstance(one, HostImageRecord))
    journal.close()


def ictops(*words: str, code: int = 0, said: str | None = None) -> str:
    given = ["plan", *words, "--in", "half-term", "-o", "plan.yml"]
    result = CliRunner().invoke(app, given, input=said, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def planned() -> Plan:
    return read_plan(Path("plan.yml"))


def test_the_newest_version_is_pinned_and_the_disks_are_told(workspace):
    publish(images(workspace), version="1", made_at="2026-01-01T00:00:00+00:00")
    digest = publish(images(workspace), version="2", made_at="2026-02-01T00:00:00+00:00")
    see(PC)
    said = ictops("image", "pc", "--sites", "oakfield", "--multicast", "--cache", "20G")
    plan = planned()
    assert plan.title == "image pc 2"
    assert plan.operation == "image"
    assert plan.idempotent
    assert sorted(plan.hosts) == ["oak-it1-01", "oak-it1-02", "oak-lib-01", "oak-lib-02"]
    assert plan.extra_vars == {
        "workstation_image_folder": str(images(workspace).path),
        "workstation_image_image": {"name": "pc", "version": "2", "digest": digest},
        "ictops_then": "site.yml",
        "workstation_image_multicast": True,
        "workstation_image_cache": 20 * 10**9,
    }
    (about,) = plan.about.items()
    assert about[0] == "oak-it1-01"
    assert about[1].startswith("sda 256 GB Fast serial S-1; seen ")
    assert "sda 256 GB Fast serial S-1" in said
    assert "not seen yet, so nobody knows their disks: oak-it1-02, oak-lib-01" in said
    ictops("image", "pc=1", "--rooms", "it1")
    assert planned().extra_vars["workstation_image_image"]["version"] == "1"


def test_a_disk_that_is_too_small_is_told_and_one_that_says_odd_things_acts_on_no_terminal(
    workspace,
):
    publish(images(workspace), smallest_disk=300 * 10**9)
    see(replace(PC, disks=[{**DISK, "model": "Fa\x1b[31mst\n"}]))
    said = ictops("image", "pc", "--rooms", "it1")
    assert "too small for this image when last seen" in said
    assert "\x1b" not in planned().about["oak-it1-01"]


def test_what_hosts_had_before_is_what_their_disks_are_looked_through_for(workspace):
    old = publish(images(workspace), version="1", made_at="2026-01-01T00:00:00+00:00")
    new = publish(images(workspace), version="2", made_at="2026-02-01T00:00:00+00:00")
    had = [
        HostImageRecord("demo", "oak-it1-01", "pc", "1", old, NOW),
        HostImageRecord("demo", "oak-it1-02", "pc", "2", new, NOW),
        HostImageRecord("demo", "oak-lib-01", "gone", "1", "ab" * 32, NOW),
    ]
    see(*had)
    ictops("image", "pc")
    assert planned().extra_vars["workstation_image_seeds"] == [
        {"name": "pc", "version": "1", "digest": old}
    ]


def test_an_image_that_is_not_published_is_refused(workspace):
    publish(images(workspace))
    with pytest.raises(ImageError, match="there is no image 'pcs'"):
        ictops("image", "pcs")
    with pytest.raises(ImageError, match="has no version '9'"):
        ictops("image", "pc=9")


def test_hosts_without_a_mac_are_refused_by_name(workspace):
    publish(images(workspace))
    path = workspace / "inventories" / "demo" / "oakfield.yml"
    text = path.read_text().replace(', host_mac: "02:1c:70:01:00:22"', "")
    path.write_text(text)
    with pytest.raises(PlanError, match="no host_mac is known of oak-it1-02"):
        ictops("image", "pc", "--sites", "oakfield")


def test_a_server_is_wiped_only_by_its_name_and_a_second_flag(workspace):
    publish(images(workspace))
    assert "oak-srv-01" not in (ictops("image", "pc", "--sites", "oakfield"), planned().hosts)
    for limit in ("servers", "oak-srv-*", "all"):
        with pytest.raises(PlanError, match="named one by one"):
            ictops("image", "pc", "--limit", limit, "--and-servers")
    with pytest.raises(PlanError, match="never wiped by the way: oak-srv-01"):
        ictops("image", "pc", "--limit", "oak-srv-01,oak-it1-01")
    ictops("image", "pc", "--limit", "oak-srv-01", "--and-servers", "--canary", "none")
    plan = planned()
    assert plan.hosts == ["oak-srv-01"]
    assert plan.extra_vars["workstation_image_and_servers"] == ["oak-srv-01"]


def test_the_playbook_that_comes_after_counts_as_a_part_of_the_plan(workspace):
    publish(images(workspace))
    (workspace / "own.yml").write_text("- hosts: all\n  tasks: []\n")
    ictops("image", "pc", "--rooms", "it1", "--then", "own.yml")
    plan = planned()
    assert plan.extra_vars["ictops_then"] == str(workspace / "own.yml")
    (workspace / "own.yml").write_text("- hosts: all\n  tasks: [{ping: }]\n")
    given = ["plan", "show", "plan.yml", "--json"]
    shown = CliRunner().invoke(app, given, catch_exceptions=False)
    assert any("the playbook image.yml" in note for note in json.loads(shown.stdout)["notes"])


def test_the_playbook_without_another_one_is_the_sites(workspace):
    publish(images(workspace))
    ictops("image", "pc", "--rooms", "it1")
    before = planned().roles_digest
    (workspace / "site.yml").write_text("- hosts: all\n  tasks: []\n")
    ictops("image", "pc", "--rooms", "it1", "--then", "site.yml")
    assert planned().roles_digest != before, "the roles of ictops' own site.yml are covered"


def test_a_size_that_is_none_is_refused(workspace):
    publish(images(workspace))
    with pytest.raises(PlanError, match="'20' is no size"):
        ictops("image", "pc", "--cache", "20")


def test_an_erasure_names_the_built_in_disks_by_their_serial_numbers(workspace):
    see(PC)
    ictops("erase", "oak-it1-01", said="oak-it1-01\n")
    plan = planned()
    assert plan.hosts == ["oak-it1-01"]
    assert plan.extra_vars["workstation_image_erase"] == {"oak-it1-01": ["S-1"]}
    assert plan.two_people
    assert "serial S-1" in plan.about["oak-it1-01"]


@pytest.mark.parametrize("typed", ["oak-it1-02\n", "\n\n", ""])
def test_whoever_does_not_type_the_name_erases_nothing(workspace, typed):
    see(PC)
    with pytest.raises(PlanError, match="the names that were typed are not those"):
        ictops("erase", "oak-it1-01", said=typed)
    assert not Path("plan.yml").exists()


def test_a_script_types_each_name_and_no_other(workspace):
    see(PC, replace(PC, host="oak-it1-02", disks=[{**DISK, "serial": "S-2"}]))
    both = ("oak-it1-01", "oak-it1-02")
    with pytest.raises(PlanError, match="typed are not those of the hosts: oak-it1-02"):
        ictops("erase", *both, "--asset", "oak-it1-01")
    ictops("erase", *both, "--asset", "oak-it1-02", "--asset", "oak-it1-01")
    erased = planned().extra_vars["workstation_image_erase"]
    assert erased == {"oak-it1-01": ["S-1"], "oak-it1-02": ["S-2"]}


def test_disks_that_nobody_knows_are_not_erased(workspace):
    with pytest.raises(PlanError, match="nobody has seen which disks these have: oak-it1-01"):
        ictops("erase", "oak-it1-01", "--asset", "oak-it1-01")
    see(replace(PC, disks=[{**DISK, "serial": ""}]))
    with pytest.raises(PlanError, match="no disk, or one without a serial number"):
        ictops("erase", "oak-it1-01", "--asset", "oak-it1-01")


def test_a_server_is_erased_only_with_the_second_flag_and_a_pattern_is_no_name(workspace):
    see(replace(PC, host="oak-srv-01"))
    with pytest.raises(PlanError, match="never wiped by the way"):
        ictops("erase", "oak-srv-01", "--asset", "oak-srv-01")
    with pytest.raises(PlanError, match="not in the inventory"):
        ictops("erase", "oak-*", "--asset", "oak-*")
    ictops("erase", "oak-srv-01", "--asset", "oak-srv-01", "--and-servers")
    assert planned().hosts == ["oak-srv-01"]


def test_an_erasure_needs_the_approval_of_another_person_than_its_author(workspace, monkeypatch):
    see(PC)
    ictops("erase", "oak-it1-01", "--asset", "oak-it1-01")
    settings, path = load_settings(), Path("plan.yml")
    journal = Journal.open(settings.journal_url)

    def apply() -> str:
        return start_run(journal, path, settings, now_reason=None, confirm=lambda _: True)

    with pytest.raises(PlanError, match="the plan is not approved"):
        apply()
    for by in (None, "bob"):
        with pytest.raises(PlanError, match="another person than ann"):
            approval.approve(settings, path, by=by)
    digest = plan_digest(planned())
    journal.approve(digest, by="ann", at=NOW)
    journal.approve(digest, by="bob", at=NOW, note="entered by ann")
    with pytest.raises(PlanError, match="nobody but ann, who made it, has approved"):
        apply()
    be(monkeypatch, "bob")
    approval.approve(settings, path, by=None)
    be(monkeypatch, "ann")
    assert journal.run(apply()).operation == "erase"
    journal.close()


def test_an_edit_ends_the_approval_of_an_erasure(workspace, monkeypatch):
    see(PC)
    ictops("erase", "oak-it1-01", "--asset", "oak-it1-01")
    settings, path = load_settings(), Path("plan.yml")
    be(monkeypatch, "bob")
    approval.approve(settings, path, by=None)
    told = yaml.safe_load(path.read_text())
    told["extra_vars"]["workstation_image_erase"]["oak-it1-01"] = ["S-9"]
    path.write_text(yaml.safe_dump(told))
    journal = Journal.open(settings.journal_url)
    with pytest.raises(PlanError, match="the plan is not approved"):
        start_run(journal, path, settings, now_reason=None, confirm=lambda _: True)
    journal.close()
