"""A PC is imaged by a plan: the real service, real ssh, and a PC that is told to behave."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ictops.store.hardware import Inventory
from tests.support.imaged import PC, School, school
from tests.support.lab import Workspace
from tests.support.runs import NOW, newest, opened, outcomes, root_of, until

pytestmark = [pytest.mark.lab, pytest.mark.imaging]


@pytest.fixture(scope="module")
def oak(tmp_path_factory: pytest.TempPathFactory) -> Iterator[School]:
    with school(tmp_path_factory.mktemp("imaging")) as one:
        yield one


def roles_were_there(oak: School) -> bool:
    return (root_of(oak.workspace, PC) / "root" / "roles").exists()


def deferred(workspace: Workspace) -> list[str]:
    """Give the hosts that the newest run has left for later."""
    with opened(workspace) as journal:
        hosts = [host for run in journal.runs(limit=1) for host in journal.hosts(run.id)]
    return [host.host for host in hosts if host.outcome == "deferred"]


def test_a_pc_is_imaged_pinned_and_given_its_roles(oak: School, tmp_path: Path):
    workspace = oak.workspace
    plan = oak.plan()
    before = (workspace.folder / "inventories/t/known_hosts/lab001").read_text()
    with oak.pc("--job", str(tmp_path / "job")) as pc:
        said = workspace.ictops("apply", str(plan), *NOW)
        assert pc.wait(60) == 0
    run = newest(workspace)
    assert outcomes(workspace, run) == {PC: "changed"}
    assert "fetching: " in said
    assert "80.0 MB/s" in said
    assert roles_were_there(oak)

    job = json.loads((tmp_path / "job").read_text())
    public = (workspace.folder / "inventories/t/.lab/id_ed25519.pub").read_text().strip()
    assert job["adapt"]["host_name"] == PC
    assert job["adapt"]["authorized_keys"] == {"ictops": [public]}
    assert job["image"]["version"] == "2026.1"
    assert job["multicast"] is None

    after = (workspace.folder / "inventories/t/known_hosts/lab001").read_text()
    new = set(after.splitlines()) - set(before.splitlines())
    key = workspace.lab.own / "hosts" / PC / "ssh_host_ed25519_key.pub"
    assert [line.split()[2] for line in new] == [key.read_text().split()[1]]
    (seen,) = workspace.json("inventory", "hardware", "--limit", PC)
    assert (seen["model"], seen["disks"][0]["serial"]) == ("Lab PC", "LAB-1")
    logs = workspace.ictops("run", "logs", run, "--host", PC)
    assert "retry" in logs
    assert "fetching: " in logs
    plan = oak.plan()
    assert "vda 64 GB a container serial LAB-1" in plan.read_text()


def test_a_run_that_is_carried_on_after_a_crash_images_no_pc_twice(oak: School, tmp_path: Path):
    workspace = oak.workspace
    plan, go_on = oak.plan("--soak", "1s"), tmp_path / "go on"
    before = {job["id"] for job in oak.jobs}

    def at_work() -> bool:
        with opened(workspace) as journal:
            runs = journal.runs(limit=1)
        shown = workspace.json("run", "show", runs[0].id)["report"]["at_work"]
        return any(one["step"] == "fetching" and one["host"] == PC for one in shown)

    with oak.pc("--hold", str(go_on)) as pc:
        applying = workspace.start("apply", str(plan), *NOW)
        until(at_work, 120, "the PC fetches")
        applying.send_signal(signal.SIGKILL)
        applying.wait()
        go_on.touch()
        workspace.ictops("run", "resume", newest(workspace))
        assert pc.wait(60) == 0
    assert outcomes(workspace, newest(workspace)) == {PC: "changed"}
    (job,) = [one for one in oak.jobs if one["id"] not in before]
    assert (job["state"], job["claims"]) == ("ended", 1)


def test_a_pc_that_fails_is_told_in_its_own_words(oak: School):
    plan = oak.plan("--soak", "2s")
    with oak.pc("--fault", "disk-failing") as pc:
        said = oak.workspace.ictops("apply", str(plan), *NOW, code=4)
        assert pc.wait(60) == 0
    assert "disk-failing: it was told to fail" in said
    oak.workspace.ictops("lab", "fault", PC, "on", "--name", "t")


def test_a_pc_that_does_not_ask_for_its_job_is_left_for_later(oak: School):
    workspace = oak.workspace
    own = workspace.folder / "inventories" / "t" / "group_vars" / "workstations" / "patience.yml"
    own.write_text("workstation_image_boot_seconds: 2\n")
    plan = oak.plan("--soak", "3s", "--retry-every", "1h")
    applying = workspace.start("apply", str(plan), *NOW)
    try:
        until(lambda: PC in deferred(workspace), 120, "the PC is left for later")
        with opened(workspace) as journal:
            (host,) = journal.hosts(newest(workspace))
        assert "it has not asked for its job in 2 s: it is off" in host.reason
        (job,) = [one for one in oak.jobs if one["state"] == "armed"]
        run = newest(workspace)
        assert "took its jobs back" in workspace.ictops("run", "cancel", run)
        assert {one["id"]: one["state"] for one in oak.jobs}[job["id"]] == "cancelled"
        with opened(workspace) as journal:
            assert journal.run(run).state == "cancelled"
            assert [one.operation for one in journal.runs(limit=2)] == ["image-cancel", "image"]
    finally:
        applying.kill()
        applying.communicate()
        own.unlink()
        workspace.ictops("lab", "fault", PC, "on", "--name", "t")


def test_a_pc_without_a_cache_is_put_back_by_its_boot_server(oak: School, tmp_path: Path):
    workspace, jobs = oak.workspace, [tmp_path / "on", tmp_path / "off"]
    with oak.pc("--job", str(jobs[0])) as pc:
        workspace.ictops("image", "heal", PC, "--image", "pc", "--reason", "it is broken")
        assert pc.wait(60) == 0
    assert outcomes(workspace, newest(workspace)) == {PC: "changed"}
    with opened(workspace) as journal:
        (written,) = Inventory(journal).images("t")
        assert journal.run(newest(workspace)).operation == "image-heal"
    assert (written.host, written.name, written.version) == (PC, "pc", "2026.1")

    # One that does not answer is woken; and the image need not be named any more.
    workspace.ictops("lab", "fault", PC, "off", "--name", "t")
    with oak.pc("--job", str(jobs[1])) as pc:
        workspace.ictops("image", "heal", PC)
        assert pc.wait(60) == 0
    orders = [json.loads(one.read_text()) for one in jobs]
    assert [one["kind"] for one in orders] == ["heal", "heal"]
    assert [one["image"]["version"] for one in orders] == ["2026.1", "2026.1"]
    assert [one["cache"] for one in orders] == [0, 0]


def test_hosts_that_are_on_are_surveyed(oak: School):
    workspace = oak.workspace
    known = workspace.json("inventory", "hardware", "--survey", "--limit", "lab001-srv-01")
    assert [one["host"] for one in known] == ["lab001-srv-01"]
    assert known[0]["memory"] > 0
    shown = workspace.ictops("inventory", "hardware")
    assert "LAB-1" in shown
