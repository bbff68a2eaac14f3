"""From the command line to a plan's file, on a cluster of real files."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ictops.calendars.window import Window, intersect
from ictops.cli.app import app
from ictops.errors import CalendarError, Exit, InventoryError, PlanError
from ictops.operations import planning
from ictops.plans.file import plan_digest, read_plan
from ictops.settings import content_dir
from ictops.store.journal import Journal

MONDAY = (datetime.now(UTC) + timedelta(days=30)).replace(hour=8, minute=0, second=0, microsecond=0)


class HalfTerm:
    """A calendar with nine hours on five days a month from now."""

    def windows_in(self, name: str, _after: datetime) -> list[Window]:
        if name != "half-term":
            raise CalendarError(f"there is no {name!r}")
        days = [MONDAY + timedelta(days=n) for n in range(5)]
        return [Window(day, day + timedelta(hours=9)) for day in days]

    def windows(self, start: datetime, end: datetime) -> list[Window]:
        return intersect(self.windows_in("half-term", start), [Window(start, end)])


class NoHolidays(HalfTerm):
    def windows_in(self, _name: str, _after: datetime) -> list[Window]:
        return []


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    demo = content_dir() / "inventories" / "demo"
    skip = shutil.ignore_patterns("lab.yml", "known_hosts")
    shutil.copytree(demo, tmp_path / "inventories" / "demo", ignore=skip)
    (tmp_path / "ictops.toml").write_text('state_dir = "state"\n')
    (tmp_path / "site.yml").write_text("- hosts: all\n  tasks: []\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ICTOPS_CONFIG", raising=False)
    monkeypatch.setattr(planning, "load_site_calendar", lambda _folder, _site: HalfTerm())
    return tmp_path


def ictops(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["plan", *words], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


PLAYBOOK = ("playbook", "site.yml", "--in", "half-term")


def test_a_plan_is_made_written_shown_and_approved(workspace):
    said = ictops(
        *PLAYBOOK, "-o", "plan.yml", "-e", "port=80", "--soak", "10m", "--site-limit", "3"
    )
    assert "It fits its windows." in said
    assert "by default: it never ran here" in said
    plan = read_plan(workspace / "plan.yml")
    assert list(plan.sites) == ["elmtree", "oakfield", "rowan"]
    assert plan.extra_vars == {"port": "80"}
    assert plan.limits.site == 3
    assert plan.playbook == str(workspace / "site.yml")
    oakfield = plan.sites["oakfield"]
    assert oakfield.inventory == "oakfield.yml"
    assert len(oakfield.windows) == 5
    assert oakfield.waves[0].name == "canary"

    ictops("approve", "plan.yml", "--by", "Head", "--note", "yes")
    (approval,) = Journal.open(f"sqlite:///{workspace}/state/journal.db").approvals(
        plan_digest(plan)
    )
    assert approval.note == f"entered by {planning.person()}; yes"
    shown = json.loads(ictops("show", "plan.yml", "--json"))
    assert [one["by"] for one in shown["approved_by"]] == ["Head"]
    assert shown["digest"] == plan_digest(plan)
    assert shown["fits"] is True
    assert shown["notes"] == []


def test_a_secret_in_extra_vars_is_warned_of(workspace):
    said = ictops(*PLAYBOOK, "-e", '{"db": [{"db_password": "x"}], "token_url": ""}')
    assert "db_password stands in the plan and the journal in clear" in said
    assert "token_url stands" not in said


def test_without_o_nothing_is_written(workspace):
    before = sorted(workspace.iterdir())
    assert "Nothing was written" in ictops(*PLAYBOOK)
    assert [p for p in sorted(workspace.iterdir()) if p.name != "state"] == before


def test_a_rollout_is_for_linux_machines_and_says_so(workspace):
    said = ictops("rollout", "hello=2.10-3", "--in", "half-term", "-o", "plan.yml", "--reboot")
    plan = read_plan(workspace / "plan.yml")
    assert plan.operation == "rollout"
    assert plan.playbook == "rollout.yml"
    assert plan.extra_vars["software_packages"] == [{"name": "hello", "version": "2.10-3"}]
    assert not [host for host in plan.hosts if "-sw-" in host]
    assert "hosts left out: this is for Linux workstations and servers" in said


def test_what_does_not_fit_is_written_and_says_what_would_help(workspace):
    said = ictops(
        *PLAYBOOK, "--sites", "oakfield", "--estimate", "40h", "-o", "plan.yml",
        code=Exit.NOT_NOW,
    )  # fmt: skip
    assert "does not fit" in said
    assert "too long" in said
    assert (workspace / "plan.yml").exists()
    ictops("show", "plan.yml", code=Exit.NOT_NOW)


def test_a_site_without_a_window_is_reported(workspace, monkeypatch):
    def calendar(_folder, site):
        return NoHolidays() if site.code == "rowan" else HalfTerm()

    monkeypatch.setattr(planning, "load_site_calendar", calendar)
    said = ictops(*PLAYBOOK, "-o", "plan.yml", code=Exit.NOT_NOW)
    assert "No window: rowan" in said
    assert "site rowan has no window in that time" in said


def test_dates_are_the_sites_own_and_until_means_the_whole_day(workspace):
    day = MONDAY.date().isoformat()
    ictops("playbook", "site.yml", "--from", day, "--until", day, "-o", "plan.yml")
    (window,) = read_plan(workspace / "plan.yml").sites["rowan"].windows
    assert window.start == MONDAY
    assert window.end == MONDAY + timedelta(hours=9)
    ictops(
        "playbook", "site.yml", "--from", day, "--until", f"{day} 10:00", "-o", "plan.yml",
        "--sites", "rowan",
    )  # fmt: skip
    (window,) = read_plan(workspace / "plan.yml").sites["rowan"].windows
    assert window.end.strftime("%H:%M") == "10:00"


def test_what_changed_since_is_said(workspace):
    ictops(*PLAYBOOK, "-o", "plan.yml")
    (workspace / "site.yml").write_text("- hosts: servers\n  tasks: []\n")
    site = workspace / "inventories" / "demo" / "rowan.yml"
    site.write_text(site.read_text() + "# one more line\n")
    notes = json.loads(ictops("show", "plan.yml", "--json"))["notes"]
    assert len(notes) == 2
    assert "the playbook" in notes[0]
    assert "the inventory of site rowan" in notes[1]


def test_past_runs_set_the_estimate(workspace, monkeypatch):
    asked = []

    def past(_journal, operation, cluster):
        asked.append((operation, cluster))
        return [120.0] * 9

    monkeypatch.setattr(Journal, "past_seconds", past)
    assert "A batch takes 2m (from 9 hosts in past runs)" in ictops(*PLAYBOOK)
    assert asked == [("playbook:site", "demo")], "each playbook has its own, in each cluster"


def test_an_inventory_that_no_plan_can_be_made_of(workspace):
    rowan = workspace / "inventories" / "demo" / "rowan.yml"
    rowan.write_text(rowan.read_text().replace("row-srv-01", "oak-srv-01"))
    with pytest.raises(PlanError, match="oak-srv-01 is in oakfield"):
        ictops(*PLAYBOOK)


def test_a_time_zone_that_is_none(workspace):
    group = workspace / "inventories" / "demo" / "group_vars" / "site_rowan.yml"
    group.write_text(group.read_text() + "\nsite_timezone: Europe/Rowan\n")
    with pytest.raises(PlanError, match="site rowan: no such time zone"):
        ictops(*PLAYBOOK)


def test_our_own_playbooks_go_by_their_name(workspace):
    health = "software_health.yml"
    ictops("playbook", "role.yml", "--in", "half-term", "--health", health, "-o", "plan.yml")
    plan = read_plan(workspace / "plan.yml")
    assert (plan.playbook, plan.gate.health) == ("role.yml", health)
    (workspace / health).write_text("- hosts: all\n  tasks: []\n")
    ictops(*PLAYBOOK, "--health", health, "-o", "plan.yml")
    assert read_plan(workspace / "plan.yml").gate.health == str(workspace / health)


def test_a_role_alone(workspace):
    (workspace / "clock" / "tasks").mkdir(parents=True)
    (workspace / "clock" / "tasks" / "main.yml").write_text("[]\n")
    ictops("playbook", "clock", "--in", "half-term", "-o", "plan.yml")
    plan = read_plan(workspace / "plan.yml")
    assert plan.playbook == "role.yml"
    assert plan.extra_vars == {"ictops_role": str(workspace / "clock")}


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        (["--in", "half-term", "--sites", "oakfeild"], InventoryError, "oakfield"),
        (["--in", "half-term", "--sites", "../etc"], InventoryError, "no site"),
        (["--in", "half-term", "--limit", "nobody"], InventoryError, "matches no host"),
        (["--in", "half-term", "--canary", "oak-it1-1"], PlanError, "Did you mean oak-it1-01"),
        (["--in", "half-term", "--shares", "150%"], PlanError, "shares"),
        (["--in", "half-term", "--site-failures", "some"], PlanError, "--site-failures"),
        (["--in", "half-term", "--soak", "long"], PlanError, "--soak"),
        (["--in", "half-term", "--until", "2026-10-26"], PlanError, "not both"),
        (["--until", "26.10.2026"], PlanError, "no date"),
        (["--from", "2026-10-27", "--until", "2026-10-26"], PlanError, "before it starts"),
        ([], PlanError, "must know when"),
        (["--in", "easter"], CalendarError, "there is no 'easter'"),
        (["--in", "half-term", "-e", "a={{x}}"], PlanError, "template"),
        (["--in", "half-term", "--health", "none.yml"], PlanError, "no such playbook"),
        (["--in", "half-term", "-o", "no/such/folder/p.yml"], PlanError, "cannot be written"),
    ],
)
def test_bad_wishes(workspace, words, error, says):
    with pytest.raises(error) as caught:
        ictops("playbook", "site.yml", *words)
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("- debug: {}\n", "a play without 'hosts'"),
        ("hosts: all\n", "list of plays"),
        ("- hosts: [\n", "not valid YAML"),
    ],
)
def test_what_is_no_playbook(workspace, content, says):
    (workspace / "site.yml").write_text(content)
    with pytest.raises(PlanError, match=says):
        ictops(*PLAYBOOK)


def test_a_plan_of_another_cluster_or_with_a_strange_host(workspace):
    ictops(*PLAYBOOK, "-o", "plan.yml")
    text = (workspace / "plan.yml").read_text()
    (workspace / "plan.yml").write_text(text.replace("oak-it1-02", "oak-it1-99"))
    notes = json.loads(ictops("show", "plan.yml", "--json"))["notes"]
    assert notes == ["host oak-it1-99 of site oakfield is not in the inventory"]
    (workspace / "plan.yml").write_text(text.replace("cluster: demo", "cluster: other"))
    with pytest.raises(PlanError, match="for cluster 'other'"):
        ictops("show", "plan.yml")


def test_a_plan_may_be_for_some_rooms(workspace):
    ictops(*PLAYBOOK, "--sites", "oakfield,rowan", "--rooms", "library", "-o", "plan.yml")
    plan = read_plan(workspace / "plan.yml")
    assert plan.hosts == ["oak-lib-01", "oak-lib-02"]


def test_a_room_that_no_chosen_host_is_in_is_told(workspace):
    with pytest.raises(PlanError, match=r"no host that was chosen is in a room 'libary'.*library"):
        ictops(*PLAYBOOK, "--rooms", "libary")
