"""Which jobs an agent does, and what it does about the others."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ictops.imaging.agent.boot import NoEntries
from ictops.imaging.agent.main import checked, run, work_once
from ictops.imaging.wire import said
from ictops.imaging.wire.manifest import BootEntry
from tests.support.boot_server import Sessions
from tests.support.images import Signing
from tests.unit.imaging.agent.conftest import School, Versions

NOW = datetime.now(UTC)
WRONG: list[dict[str, Any]] = [
    {"mac": "02:1c:00:00:00:99"},
    {"uuid": "4c4c4544-0000-4000-8000-00000000dead"},
    {"not_before": (NOW - timedelta(2)).isoformat(), "not_after": (NOW - timedelta(1)).isoformat()},
    {"not_before": (NOW + timedelta(1)).isoformat(), "not_after": (NOW + timedelta(2)).isoformat()},
]


@pytest.mark.parametrize("given", WRONG)
def test_a_job_that_is_not_for_this_pc_and_now_is_refused(
    school: School, versions: Versions, given: dict[str, Any]
) -> None:
    disk = school.blank()
    end = school.run(school.job(versions.first, **given), disk)
    assert (end.outcome, end.fault) == ("failed", "job-refused")
    assert school.sessions.ends == [end]
    assert not any(disk.read_bytes())


def test_a_job_that_another_key_signed_is_refused(school: School, versions: Versions) -> None:
    other = Signing.make(school.folder / "other")
    disk = school.blank()
    school.sessions.arm(school.job(versions.first), other.key)
    end, job = work_once(school.options, school.machine(disk))
    assert (end.fault, job) == ("job-refused", None)
    assert not any(disk.read_bytes())


def test_a_job_that_was_changed_is_refused(school: School, versions: Versions) -> None:
    school.sessions.arm(school.job(versions.first), school.signing.key)
    school.sessions.job = school.sessions.job.replace("pc-01", "pc-02")
    end, job = work_once(school.options, school.machine(school.blank()))
    assert (end.fault, job) == ("job-refused", None)


def test_an_images_signature_signs_no_job(school: School, versions: Versions) -> None:
    school.sessions.arm(school.job(versions.first), school.signing.key)
    folder = school.store.root / "images/golden/1"
    claimed = said.Claimed(
        (folder / "manifest.json").read_text(), (folder / "manifest.sig").read_text(), "t"
    )
    with pytest.raises(Exception, match="not to be trusted"):
        checked(claimed, school.machine(school.blank()), school.signing.allowed)


@pytest.mark.parametrize("status", [403, 404, 409])
def test_a_refused_claim_leaves_the_disk(school: School, versions: Versions, status: int) -> None:
    school.sessions.refuse = (status, "this job is done")
    disk = school.blank()
    end = school.run(school.job(versions.first), disk)
    assert (end.outcome, end.fault) == ("failed", "job-refused")
    assert "this job is done" in end.message
    assert school.sessions.heard == []


def test_a_server_with_another_certificate_is_not_spoken_to(
    school: School, versions: Versions
) -> None:
    other = Sessions.make(school.folder / "other-tls")
    options = replace(school.options, ca=other.ca, claim=0.2)
    end, _ = work_once(options, school.machine(school.blank()))
    assert (end.outcome, end.fault) == ("failed", "server-gone")
    assert "certificate" in end.message
    assert school.sessions.heard == []


def test_a_look_tells_the_hardware_and_changes_nothing(school: School) -> None:
    disk = school.blank()
    end = school.run(school.job(None, kind="look"), disk)
    assert end.outcome == "done", end
    (claim,) = [one for _, one in school.sessions.heard if isinstance(one, said.Claim)]
    assert claim.hardware.disks[0].serial == "S1"
    assert not any(disk.read_bytes())


def test_an_image_for_another_firmware_is_refused(school: School, versions: Versions) -> None:
    parts = [
        (one, versions.first.contents[one.number]) for one in versions.first.manifest.partitions
    ]
    image = school.store.add("biosonly", school.folder.name.replace("_", "-"), parts, ("bios",))
    disk = school.blank()
    end = school.run(school.job(image), disk)
    assert (end.outcome, end.fault) == ("failed", "job-refused")
    assert "UEFI" in end.message
    assert not any(disk.read_bytes())


class _Entries(NoEntries):
    def __init__(self) -> None:
        self.did: list[str] = []

    def remove(self, label: str, partitions: Collection[str]) -> None:
        self.did.append(f"remove {label} of {len(partitions)}")

    def add(self, entry: BootEntry, disk: Path) -> None:
        self.did.append(f"add {entry.label} on {disk.name}")

    def disk_next(self) -> None:
        self.did.append("disk next")


def _run(school: School, disk: Path) -> tuple[list[str], list[str], list[float]]:
    left: list[str] = []
    rests: list[float] = []
    entries = _Entries()
    machine = replace(school.machine(disk, entries=entries), leave=left.append)
    run(replace(school.options, claim=0.1), machine, rests.append)
    return entries.did, left, rests


def test_a_pc_without_a_server_boots_its_disk(school: School) -> None:
    school.sessions.stop()
    did, left, rests = _run(school, school.blank())
    assert (did, left) == (["disk next"], ["reboot"])
    assert sum(rests) >= 30


def test_a_pc_that_is_told_nonsense_still_boots(school: School) -> None:
    school.folder.joinpath("empty").touch()
    odd = replace(school.options, ca=school.folder / "empty")
    left: list[str] = []
    run(odd, replace(school.machine(school.blank()), leave=left.append), lambda _: None)
    run(
        school.options,
        replace(school.machine(school.blank()), mac="", leave=left.append),
        lambda _: None,
    )
    assert left == ["reboot", "reboot"]
    assert any("is no MAC" in one for one in school.screen)


def test_a_clock_in_local_time_is_no_reason_to_refuse(school: School, versions: Versions) -> None:
    given = {
        "not_before": (NOW + timedelta(hours=1)).isoformat(),
        "not_after": (NOW + timedelta(hours=3)).isoformat(),
    }
    assert school.run(school.job(versions.fixed, **given), school.blank()).outcome == "done"


def test_a_done_pc_reboots_at_once(school: School, versions: Versions) -> None:
    school.sessions.arm(school.job(versions.fixed, then="poweroff"), school.signing.key)
    did, left, rests = _run(school, school.blank())
    assert (did, left, rests) == (
        ["remove ictops test of 2", "add ictops test on disk.img"],
        ["poweroff"],
        [],
    )


def test_a_failed_pc_shows_why_and_reboots(school: School, versions: Versions) -> None:
    school.sessions.arm(school.job(versions.fixed), school.signing.key)
    did, left, rests = _run(school, school.blank(size=2**20))
    assert (did, left) == ([], ["reboot"])
    assert rests
    assert any(one.startswith("disk-small: ") for one in school.screen)
