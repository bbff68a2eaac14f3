"""A PC that is put back to its image by what it keeps, without any server."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ictops.imaging.agent.boot import NoEntries
from ictops.imaging.agent.local import run_locally
from ictops.imaging.wire.job import Adapt
from ictops.imaging.wire.said import HostKeys
from tests.support import images
from tests.unit.imaging.agent.conftest import School, Versions
from tests.unit.imaging.agent.healing import (
    CACHE,
    DISK,
    area_of,
    cache_of,
    code_of,
    damage,
    environment_of,
    give,
    heal,
    heal_job,
    imaged,
    impatient,
    of_firmware,
    reports,
)
from tests.unit.imaging.agent.test_image import debugfs
from tests.unit.imaging.agent.test_power_cut import PowerCut, Volatile

HOST_KEY = "cat /etc/ssh/ssh_host_ed25519_key.pub"


def system(disk: Path, image: images.Image, folder: Path) -> Path:
    root = image.manifest.partitions[-1]
    end = area_of(disk).start if root.grow else root.end
    return images.cut_out(disk, images.replace(root, size=end - root.start), folder / "cut.img")


def test_a_damaged_pc_is_healed_without_a_server(school: School, versions: Versions) -> None:
    disk = imaged(school, versions.first)
    known = debugfs(system(disk, versions.first, school.folder), HOST_KEY)
    damage(disk, versions.first)
    job = heal_job(school, versions.first)
    give(school, disk, job)
    school.files.stop()
    end, whole = heal(school, disk)
    assert (end.outcome, end.fetched, whole) == ("done", 0, True), end
    assert end.written > 0
    assert {"looking", "fetching", "verifying"} <= end.steps.keys()
    healed = system(disk, versions.first, school.folder)
    assert debugfs(healed, HOST_KEY) == known
    assert debugfs(healed, "cat /etc/hostname") == "pc-01\n"
    assert "Mode:  0600" in debugfs(healed, "stat /etc/ssh/ssh_host_ed25519_key")
    assert images.bootable(disk, versions.first)
    assert environment_of(disk) == {"ictops_tries": "", "ictops_writing": "0"}
    (report,) = reports(disk)
    assert (report.job, report.end) == (job.id, end)


def test_a_whole_pc_is_read_and_nothing_is_written(school: School, versions: Versions) -> None:
    disk = imaged(school, versions.fixed, adapt=None)
    give(school, disk, heal_job(school, versions.fixed, adapt=None))
    school.files.stop()
    end, whole = heal(school, disk)
    assert (end.outcome, end.fetched, end.written, whole) == ("done", 0, 0, True), end


def test_what_the_cache_lacks_comes_over_the_network(school: School, versions: Versions) -> None:
    disk = imaged(school, versions.fixed, adapt=None)
    damage(disk, versions.fixed)
    with cache_of(disk) as folder:
        packs = sorted((folder / "packs").glob("??/*"))
        with packs[0].open("r+b") as file:
            file.write(b"nonsense" * 500_000)
    give(school, disk, heal_job(school, versions.fixed, adapt=None))
    end, whole = heal(school, disk)
    assert (end.outcome, whole) == ("done", True), end
    # And the one piece by which it saw, before the first write, that the boot server is there.
    assert 0 < end.fetched < school.files.sent < end.fetched + 600_000
    assert images.differing_places(disk, versions.fixed) == []


def test_nothing_is_written_where_the_cache_is_damaged_and_nobody_answers(
    school: School, versions: Versions
) -> None:
    disk = imaged(school, versions.fixed, adapt=None)
    damage(disk, versions.fixed)
    with cache_of(disk) as folder:
        for one in (folder / "packs").glob("??/*"):
            one.unlink()
    job = heal_job(school, versions.fixed, adapt=None)
    give(school, disk, job)
    before = image_bytes(disk)
    school.files.stop()
    end, whole = heal(school, disk)
    assert (end.outcome, end.fault, whole) == ("failed", "server-gone", True), end
    assert any("the cache lacks" in one for one in school.screen)
    assert image_bytes(disk) == before
    assert [one.end.fault for one in reports(disk)] == ["server-gone"]


class _Entries(NoEntries):
    def __init__(self, did: list[str]) -> None:
        self._did = did

    def disk_next(self) -> None:
        self._did.append("disk next")


def start(school: School, disk: Path) -> list[str]:
    """Start the agent from the disk, and give what it does last."""
    did: list[str] = []
    machine = images.replace(school.machine(disk, entries=_Entries(did)), leave=did.append)
    run_locally(impatient(school), machine, lambda _seconds: did.append("rests"))
    return did


def test_the_system_is_what_is_started_next(school: School, versions: Versions) -> None:
    disk = imaged(school, versions.fixed, adapt=None)
    school.files.stop()
    assert start(school, disk) == ["rests", "disk next", "reboot"]  # there is no job
    damage(disk, versions.fixed)
    give(school, disk, heal_job(school, versions.fixed, adapt=None))
    assert start(school, disk) == ["disk next", "reboot"]


def test_half_a_system_that_cannot_be_made_whole_is_not_started(
    school: School, versions: Versions
) -> None:
    disk = imaged(school, versions.fixed, adapt=None)
    damage(disk, versions.fixed)
    job = heal_job(school, versions.fixed, adapt=None)
    give(school, disk, job)
    with cache_of(disk) as folder:
        (folder / "begun").write_text(job.id)
        for one in (folder / "packs").glob("??/*"):
            one.unlink()
    school.files.stop()
    assert start(school, disk) == ["rests", "poweroff"]


def test_a_pc_without_a_cache_is_not_told_what_it_lacks(school: School, versions: Versions) -> None:
    disk = school.blank(size=DISK)
    assert school.run(school.job(versions.fixed), disk).outcome == "done"
    damage(disk, versions.fixed)
    end = school.run(heal_job(school, versions.fixed, adapt=None), disk)
    assert (end.outcome, end.notes) == ("done", ()), end


def image_bytes(disk: Path) -> bytes:
    with disk.open("rb") as file:
        return file.read(area_of(disk).start)


def test_a_job_is_done_once(school: School, versions: Versions) -> None:
    disk = imaged(school, versions.fixed, adapt=None)
    job = heal_job(school, versions.fixed, adapt=None)
    give(school, disk, job)
    assert heal(school, disk)[0].outcome == "done"
    give(school, disk, job)
    damage(disk, versions.fixed)
    before = image_bytes(disk)
    end, whole = heal(school, disk)
    assert (end.outcome, end.fault, whole) == ("failed", "job-refused", True)
    assert image_bytes(disk) == before


def test_a_standing_job_is_done_each_time(school: School, versions: Versions) -> None:
    disk = imaged(school, versions.fixed, adapt=None)
    give(school, disk, heal_job(school, versions.fixed, adapt=None, standing=True), "standing")
    school.files.stop()
    for seed in (1, 2):
        damage(disk, versions.fixed, seed)
        end, whole = heal(school, disk)
        assert (end.outcome, end.fetched, whole) == ("done", 0, True), end
        assert images.differing_places(disk, versions.fixed) == []


@pytest.mark.parametrize("what", ["late", "another PC", "unsigned", "image", "none"])
def test_a_job_that_may_not_be_done_is_refused(
    school: School, versions: Versions, what: str
) -> None:
    disk = imaged(school, versions.fixed, adapt=None)
    day = timedelta(days=1)
    over = {
        "not_before": (datetime.now(UTC) - 3 * day).isoformat(),
        "not_after": (datetime.now(UTC) - 2 * day).isoformat(),
    }
    given = {"late": over, "another PC": {"mac": "02:00:00:00:00:99"}, "image": {"kind": "image"}}
    if what == "unsigned":
        other = images.Signing.make(school.folder / "other")
        give(images.replace(school, signing=other), disk, heal_job(school, versions.fixed))
    elif what != "none":
        give(school, disk, heal_job(school, versions.fixed, **given[what]))
    before = image_bytes(disk)
    end, whole = heal(school, disk)
    assert (end.outcome, end.fault, whole) == ("failed", "job-refused", True), end
    assert image_bytes(disk) == before


@pytest.mark.parametrize("seed", range(10))
def test_power_is_cut_while_a_pc_is_healed(school: School, versions: Versions, seed: int) -> None:
    chance = random.Random(seed)
    firmware = "bios" if seed % 2 else "uefi"
    disk = imaged(school, versions.fixed, adapt=None, firmware=firmware)
    machine = of_firmware(school.machine(disk), firmware)
    damage(disk, versions.fixed, seed)
    give(school, disk, heal_job(school, versions.fixed, adapt=None))
    school.files.stop()
    cuts, before = 0, image_bytes(disk)
    for _ in range(3):
        left = chance.randrange(40)
        cut = images.replace(machine, open_disk=lambda path, n=left: Volatile(path, n, chance))
        try:
            heal(school, disk, cut)
        except PowerCut:
            cuts += 1
            if environment_of(disk).get("ictops_writing") != "1":
                continue
            if firmware == "bios":
                assert disk.read_bytes()[:440] == code_of(disk)
            elif images.bootable(disk, versions.fixed):
                # Nothing but the boot code is gone yet, or all is written.
                assert image_bytes(disk)[440:] == before[440:] or whole(disk, versions)
    assert cuts or environment_of(disk)["ictops_writing"] == "0"
    end, is_whole = heal(school, disk, machine)
    assert end.fetched == 0
    assert is_whole
    assert images.differing_places(disk, versions.fixed) == []
    assert environment_of(disk)["ictops_writing"] == "0"
    assert reports(disk)[0].end.outcome == "done"


def whole(disk: Path, versions: Versions) -> bool:
    return images.differing_places(disk, versions.fixed) == []


def test_a_heal_that_the_boot_server_ordered_keeps_the_keys(
    school: School, versions: Versions
) -> None:
    disk = imaged(school, versions.first)
    damage(disk, versions.first)
    school.sessions.heard.clear()
    end = school.run(heal_job(school, versions.first, cache=CACHE), disk)
    assert (end.outcome, end.fetched) == ("done", 0), end
    (keys,) = [one for _, one in school.sessions.heard if isinstance(one, HostKeys)]
    told = debugfs(system(disk, versions.first, school.folder), HOST_KEY)
    assert keys.keys[0] == " ".join(told.split()[:2])


def test_a_job_with_a_secret_is_not_for_a_pc_alone(school: School, versions: Versions) -> None:
    disk = imaged(school, versions.fixed, adapt=None)
    give(school, disk, heal_job(school, versions.fixed, adapt=Adapt("pc-01", secret="WORD")))
    before = image_bytes(disk)
    end, is_whole = heal(school, disk)
    assert (end.outcome, end.fault, is_whole) == ("failed", "job-refused", True)
    assert image_bytes(disk) == before
